// Each format by hand: exact about what it takes, and linear in the text.
#include "source/config/string_formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace proxenos::config {
namespace {

bool IsAlpha(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return IsAlpha(c) || IsDigit(c); }
bool IsHex(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

bool Contains(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

bool IsLabel(std::string_view label) {
  constexpr size_t kMaxLabel = 63;
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
         label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return IsAlnum(c) || c == '-'; });
}

bool ParsesAs(int family, std::string_view text) {
  // inet_pton wants a terminated string, so an embedded NUL would hide what follows it.
  constexpr size_t kMaxAddress = 64;
  if (text.size() > kMaxAddress || Contains(text, '\0')) return false;
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(family, std::string(text).c_str(), address) == 1;
}

// RFC 3986 appendix A: reserved, unreserved, and complete percent escapes.
bool HasOnlyUriBytes(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) return false;
      i += 2;
    } else if (!IsAlnum(text[i]) && !Contains("-._~:/?#[]@!$&'()*+,;=", text[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool IsHostname(std::string_view text) {
  constexpr size_t kMaxHostname = 253;
  if (text.size() > kMaxHostname) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!IsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsIpv4(std::string_view text) { return ParsesAs(AF_INET, text); }

bool IsIpv6(std::string_view text) { return ParsesAs(AF_INET6, text); }

bool IsUriReference(std::string_view text) { return HasOnlyUriBytes(text); }

bool IsUri(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !IsAlpha(text[0])) return false;
  const std::string_view scheme = text.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(),
                     [](char c) { return IsAlnum(c) || Contains("+-.", c); }) &&
         HasOnlyUriBytes(text.substr(colon + 1));
}

bool IsEmail(std::string_view text) {
  constexpr size_t kMaxEmail = 254;
  constexpr size_t kMaxLocal = 64;
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || text.size() > kMaxEmail) return false;
  const std::string_view local = text.substr(0, at);
  if (local.empty() || local.size() > kMaxLocal || local.front() == '.' || local.back() == '.' ||
      local.find("..") != std::string_view::npos) {
    return false;
  }
  return std::all_of(local.begin(), local.end(),
                     [](char c) { return IsAlnum(c) || Contains("!#$%&'*+-/=?^_`{|}~.", c); }) &&
         IsHostname(text.substr(at + 1));
}

bool IsUuid(std::string_view text) {
  constexpr size_t kLength = 36;
  if (text.size() != kLength) return false;
  for (size_t i = 0; i < kLength; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

bool IsHeaderName(std::string_view text, bool strict) {
  if (!strict) return text.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
  // Pseudo headers begin with a colon. The comma is no token character, but the rule's pattern
  // takes it (it spells "+-." as a range), hence Envoy does.
  if (!text.empty() && text.front() == ':') text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlnum(c) || Contains("!#$%&'*+,-.^_|~`", c);
  });
}

bool IsHeaderValue(std::string_view text, bool strict) {
  if (!strict) return text.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
  return std::none_of(text.begin(), text.end(), [](char c) { return IsControl(c) && c != '\t'; });
}

size_t CountCodePoints(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace proxenos::config
