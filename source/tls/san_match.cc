// subjectAltName matching.
#include "source/tls/san_match.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/match.h"

namespace proxenos::tls {
namespace {

using Type = SanMatcher::Type;

bool AnyText(const match::StringMatcher& matcher, const std::vector<std::string>& texts) {
  return std::any_of(texts.begin(), texts.end(),
                     [&matcher](const std::string& text) { return matcher.Matches(text); });
}

bool AnyDns(const match::StringMatcher& matcher, const std::vector<std::string>& names) {
  const std::string* host = matcher.exact();
  if (host == nullptr) return AnyText(matcher, names);
  return std::any_of(names.begin(), names.end(), [&matcher, host](const std::string& name) {
    return matcher.Matches(name) || DnsNameCovers(name, *host);
  });
}

bool AnyOther(const SanMatcher& matcher, const std::vector<SubjectNames::Other>& names) {
  return std::any_of(names.begin(), names.end(), [&matcher](const SubjectNames::Other& name) {
    return name.oid == matcher.oid && matcher.matcher.Matches(name.value);
  });
}

bool Matches(const SanMatcher& matcher, const SubjectNames& names) {
  switch (matcher.type) {
    case Type::kAny:
      return AnyDns(matcher.matcher, names.dns) || AnyText(matcher.matcher, names.uri) ||
             AnyText(matcher.matcher, names.ip) || AnyText(matcher.matcher, names.email);
    case Type::kEmail:
      return AnyText(matcher.matcher, names.email);
    case Type::kDns:
      return AnyDns(matcher.matcher, names.dns);
    case Type::kUri:
      return AnyText(matcher.matcher, names.uri);
    case Type::kIpAddress:
      return AnyText(matcher.matcher, names.ip);
    case Type::kOtherName:
      return AnyOther(matcher, names.other);
  }
  return false;
}

// The address in `text`, 4 or 16 bytes; empty when it is none.
std::string AddressBytes(const std::string& text) {
  char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return std::string(bytes, 4);
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return std::string(bytes, 16);
  return std::string();
}

}  // namespace

bool MatchesAny(const std::vector<SanMatcher>& matchers, const SubjectNames& names) {
  return std::any_of(matchers.begin(), matchers.end(),
                     [&names](const SanMatcher& matcher) { return Matches(matcher, names); });
}

bool NamesHost(const SubjectNames& names, absl::string_view name) {
  const std::string address = AddressBytes(std::string(name));
  if (!address.empty()) {
    return std::any_of(names.ip.begin(), names.ip.end(),
                       [&address](const std::string& ip) { return AddressBytes(ip) == address; });
  }
  return std::any_of(names.dns.begin(), names.dns.end(),
                     [name](const std::string& dns) { return DnsNameCovers(dns, name); });
}

bool DnsNameCovers(absl::string_view pattern, absl::string_view host) {
  if (pattern.empty() || host.empty()) return false;
  if (absl::EqualsIgnoreCase(pattern, host)) return true;
  if (!absl::StartsWith(pattern, "*.")) return false;
  const absl::string_view parent = pattern.substr(2);
  if (parent.empty() || parent.find('*') != absl::string_view::npos ||
      parent.find('.') == absl::string_view::npos) {
    return false;
  }
  const size_t dot = host.find('.');
  if (dot == absl::string_view::npos || dot == 0) return false;
  return absl::EqualsIgnoreCase(parent, host.substr(dot + 1));
}

}  // namespace proxenos::tls
