// Requests: pseudo-headers, and what only the complete head tells (RFC 9113, 8.3.1 and 8.5; 8441).
#include <cstring>

#include "absl/strings/match.h"
#include "source/http/authority.h"
#include "source/http/chars.h"
#include "source/http/checked_copy.h"
#include "source/http2/head_reader.h"

namespace proxenos::http2 {
namespace {

using http::CodecError;
using http::Framing;
using http::HeaderId;
using http::Method;

bool IsToken(absl::string_view text) {
  bool valid = !text.empty();
  for (char c : text) valid &= http::IsTokenChar(c);
  return valid;
}

}  // namespace

CodecError HeadReader::TakeRequestPseudo(absl::string_view name, absl::string_view value) {
  CodecError error = CodecError::kNone;
  buffer::Arena& arena = headers_->arena();
  if (name == ":method") {
    error = Once(kMethod);
    if (error != CodecError::kNone) return error;
    if (!IsToken(value)) return CodecError::kBadMethod;
    request_->method = http::ParseMethod(value);
    request_->method_text = arena.Copy(value);
    connect_ = request_->method == Method::kConnect;
  } else if (name == ":path") {
    error = Once(kPath);
    return error == CodecError::kNone ? TakePath(value) : error;
  } else if (name == ":scheme") {
    error = Once(kScheme);
    if (error != CodecError::kNone) return error;
    // RFC 3986, 3.1: no difference in case is meant; one spelling goes on.
    if (absl::EqualsIgnoreCase(value, "https")) {
      request_->scheme = "https";
    } else if (absl::EqualsIgnoreCase(value, "http")) {
      request_->scheme = "http";
    } else {
      return CodecError::kBadTarget;
    }
  } else if (name == ":authority") {
    error = Once(kAuthority);
    return error == CodecError::kNone ? KeepAuthority(value, request_->authority) : error;
  } else if (name == ":protocol" && options_.allow_connect) {
    error = Once(kProtocol);
    if (error != CodecError::kNone) return error;
    if (!IsToken(value)) return CodecError::kBadUpgrade;
    protocol_ = arena.Copy(value);
  } else {
    return CodecError::kBadHeaderName;
  }
  return CodecError::kNone;
}

CodecError HeadReader::TakePath(absl::string_view value) {
  if (value.empty()) return CodecError::kBadTarget;
  char* const bytes = static_cast<char*>(headers_->arena().Allocate(value.size()));
  if (!http::CopyTarget(bytes, value.data(), value.size())) return CodecError::kBadTarget;
  request_->path = absl::string_view(bytes, value.size());
  return CodecError::kNone;
}

CodecError HeadReader::KeepAuthority(absl::string_view value, absl::string_view& kept) {
  if (value.empty()) return CodecError::kBadTarget;
  // The look at it may read behind it.
  char* const bytes = static_cast<char*>(headers_->arena().Allocate(value.size() + 16));
  std::memcpy(bytes, value.data(), value.size());
  std::memset(bytes + value.size(), 0, 16);
  kept = absl::string_view(bytes, value.size());
  return http::IsAuthority(kept) ? CodecError::kNone : CodecError::kBadTarget;
}

CodecError HeadReader::FinishRequest(bool end_stream) {
  http::RequestHead& head = *request_;
  head.version = http::Version::kHttp2;
  if ((pseudo_ & kMethod) == 0) return CodecError::kBadStartLine;
  if (head.authority.empty()) {
    head.authority = host_;
  } else if (!host_.empty() && !absl::EqualsIgnoreCase(host_, head.authority)) {
    return CodecError::kBadTarget;  // RFC 9113, 8.3.1: whom it is for must be clear.
  }
  if (cookies_ > 1) JoinCookies();
  if (connect_) return FinishConnect();
  if ((pseudo_ & (kScheme | kPath)) != (kScheme | kPath) || (pseudo_ & kProtocol) != 0) {
    return CodecError::kBadStartLine;
  }
  if (head.path.front() != '/' && !(head.path == "*" && head.method == Method::kOptions)) {
    return CodecError::kBadTarget;
  }
  if (head.authority.empty()) return CodecError::kBadHost;
  if (end_stream) {
    if (has_length_ && length_ > 0) return CodecError::kBadContentLength;
    head.framing = Framing{Framing::kNone, 0};
  } else if (has_length_) {
    head.framing = Framing{Framing::kLength, length_};
  } else {
    head.framing = Framing{Framing::kChunked, 0};
  }
  head.expects_continue &= !end_stream;
  return CodecError::kNone;
}

// A tunnel: one through us (RFC 9113, 8.5), or what is an upgrade in HTTP/1.1 (RFC 8441, 4), which
// looks inside as it does there.
CodecError HeadReader::FinishConnect() {
  http::RequestHead& head = *request_;
  if ((pseudo_ & kProtocol) != 0) {
    if ((pseudo_ & (kScheme | kPath)) != (kScheme | kPath) || head.path.front() != '/') {
      return CodecError::kBadStartLine;
    }
    if (head.authority.empty()) return CodecError::kBadHost;
    head.method = Method::kGet;
    head.method_text = "GET";
    head.upgrade = protocol_;
  } else {
    if ((pseudo_ & (kScheme | kPath)) != 0) return CodecError::kBadStartLine;
    if (!http::IsHostAndPort(head.authority)) return CodecError::kBadTarget;
  }
  // RFC 9110, 9.3.6: content of a CONNECT has no meaning, so neither has its length.
  if (has_length_) {
    if (length_ > 0) return CodecError::kBadContentLength;
    head.headers.Remove(HeaderId::kContentLength);
    has_length_ = false;
  }
  head.expects_continue = false;
  head.framing = Framing{Framing::kTunnel, 0};
  return CodecError::kNone;
}

// RFC 9113, 8.2.3: crumbs become one field before anybody sees them who does not know HTTP/2.
void HeadReader::JoinCookies() {
  size_t size = 0;
  for (const http::Header& header : *headers_) {
    if (header.id == HeaderId::kCookie) size += header.value_size + 2;
  }
  char* const joined = static_cast<char*>(headers_->arena().Allocate(size));
  char* p = joined;
  http::Header* first = nullptr;
  for (http::Header& header : *headers_) {
    if (header.id != HeaderId::kCookie) continue;
    if (first == nullptr) {
      first = &header;
    } else {
      *p++ = ';';
      *p++ = ' ';
    }
    std::memcpy(p, header.value_data, header.value_size);
    p += header.value_size;
  }
  first->value_data = joined;
  first->value_size = static_cast<uint32_t>(p - joined);
  headers_->RemoveIf([joined](const http::Header& header) {
    return header.id == HeaderId::kCookie && header.value_data != joined;
  });
}

}  // namespace proxenos::http2
