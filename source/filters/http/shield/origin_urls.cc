// What is the origin's, and what takes its place.
#include "source/filters/http/shield/origin_urls.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "source/http/chars.h"

namespace proxenos::filters::shield {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

uint16_t DefaultPort(bool https) { return https ? kHttpsPort : kHttpPort; }

// Of an absolute URL, or one that leaves out the scheme alone ("//host/").
struct UrlParts {
  bool has_scheme = false;
  bool https = false;
  absl::string_view authority;
  absl::string_view rest;  // From the path on.
};

std::optional<UrlParts> TakeApart(absl::string_view url, bool client_https) {
  UrlParts parts;
  if (absl::ConsumePrefix(&url, "//")) {
    parts.https = client_https;
  } else {
    parts.has_scheme = true;
    parts.https = absl::StartsWithIgnoreCase(url, "https://");
    if (!parts.https && !absl::StartsWithIgnoreCase(url, "http://")) return std::nullopt;
    url.remove_prefix(url.find("//") + 2);
  }
  // Browsers take a backslash for a slash.
  const size_t end = std::min(url.find_first_of("/?#\\"), url.size());
  parts.authority = url.substr(0, end);
  parts.rest = url.substr(end);
  return parts;
}

bool IsIp(absl::string_view host) {
  return net::Address::FromIp(host.substr(0, host.find('%')), 0).ok();
}

bool SameHost(absl::string_view a, absl::string_view b) {
  return !a.empty() && absl::EqualsIgnoreCase(a, b);
}

// RFC 6265, section 5.1.3.
bool IsWithin(absl::string_view host, absl::string_view domain) {
  if (SameHost(host, domain)) return true;
  return host.size() > domain.size() && absl::EndsWithIgnoreCase(host, domain) &&
         host[host.size() - domain.size() - 1] == '.' && !IsIp(host);
}

// Where the URL of a Refresh is: nowhere where there is none.
absl::string_view UrlOfRefresh(absl::string_view value) {
  const size_t after_time = value.find_first_of(";,");
  if (after_time == absl::string_view::npos) return absl::string_view();
  absl::string_view url = absl::StripLeadingAsciiWhitespace(value.substr(after_time + 1));
  if (absl::StartsWithIgnoreCase(url, "url")) {
    absl::string_view behind = absl::StripLeadingAsciiWhitespace(url.substr(3));
    if (absl::ConsumePrefix(&behind, "=")) url = absl::StripLeadingAsciiWhitespace(behind);
  }
  if (!url.empty() && (url.front() == '"' || url.front() == '\'')) {
    const char quote = url.front();
    url.remove_prefix(1);
    url = url.substr(0, url.find(quote));
  }
  return absl::StripTrailingAsciiWhitespace(url);
}

// The value of a cookie's attribute, where it is a Domain.
std::optional<absl::string_view> DomainOf(absl::string_view attribute) {
  const size_t equals = attribute.find('=');
  if (equals == absl::string_view::npos) return std::nullopt;
  const absl::string_view name = absl::StripAsciiWhitespace(attribute.substr(0, equals));
  if (!absl::EqualsIgnoreCase(name, "domain")) return std::nullopt;
  return absl::StripAsciiWhitespace(attribute.substr(equals + 1));
}

// What a field's value may tell of the origin.
enum class Kind : uint8_t { kNone, kUrl, kRefresh, kCookie };

Kind KindOf(const http::Header& header) {
  if (header.id == http::HeaderId::kLocation) return Kind::kUrl;
  if (header.id == http::HeaderId::kSetCookie) return Kind::kCookie;
  if (header.name() == "content-location") return Kind::kUrl;
  return header.name() == "refresh" ? Kind::kRefresh : Kind::kNone;
}

void Put(const std::optional<std::string>& text, http::HeaderMap& headers, http::Header& header) {
  if (!text) return;
  const absl::string_view kept = headers.arena().Copy(*text);
  header.value_data = kept.data();
  header.value_size = static_cast<uint32_t>(kept.size());
}

}  // namespace

std::optional<Authority> Authority::Parse(absl::string_view text) {
  const size_t user = text.rfind('@');
  if (user != absl::string_view::npos) text.remove_prefix(user + 1);
  Authority authority;
  size_t end = std::min(text.rfind(':'), text.size());
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos) return std::nullopt;
    authority.host = text.substr(1, close - 1);
    end = close + 1;
  } else {
    authority.host = text.substr(0, end);
    absl::ConsumeSuffix(&authority.host, ".");
  }
  absl::string_view port = text.substr(end);
  if (port.empty() || port == ":") return authority;
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&port, ":") || !absl::SimpleAtoi(port, &number) ||
      !http::IsDigit(port.front()) || number == 0 || number > UINT16_MAX) {
    return std::nullopt;
  }
  authority.port = static_cast<uint16_t>(number);
  return authority;
}

bool AuthorityPattern::MatchesHost(absl::string_view other) const {
  if (!below) return SameHost(other, host);
  return other.size() > host.size() && IsWithin(other, host);
}

UrlRewriter::UrlRewriter(const ClientPlace& client, const OriginPlace& origin,
                         absl::Span<const AuthorityPattern> listed)
    : client_(client),
      origin_(origin),
      listed_(listed),
      client_https_(client.scheme == "https"),
      client_authority_(Authority::Parse(client.authority).value_or(Authority())),
      sent_(Authority::Parse(origin.sent).value_or(Authority())),
      host_name_(Authority::Parse(origin.host_name).value_or(Authority())) {}

