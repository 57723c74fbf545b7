// Hosts, ports and authorities (RFC 3986, 3.2).
#include "source/http/authority.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "source/http/chars.h"
#include "source/http/percent.h"

namespace proxenos::http {
namespace {

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
    } else if (EscapedByte(text, i) >= 0) {
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

}  // namespace

bool IsAuthority(absl::string_view text) {
  const size_t host = HostSize(text);
  if (host == 0) return false;
  return host == text.size() || (text[host] == ':' && IsPort(text.substr(host + 1)));
}

bool IsHostAndPort(absl::string_view text) {
  const size_t host = HostSize(text);
  if (host == 0 || host + 1 >= text.size() || text[host] != ':') return false;
  return IsPort(text.substr(host + 1));
}

}  // namespace proxenos::http
