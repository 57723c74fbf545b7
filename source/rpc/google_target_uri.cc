// Schemes, hosts and ports.
#include "source/rpc/google_target_uri.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proxenos::rpc {
namespace {

using Endpoint = GoogleTarget::Endpoint;
using Kind = GoogleTarget::Kind;

constexpr uint16_t kDefaultPort = 443;
constexpr size_t kMaxEndpoints = 64;
constexpr size_t kMaxNameBytes = 253;  // RFC 1035, section 2.3.4, without the last dot.

bool IsV4(const std::string& host) {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool IsV6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsName(absl::string_view host) {
  return !host.empty() && host.size() <= kMaxNameBytes &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

absl::Status Malformed(absl::string_view part) {
  return absl::InvalidArgumentError(absl::StrCat("'", part, "' is no HOST:PORT"));
}

// "host", "host:80", "[::1]:80", and "::1" as it stands.
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text) {
  Endpoint endpoint{"", kDefaultPort};
  absl::string_view port;
  bool has_port = false;
  if (absl::StartsWith(text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return Malformed(text);
    endpoint.host = std::string(text.substr(1, end - 1));
    absl::string_view rest = text.substr(end + 1);
    has_port = !rest.empty();
    if (has_port && rest[0] != ':') return Malformed(text);
    port = has_port ? rest.substr(1) : rest;
    if (!IsV6(endpoint.host)) return Malformed(text);
  } else {
    const size_t colon = text.find(':');
    has_port =
        colon != absl::string_view::npos && text.find(':', colon + 1) == absl::string_view::npos;
    endpoint.host = std::string(has_port ? text.substr(0, colon) : text);
    if (has_port) port = text.substr(colon + 1);
    if (!IsName(endpoint.host) && !IsV6(endpoint.host)) return Malformed(text);
  }
  uint32_t number = kDefaultPort;
  if (has_port && (!absl::SimpleAtoi(port, &number) || number == 0 || number > 65535)) {
    return Malformed(text);
  }
  endpoint.port = static_cast<uint16_t>(number);
  return endpoint;
}

std::string AuthorityOf(const Endpoint& endpoint) {
  return IsV6(endpoint.host) ? absl::StrCat("[", endpoint.host, "]:", endpoint.port)
                             : absl::StrCat(endpoint.host, ":", endpoint.port);
}

absl::StatusOr<GoogleTarget> ParsePath(absl::string_view path, bool is_abstract) {
  GoogleTarget target;
  target.kind = Kind::kPath;
  if (absl::StartsWith(path, "//")) {
    path.remove_prefix(2);
    if (!absl::StartsWith(path, "/")) {
      return absl::InvalidArgumentError("a path behind '//' begins with '/'");
    }
  }
  if (path.empty()) return absl::InvalidArgumentError("names no path");
  target.path = absl::StrCat(is_abstract ? "@" : "", path);
  target.authority = "localhost";
  return target;
}

absl::StatusOr<GoogleTarget> ParseAddresses(absl::string_view list, bool v6) {
  GoogleTarget target;
  target.kind = Kind::kAddresses;
  for (const absl::string_view each : absl::StrSplit(list, ',')) {
    absl::StatusOr<Endpoint> endpoint = ParseEndpoint(each);
    if (!endpoint.ok()) return endpoint.status();
    if (!(v6 ? IsV6(endpoint->host) : IsV4(endpoint->host))) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", each, "' is no address of IPv", v6 ? "6" : "4"));
    }
    target.endpoints.push_back(*std::move(endpoint));
  }
  if (target.endpoints.size() > kMaxEndpoints) {
    return absl::InvalidArgumentError("has more than 64 addresses");
  }
  target.authority = AuthorityOf(target.endpoints[0]);
  return target;
}

absl::StatusOr<GoogleTarget> ParseName(absl::string_view name) {
  if (absl::StartsWith(name, "//")) {
    name.remove_prefix(2);
    if (!absl::StartsWith(name, "/")) {
      return absl::InvalidArgumentError(
          "names a DNS server: write dns:///HOST:PORT, or envoy_grpc with a cluster that has "
          "typed_dns_resolver_config");
    }
    name.remove_prefix(1);
  }
  absl::StatusOr<Endpoint> endpoint = ParseEndpoint(name);
  if (!endpoint.ok()) return endpoint.status();
  GoogleTarget target;
  target.kind = IsV4(endpoint->host) || IsV6(endpoint->host) ? Kind::kAddresses : Kind::kName;
  target.authority = AuthorityOf(*endpoint);
  target.endpoints.push_back(*std::move(endpoint));
  return target;
}

}  // namespace

bool GoogleTarget::local() const {
  if (kind == Kind::kPath) return true;
  return std::all_of(endpoints.begin(), endpoints.end(), [](const Endpoint& endpoint) {
    return endpoint.host == "localhost" || endpoint.host == "::1" ||
           (IsV4(endpoint.host) && absl::StartsWith(endpoint.host, "127."));
  });
}

absl::StatusOr<GoogleTarget> ParseGoogleTarget(absl::string_view uri) {
  const size_t colon = uri.find(':');
  const absl::string_view scheme = uri.substr(0, colon == absl::string_view::npos ? 0 : colon);
  const absl::string_view rest = scheme.empty() ? uri : uri.substr(colon + 1);
  if (scheme == "unix") return ParsePath(rest, /*is_abstract=*/false);
  if (scheme == "unix-abstract") return ParsePath(rest, /*is_abstract=*/true);
  if (scheme == "ipv4") return ParseAddresses(rest, /*v6=*/false);
  if (scheme == "ipv6") return ParseAddresses(rest, /*v6=*/true);
  if (scheme == "dns") return ParseName(rest);
  if (absl::StartsWith(rest, "//")) {
    return absl::InvalidArgumentError(
        absl::StrCat("has the scheme ", scheme, ": expected dns, ipv4, ipv6, unix, unix-abstract"));
  }
  return ParseName(uri);
}

}  // namespace proxenos::rpc