bool UrlRewriter::IsOriginHost(absl::string_view host) const {
  if (SameHost(host, sent_.host) || SameHost(host, host_name_.host)) return true;
  if (!origin_.address.is_ip()) return false;
  const auto ip = net::Address::FromIp(host, 0);
  return ip.ok() && ip->IpBytes() == origin_.address.IpBytes();
}

bool UrlRewriter::IsOriginPort(const Authority& authority, bool https) const {
  const uint16_t port = authority.port != 0 ? authority.port : DefaultPort(https);
  if (port == origin_.address.port() || port == host_name_.port) return true;
  // Other ports of what the client asked for are other places.
  if (SameHost(authority.host, client_authority_.host)) return false;
  // Many origins leave out the port that they listen on.
  return port == DefaultPort(https) || port == sent_.port;
}

bool UrlRewriter::IsOrigin(const Authority& authority, bool https) const {
  if (IsOriginHost(authority.host) && IsOriginPort(authority, https)) return true;
  const uint16_t port = authority.port != 0 ? authority.port : DefaultPort(https);
  return std::any_of(listed_.begin(), listed_.end(), [&](const AuthorityPattern& one) {
    return (one.port == 0 || one.port == port) && one.MatchesHost(authority.host);
  });
}

bool UrlRewriter::IsClient(const Authority& authority, bool https) const {
  if (!SameHost(authority.host, client_authority_.host)) return false;
  const auto or_none = [](uint16_t port, bool of_https) {
    return port == DefaultPort(of_https) ? uint16_t{0} : port;
  };
  return or_none(authority.port, https) == or_none(client_authority_.port, client_https_);
}

std::optional<std::string> UrlRewriter::Url(absl::string_view url) const {
  if (client_authority_.host.empty()) return std::nullopt;
  const auto parts = TakeApart(url, client_https_);
  if (!parts) return std::nullopt;
  const auto authority = Authority::Parse(parts->authority);
  if (!authority) return std::nullopt;
  bool https = client_https_;
  if (IsClient(*authority, parts->https)) {
    // The origin did not see the TLS that ends here. The other way round it may want TLS.
    if (!parts->has_scheme || parts->https || !client_https_) return std::nullopt;
  } else if (!IsOrigin(*authority, parts->https)) {
    return std::nullopt;
  } else if (parts->https && !https && parts->rest == client_.path) {
    https = true;  // It insists on TLS: without it the client would be sent where it is.
  }
  const absl::string_view scheme = !parts->has_scheme ? "" : https ? "https:" : "http:";
  return absl::StrCat(scheme, "//", client_.authority, parts->rest);
}

std::optional<std::string> UrlRewriter::Refresh(absl::string_view value) const {
  const absl::string_view url = UrlOfRefresh(value);
  const auto changed = Url(url);
  if (!changed) return std::nullopt;
  const auto before = static_cast<size_t>(url.data() - value.data());
  return absl::StrCat(value.substr(0, before), *changed, value.substr(before + url.size()));
}

bool UrlRewriter::IsOriginDomain(absl::string_view domain) const {
  if (domain.empty() || IsWithin(client_authority_.host, domain)) return false;
  if (IsOriginHost(domain) || IsWithin(sent_.host, domain) || IsWithin(host_name_.host, domain)) {
    return true;
  }
  return std::any_of(listed_.begin(), listed_.end(), [&](const AuthorityPattern& one) {
    return one.MatchesHost(domain) || IsWithin(one.host, domain);
  });
}

std::optional<std::string> UrlRewriter::Cookie(absl::string_view value) const {
  const bool named = !client_authority_.host.empty() && !IsIp(client_authority_.host);
  bool changed = false;
  std::string text(value.substr(0, value.find(';')));
  for (size_t at = text.size(); at < value.size();) {
    const size_t end = std::min(value.find(';', at + 1), value.size());
    const absl::string_view attribute = value.substr(at + 1, end - at - 1);
    at = end;
    auto domain = DomainOf(attribute);
    if (domain) absl::ConsumePrefix(&*domain, ".");
    if (!domain || !IsOriginDomain(*domain)) {
      absl::StrAppend(&text, ";", attribute);
      continue;
    }
    changed = true;
    if (named) absl::StrAppend(&text, "; Domain=", client_authority_.host);
  }
  if (!changed) return std::nullopt;
  return text;
}

bool OriginUrls::Concerns(const http::HeaderMap& headers) const {
  return std::any_of(headers.begin(), headers.end(), [this](const http::Header& header) {
    return KindOf(header) != Kind::kNone && (cookies || header.id != http::HeaderId::kSetCookie);
  });
}

void OriginUrls::Apply(const ClientPlace& client, const OriginPlace& origin,
                       http::HeaderMap& headers) const {
  const UrlRewriter rewriter(client, origin, listed);
  for (http::Header& header : headers) {
    switch (KindOf(header)) {
      case Kind::kUrl:
        Put(rewriter.Url(header.value()), headers, header);
        break;
      case Kind::kRefresh:
        Put(rewriter.Refresh(header.value()), headers, header);
        break;
      case Kind::kCookie:
        if (cookies) Put(rewriter.Cookie(header.value()), headers, header);
        break;
      case Kind::kNone:
        break;
    }
  }
}

}  // namespace proxenos::filters::shield
