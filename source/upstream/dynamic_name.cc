// Taking authorities apart.
#include "source/upstream/dynamic_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proxenos::upstream {
namespace {

// What a resolver would take; an underscore is in use, if not in the standard. Everything else (a
// zone, a percent sign, a space) is nothing that could be asked for.
bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
}

bool IsIpv6Byte(char c) {
  return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.';
}

// ":80" or nothing at all.
bool ParsePort(absl::string_view text, uint16_t default_port, uint16_t& port) {
  port = default_port;
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  uint32_t number = 0;
  const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || text.size() > 5 || !absl::SimpleAtoi(text, &number)) return false;
  if (number == 0 || number > UINT16_MAX) return false;
  port = static_cast<uint16_t>(number);
  return true;
}

}  // namespace

std::string DynamicName::Key() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

std::optional<DynamicName> ParseDynamicName(absl::string_view authority, uint16_t default_port) {
  absl::string_view host;
  absl::string_view rest;
  bool (*allowed)(char) = IsNameByte;
  if (!authority.empty() && authority.front() == '[') {
    const size_t end = authority.find(']');
    if (end == absl::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
    allowed = IsIpv6Byte;
    if (host.find(':') == absl::string_view::npos) return std::nullopt;
  } else {
    const size_t end = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, end);
    rest = authority.substr(end);
  }
  DynamicName name;
  if (host.empty() || host.size() > kMaxDynamicHost ||
      !std::all_of(host.begin(), host.end(), allowed) ||
      !ParsePort(rest, default_port, name.port)) {
    return std::nullopt;
  }
  name.host = absl::AsciiStrToLower(host);
  return name;
}

}  // namespace proxenos::upstream
