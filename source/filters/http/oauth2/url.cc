// Taking URLs apart.
#include "source/filters/http/oauth2/url.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "source/http/path.h"
#include "source/http/percent.h"

namespace proxenos::filters::oauth2 {
namespace {

// What we let stand in a URL that a browser is told: RFC 3986 has fewer, no browser stumbles here.
bool IsUrlChar(char c) { return c > 0x20 && c < 0x7f && c != '\\' && c != '"' && c != '#'; }

bool IsHostChar(char c) {
  return http::IsUnreserved(c) || c == ':' || c == '[' || c == ']' || c == '%';
}

}  // namespace

std::string EncodeComponent(absl::string_view text) {
  return http::PercentEncoded(text, http::IsUnreserved);
}

absl::string_view HostOf(absl::string_view authority) {
  absl::string_view host = http::StripPort(authority);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host;
}

std::optional<Url> ParseUrl(absl::string_view text) {
  if (!std::all_of(text.begin(), text.end(), IsUrlChar)) return std::nullopt;
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "https://") && !absl::ConsumePrefix(&rest, "http://")) {
    return std::nullopt;
  }
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const absl::string_view authority = rest.substr(0, end);
  if (!std::all_of(authority.begin(), authority.end(), IsHostChar)) return std::nullopt;
  const Url url{HostOf(authority), rest.substr(end)};
  if (url.host.empty()) return std::nullopt;
  return url;
}

bool IsOneOf(absl::string_view host, const std::vector<std::string>& domains) {
  return std::any_of(domains.begin(), domains.end(), [host](absl::string_view domain) {
    if (!absl::ConsumePrefix(&domain, "*")) return absl::EqualsIgnoreCase(host, domain);
    return host.size() > domain.size() && absl::EndsWithIgnoreCase(host, domain);
  });
}

bool IsWithin(absl::string_view host, absl::string_view cookie_domain) {
  absl::ConsumePrefix(&cookie_domain, ".");
  if (absl::EqualsIgnoreCase(host, cookie_domain)) return true;
  return host.size() > cookie_domain.size() && absl::EndsWithIgnoreCase(host, cookie_domain) &&
         host[host.size() - cookie_domain.size() - 1] == '.';
}

}  // namespace proxenos::filters::oauth2
