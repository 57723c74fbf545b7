// What a matched route makes of a request.
#include "source/route/rewrite.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/http/chars.h"
#include "source/http/path.h"
#include "source/http/percent.h"
#include "source/route/cluster_specifier.h"

namespace proxenos::route {
namespace {

// Makes the choice of a weight independent of runtime fractions, which look at the same number.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// The number that picks among weights: from the header where one is named and has one number, so
// that several proxies in a row pick alike; else from the request's random.
uint64_t SelectionValue(const Forward& forward, const MatchInput& input) {
  if (!forward.random_header.empty()) {
    uint32_t count = 0;
    absl::string_view text;
    forward.random_header.ForEach(input.head, [&](absl::string_view value) {
      text = value;
      ++count;
    });
    uint64_t value = 0;
    if (count == 1 && absl::SimpleAtoi(text, &value)) return value;
  }
  return Mix(input.random);
}

ClusterPick PickByHeader(const FieldName& header, const http::RequestHead& head) {
  ClusterPick pick;
  header.First(head, &pick.name);
  return pick;
}

// The sum of the weights as the runtime has them now, each below 2^32; 0 where they are those of
// the configuration, or all are 0.
uint64_t RuntimeTotal(const Forward& forward, const runtime::Snapshot* runtime) {
  uint64_t total = 0;
  if (!forward.weights_by_runtime || runtime == nullptr) return 0;
  for (const WeightedCluster& entry : forward.weighted) {
    total += std::min<uint64_t>(entry.weight.Get(runtime), UINT32_MAX);
  }
  return total;
}

const WeightedCluster& PickWeighted(const Forward& forward, const MatchInput& input) {
  const uint64_t random = SelectionValue(forward, input);
  if (const uint64_t total = RuntimeTotal(forward, input.runtime); total != 0) {
    uint64_t left = random % total;
    for (const WeightedCluster& entry : forward.weighted) {
      const uint64_t weight = std::min<uint64_t>(entry.weight.Get(input.runtime), UINT32_MAX);
      if (left < weight) return entry;
      left -= weight;
    }
  }
  return *std::upper_bound(
      forward.weighted.begin(), forward.weighted.end(), random % forward.total_weight,
      [](uint64_t value, const WeightedCluster& entry) { return value < entry.upper; });
}

// How much of the path the route's pattern matched, which is what a prefix rewrite replaces.
size_t MatchedSize(const PathPattern& pattern, absl::string_view path) {
  switch (pattern.kind) {
    case PathPattern::Kind::kPrefix:
    case PathPattern::Kind::kExact:
    case PathPattern::Kind::kSeparatedPrefix:
      return std::min(pattern.text.size(), path.size());
    case PathPattern::Kind::kRegex:
    case PathPattern::Kind::kConnect:
      break;
  }
  return path.size();
}

// Whether the path begins as the pattern does. Where parameters of segments are ignored, it may
// have matched what it does not begin with; there is then nothing to replace, as in Envoy.
bool StandsInFront(const PathPattern& pattern, absl::string_view front) {
  return pattern.kind == PathPattern::Kind::kRegex || pattern.kind == PathPattern::Kind::kConnect ||
         absl::EqualsIgnoreCase(front, pattern.text);
}

// The path (with its query) after a rewrite; nothing when there is none to do, or when a regex made
// nothing of it or too much.
std::optional<std::string> RewrittenPath(const PathPattern& pattern,
                                         const std::string& prefix_rewrite,
                                         const std::optional<RegexRewrite>& regex_rewrite,
                                         absl::string_view full_path) {
  if (full_path.empty()) return std::nullopt;  // CONNECT.
  const absl::string_view path = http::WithoutQuery(full_path);
  const absl::string_view rest = full_path.substr(path.size());
  std::string result;
  if (!prefix_rewrite.empty()) {
    const size_t matched = MatchedSize(pattern, path);
    if (!StandsInFront(pattern, path.substr(0, matched))) return std::nullopt;
    result = absl::StrCat(prefix_rewrite, path.substr(matched));
  } else if (regex_rewrite.has_value()) {
    std::optional<std::string> replaced = regex_rewrite->Apply(path);
    if (!replaced.has_value() || replaced->empty()) return std::nullopt;
    result = *std::move(replaced);
  } else {
    return std::nullopt;
  }
  // RFC 9112, section 3.2.1: a target in origin form starts with a slash.
  if (result.front() != '/') result.insert(result.begin(), '/');
  absl::StrAppend(&result, rest);
  return result;
}

}  // namespace

ClusterPick PickCluster(const Route& route, const MatchInput& input) {
  const Forward& forward = *route.forward();
  if (!forward.cluster_header.empty()) return PickByHeader(forward.cluster_header, input.head);
  if (forward.weighted.empty()) {
    if (forward.specifier != nullptr) {
      return {forward.specifier->Choose(input), ClusterRef::kDynamic, nullptr};
    }
    return {forward.cluster.name, forward.cluster.index, nullptr};
  }
  const WeightedCluster& chosen = PickWeighted(forward, input);
  ClusterPick pick = chosen.cluster_header.empty()
                         ? ClusterPick{chosen.cluster.name, chosen.cluster.index, nullptr}
                         : PickByHeader(chosen.cluster_header, input.head);
  pick.weighted = &chosen;
  return pick;
}

absl::string_view ApplyPathRewrite(const Route& route, http::RequestHead& head) {
  const Forward& forward = *route.forward();
  if (forward.prefix_rewrite.empty() && !forward.regex_rewrite.has_value()) return {};
  const std::optional<std::string> path =
      RewrittenPath(route.path, forward.prefix_rewrite, forward.regex_rewrite, head.path);
  if (!path.has_value()) return {};
  const absl::string_view original = head.path;
  head.path = head.headers.arena().Copy(*path);
  return original;
}

namespace {

// What may stand in a target, of what a format gave.
std::string Encoded(absl::string_view made) {
  std::string path;
  if (!made.empty() && made.front() != '/') path.push_back('/');  // As of the other rewrites.
  http::AppendPercentEncoded(made, http::IsTargetChar, path);
  return path;
}

}  // namespace

absl::string_view ReplacePath(absl::string_view made, http::RequestHead& head) {
  if (made.empty() || head.path.empty()) return {};  // Of a CONNECT, which has no path.
  std::string path = Encoded(made);
  const absl::string_view original = head.path;
  absl::StrAppend(&path, original.substr(http::WithoutQuery(original).size()));
  head.path = head.headers.arena().Copy(path);
  return original;
}

void SetAuthority(http::RequestHead& head, absl::string_view authority,
                  bool append_x_forwarded_host) {
  if (append_x_forwarded_host && !head.authority.empty()) {
    std::string hosts;
    for (const http::Header& header : head.headers) {
      if (header.id == http::HeaderId::kXForwardedHost) {
        absl::StrAppend(&hosts, header.value(), ",");
      }
    }
    absl::StrAppend(&hosts, head.authority);
    head.headers.Set(http::HeaderId::kXForwardedHost, hosts);
  }
  head.authority = authority;
}

absl::string_view ApplyHostRewrite(const Route& route, const WeightedCluster* cluster,
                                   http::RequestHead& head) {
  const Forward& forward = *route.forward();
  absl::string_view host;
  switch (forward.host_rewrite) {
    case Forward::HostRewrite::kNone:
    case Forward::HostRewrite::kAuto:
    case Forward::HostRewrite::kFormat:  // The router's, who renders formats.
      break;
    case Forward::HostRewrite::kLiteral:
      host = forward.host_literal;
      break;
    case Forward::HostRewrite::kHeader:
      forward.host_header.First(head, &host);
      break;
    case Forward::HostRewrite::kPathRegex: {
      const std::optional<std::string> made =
          forward.host_path_regex->Apply(http::WithoutQuery(head.path));
      if (made.has_value()) host = head.headers.arena().Copy(*made);
      break;
    }
  }
  // The route's own rewrite wins over that of the weighted cluster, which Envoy applies before it.
  if (host.empty() && cluster != nullptr) host = cluster->host_rewrite;
  if (host.empty()) return {};
  const absl::string_view original = head.authority;
  SetAuthority(head, host, forward.append_x_forwarded_host);
  return original;
}

std::string RedirectLocation(const Route& route, const MatchInput& input, absl::string_view made) {
  const Redirect& redirect = *route.redirect();
  const std::string made_path = made.empty() ? std::string() : Encoded(made);
  const std::string& given_path = made.empty() ? redirect.path : made_path;
  const http::RequestHead& head = input.head;
  const absl::string_view own_scheme = input.is_https ? "https" : "http";
  const absl::string_view scheme = !redirect.scheme.empty() ? absl::string_view(redirect.scheme)
                                   : !head.scheme.empty()   ? head.scheme
                                                            : own_scheme;
  absl::string_view host = redirect.host;
  if (host.empty()) {
    host = head.authority;
    const size_t colon = http::PortStart(host);
    if (colon != absl::string_view::npos) {
      // The default port of the scheme that is left behind means nothing under the new one.
      const absl::string_view port = host.substr(colon);
      const bool was_default = input.is_https ? port == ":443" : port == ":80";
      if (redirect.port != 0 || (scheme != own_scheme && was_default)) host = host.substr(0, colon);
    }
  }
  std::string path;
  bool strip_query = redirect.strip_query;
  if (!given_path.empty()) {
    path = given_path;
    if (absl::StrContains(path, '?')) {
      strip_query = false;  // The query of path_redirect replaces the request's and stays.
    } else {
      const size_t query = head.path.find('?');
      if (query != absl::string_view::npos) absl::StrAppend(&path, head.path.substr(query));
    }
  } else {
    path = RewrittenPath(route.path, redirect.prefix_rewrite, redirect.regex_rewrite, head.path)
               .value_or(std::string(head.path));
  }
  if (strip_query) path.resize(std::min(path.size(), path.find('?')));
  if (path.empty() || path.front() != '/') path.insert(path.begin(), '/');
  std::string location = absl::StrCat(scheme, "://", host);
  if (redirect.port != 0) absl::StrAppend(&location, ":", redirect.port);
  location += path;
  return location;
}

}  // namespace proxenos::route
