// Content-Length, Transfer-Encoding, Connection, TE and Upgrade (RFC 9110, 7.6 to 8.6; 9112, 6).
#include "source/http1/head_facts.h"

#include <cstring>

#include "absl/strings/match.h"
#include "source/http/chars.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;
using http::HeaderId;

// More digits than any length needs; keeps the sum below from overflowing.
constexpr size_t kMaxLengthDigits = 18;

absl::string_view Trim(absl::string_view text) {
  while (!text.empty() && http::IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && http::IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts the first element off a comma-separated list. False: there was none left.
bool NextElement(absl::string_view& rest, absl::string_view& element) {
  if (rest.data() == nullptr) return false;
  const size_t comma = rest.find(',');
  element = Trim(rest.substr(0, comma));
  rest = comma == absl::string_view::npos ? absl::string_view() : rest.substr(comma + 1);
  return true;
}

bool IsToken(absl::string_view text) {
  for (char c : text) {
    if (!http::IsTokenChar(c)) return false;
  }
  return !text.empty();
}

// Whether a Connection option that is a known field name may be one: those that RFC 9110, 7.6.1
// and its forerunners make a matter of one connection.
bool IsHopByHop(HeaderId id) {
  switch (id) {
    case HeaderId::kUnknown:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyAuthenticate:
    case HeaderId::kProxyAuthorization:
    case HeaderId::kProxyConnection:
    case HeaderId::kTe:
    case HeaderId::kTrailer:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
    case HeaderId::kHttp2Settings:
      return true;
    default:
      return false;
  }
}

// Takes one lower-case option.
CodecError TakeOption(absl::string_view option, HeadFacts& facts) {
  if (++facts.connection_options > kMaxConnectionOptions) return CodecError::kBadConnectionHeader;
  if (option == "close") {
    facts.close = true;
  } else if (option == "keep-alive") {
    facts.keep_alive = true;
  } else if (option == "upgrade") {
    facts.upgrade = true;
  } else {
    const HeaderId id = http::LookUpHeader(option);
    if (!IsHopByHop(id)) return CodecError::kBadConnectionHeader;
    // TE, Transfer-Encoding and the like are taken out anyway; these are not.
    facts.names_fields |= id == HeaderId::kUnknown || id == HeaderId::kTrailer ||
                          id == HeaderId::kProxyAuthenticate || id == HeaderId::kProxyAuthorization;
  }
  return CodecError::kNone;
}

}  // namespace

CodecError TakeContentLength(absl::string_view value, HeadFacts& facts) {
  if (facts.has_length || value.empty() || value.size() > kMaxLengthDigits) {
    return CodecError::kBadContentLength;
  }
  uint64_t length = 0;
  for (char c : value) {
    if (!http::IsDigit(c)) return CodecError::kBadContentLength;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  facts.has_length = true;
  facts.length = length;
  return CodecError::kNone;
}

CodecError TakeTransferEncoding(absl::string_view value, HeadFacts& facts) {
  facts.has_transfer_encoding = true;
  absl::string_view rest = value.data() == nullptr ? absl::string_view("") : value;
  absl::string_view coding;
  while (NextElement(rest, coding)) {
    // Nothing may follow chunked; an empty element or a parameter is nothing that anyone sends.
    if (facts.chunked || !IsToken(coding)) return CodecError::kBadTransferEncoding;
    if (absl::EqualsIgnoreCase(coding, "chunked")) {
      facts.chunked = true;
    } else {
      facts.unknown_coding = true;
    }
  }
  return CodecError::kNone;
}

CodecError TakeConnection(const FieldLine& field, HeadFacts& facts) {
  if (field.value_view() == "keep-alive") {  // What most send who send any.
    facts.keep_alive = true;
    return ++facts.connection_options > kMaxConnectionOptions ? CodecError::kBadConnectionHeader
                                                              : CodecError::kNone;
  }
  for (uint32_t i = 0; i < field.value_size; ++i) {
    char& c = field.value[i];
    if (http::IsTokenChar(c)) {
      c = http::TokenLower(c);
    } else if (c != ',' && !http::IsBlank(c)) {
      return CodecError::kBadConnectionHeader;
    }
  }
  absl::string_view rest = field.value_view();
  absl::string_view option;
  while (NextElement(rest, option)) {
    if (option.empty()) continue;  // RFC 9110, 5.6.1.2: empty elements are to be ignored.
    if (!IsToken(option)) return CodecError::kBadConnectionHeader;
    const CodecError error = TakeOption(option, facts);
    if (error != CodecError::kNone) return error;
  }
  return CodecError::kNone;
}

void TakeTe(absl::string_view value, HeadFacts& facts) {
  absl::string_view coding;
  while (NextElement(value, coding)) {
    facts.te_trailers |= absl::EqualsIgnoreCase(coding, "trailers");
  }
}

bool DropLength(HeadFacts& facts, http::HeaderMap& headers) {
  if (!facts.has_length || !facts.has_transfer_encoding) return false;
  facts.has_length = false;
  headers.Remove(HeaderId::kContentLength);
  return true;
}

CodecError CheckFraming(const HeadFacts& facts) {
  if (!facts.has_transfer_encoding) return CodecError::kNone;
  if (facts.has_length) return CodecError::kLengthAndChunked;
  if (!facts.chunked) return CodecError::kBadTransferEncoding;
  if (facts.unknown_coding) return CodecError::kUnknownTransferEncoding;
  return CodecError::kNone;
}

void RemoveConnectionFields(http::HeaderMap& headers) {
  // Names first, as views into Connection's own values, which stay readable after the removal.
  absl::string_view names[kMaxConnectionOptions];
  int count = 0;
  for (const http::Header& header : headers) {
    if (header.id != HeaderId::kConnection) continue;
    absl::string_view rest = header.value();
    absl::string_view option;
    while (NextElement(rest, option)) {
      if (!option.empty() && count < kMaxConnectionOptions) names[count++] = option;
    }
  }
  headers.RemoveIf([&names, count](const http::Header& header) {
    if (header.id == HeaderId::kConnection) return true;
    for (int i = 0; i < count; ++i) {
      if (header.name() == names[i]) return true;
    }
    return false;
  });
}

bool ChooseUpgrade(absl::string_view value, const IgnoredUpgrades* ignored,
                   absl::string_view& protocol) {
  absl::string_view element;
  protocol = absl::string_view();
  while (NextElement(value, element)) {
    if (element.empty()) continue;
    const size_t slash = element.find('/');
    const absl::string_view name = element.substr(0, slash);
    if (!IsToken(name)) return false;
    if (slash != absl::string_view::npos && !IsToken(element.substr(slash + 1))) return false;
    const bool is_http = absl::EqualsIgnoreCase(name, "h2c") ||
                         absl::EqualsIgnoreCase(name, "h2") || absl::EqualsIgnoreCase(name, "http");
    if (is_http || !protocol.empty()) continue;
    if (ignored == nullptr || !ignored->Ignores(element)) protocol = element;
  }
  return true;
}

}  // namespace proxenos::http1
