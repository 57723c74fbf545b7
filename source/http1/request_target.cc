// Request targets and authorities.
#include "source/http1/request_target.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "absl/strings/match.h"
#include "source/http1/chars.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;
using http::Method;

// reg-name without the percent sign: unreserved and sub-delims (RFC 3986, 3.2.2).
constexpr std::array<bool, 256> kHostChar = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  for (char c : {'-', '.', '_', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '='}) {
    table[static_cast<uint8_t>(c)] = true;
  }
  return table;
}();

// Digits up to 65535. An empty port is allowed by RFC 3986 ("host:").
bool IsPort(absl::string_view text) {
  if (text.size() > 5) return false;
  int port = 0;
  for (char c : text) {
    if (!IsDigit(c)) return false;
    port = port * 10 + (c - '0');
  }
  return port <= 65535;
}

// What may stand between brackets: the characters of an IPv6 address and at least two colons.
// IPvFuture and zones have no use in a request.
bool IsIpv6Text(absl::string_view text) {
  int colons = 0;
  for (char c : text) {
    if (c == ':') {
      ++colons;
    } else if (HexValue(c) < 0 && c != '.') {
      return false;
    }
  }
  return colons >= 2 && text.size() <= 45;
}

// The size of the host at the front of `text`; 0 when there is none.
size_t HostSize(absl::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    return end != absl::string_view::npos && IsIpv6Text(text.substr(1, end - 1)) ? end + 1 : 0;
  }
  const char* const end = text.data() + text.size();
  const char* const plain_end = FindPlainHostEnd(text.data(), end);
  if (plain_end >= end) return text.size();
  size_t i = static_cast<size_t>(plain_end - text.data());
  while (i < text.size()) {
    if (kHostChar[static_cast<uint8_t>(text[i])]) {
      ++i;
    } else if (text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
               HexValue(text[i + 2]) >= 0) {
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

// authority-form: a host and a port, both there (RFC 9112, 3.2.3).
bool IsHostAndPort(absl::string_view text) {
  const size_t host = HostSize(text);
  if (host == 0 || host + 1 >= text.size() || text[host] != ':') return false;
  return IsPort(text.substr(host + 1));
}

CodecError ParseAbsolute(absl::string_view target, http::RequestHead& head) {
  size_t scheme_size = 0;
  if (absl::StartsWithIgnoreCase(target, "http://")) {
    head.scheme = "http";
    scheme_size = 7;
  } else if (absl::StartsWithIgnoreCase(target, "https://")) {
    head.scheme = "https";
    scheme_size = 8;
  } else {
    return CodecError::kBadTarget;
  }
  const absl::string_view rest = target.substr(scheme_size);
  const size_t authority_size = rest.find_first_of("/?");
  head.authority = rest.substr(0, authority_size);
  if (!IsAuthority(head.authority)) return CodecError::kBadTarget;
  if (authority_size == absl::string_view::npos) {
    // RFC 9112, 3.2.4: an OPTIONS for the whole server loses its asterisk on the way to a proxy.
    head.path = head.method == Method::kOptions ? "*" : "/";
    return CodecError::kNone;
  }
  const absl::string_view path = rest.substr(authority_size);
  head.path = path;
  if (path.front() == '?') {
    char* copy = static_cast<char*>(head.headers.arena().Allocate(path.size() + 1));
    copy[0] = '/';
    std::memcpy(copy + 1, path.data(), path.size());
    head.path = absl::string_view(copy, path.size() + 1);
  }
  return CodecError::kNone;
}

}  // namespace

bool IsAuthority(absl::string_view text) {
  const size_t host = HostSize(text);
  if (host == 0) return false;
  return host == text.size() || (text[host] == ':' && IsPort(text.substr(host + 1)));
}

CodecError ParseTarget(absl::string_view target, bool allow_absolute_url, http::RequestHead& head) {
  if (head.method == Method::kConnect) {
    if (!IsHostAndPort(target)) return CodecError::kBadTarget;
    head.authority = target;
    return CodecError::kNone;
  }
  if (target.front() == '/') {
    head.path = target;
    return CodecError::kNone;
  }
  if (target == "*") {
    if (head.method != Method::kOptions) return CodecError::kBadTarget;
    head.path = target;
    return CodecError::kNone;
  }
  return allow_absolute_url ? ParseAbsolute(target, head) : CodecError::kBadTarget;
}

}  // namespace proxenos::http1
