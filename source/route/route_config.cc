// Compilation of virtual hosts and routes.
#include "source/route/route_config.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/json/struct_config.h"
#include "source/route/action_config.h"
#include "source/route/header_mutations_config.h"
#include "source/route/matcher_config.h"
#include "source/route/mirror_config.h"
#include "source/route/rate_limit_config.h"
#include "source/route/retry_config.h"
#include "source/route/route_tree_config.h"
#include "source/route/tracing_config.h"
#include "source/route/tree_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

PathPattern CompilePath(const v3::RouteMatch& config, config::Errors& errors,
                        const config::Path& path) {
  PathPattern pattern;
  pattern.case_sensitive = !config.has_case_sensitive() || config.case_sensitive().value();
  switch (config.path_specifier_case()) {
    case v3::RouteMatch::kPrefix:
      pattern.kind = PathPattern::Kind::kPrefix;
      pattern.text = config.prefix();
      break;
    case v3::RouteMatch::kPath:
      pattern.kind = PathPattern::Kind::kExact;
      pattern.text = config.path();
      break;
    case v3::RouteMatch::kPathSeparatedPrefix:
      pattern.kind = PathPattern::Kind::kSeparatedPrefix;
      pattern.text = config.path_separated_prefix();
      break;
    case v3::RouteMatch::kSafeRegex:
      pattern.kind = PathPattern::Kind::kRegex;
      pattern.regex = match::CompileRegex(config.safe_regex(), errors, path.Field("safe_regex"));
      break;
    case v3::RouteMatch::kConnectMatcher:
      pattern.kind = PathPattern::Kind::kConnect;
      break;
    default:
      errors.Add(
          path, "expected one of prefix, path, path_separated_prefix, safe_regex, connect_matcher");
  }
  return pattern;
}

Conditions CompileConditions(const v3::RouteMatch& config, config::Errors& errors,
                             const config::Path& path) {
  Conditions conditions;
  for (int i = 0; i < config.headers_size(); ++i) {
    auto matcher = CompileHeaderMatcher(config.headers(i), errors,
                                        path.Field("headers").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) conditions.headers.push_back(*std::move(matcher));
  }
  for (int i = 0; i < config.query_parameters_size(); ++i) {
    auto matcher =
        CompileQueryMatcher(config.query_parameters(i), errors,
                            path.Field("query_parameters").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) conditions.query.push_back(*std::move(matcher));
  }
  conditions.grpc = config.has_grpc();
  if (config.has_runtime_fraction()) {
    runtime::FractionSetting fraction =
        runtime::CompileSetting(config.runtime_fraction(), errors, path.Field("runtime_fraction"));
    if (!fraction.always()) conditions.fraction = std::move(fraction);
  }
  return conditions;
}

std::shared_ptr<const json::Object> CompileMetadata(
    const envoy::config::core::v3::Metadata& config) {
  if (config.filter_metadata().empty()) return nullptr;
  json::Object spaces;
  for (const auto& [space, values] : config.filter_metadata()) {
    spaces.emplace(space, json::Value(json::FromProto(values)));
  }
  return std::make_shared<const json::Object>(std::move(spaces));
}

// Of a route or a virtual host: per_request_buffer_limit_bytes is the older of the two.
template <typename Config>
std::optional<uint64_t> CompileBodyLimit(const Config& config, Compilation& compilation,
                                         const config::Path& path) {
  if (!config.has_request_body_buffer_limit()) {
    if (!config.has_per_request_buffer_limit_bytes()) return std::nullopt;
    return std::min(config.per_request_buffer_limit_bytes().value(), kKeptBodyBytes);
  }
  if (config.has_per_request_buffer_limit_bytes()) {
    compilation.errors().Add(path,
                             "only one of per_request_buffer_limit_bytes and "
                             "request_body_buffer_limit may be set");
  }
  return config.request_body_buffer_limit().value();
}

// What a table's virtual hosts, or a virtual host's routes, have of it where they say nothing.
struct Inherited {
  std::shared_ptr<const RetryPolicy> retry;  // May be null.
  std::vector<Mirror> mirrors;               // They are not merged.
  bool hedge_on_per_try_timeout = false;
  TreeCompiler trees = nullptr;
};

Route CompileRoute(const v3::Route& config, const Inherited& inherited, Compilation& compilation,
                   const config::Path& path) {
  Route route;
  route.name = config.name();
  route.stat_prefix = config.stat_prefix();
  const config::Path match_path = path.Field("match");
  route.path = CompilePath(config.match(), compilation.errors(), match_path);
  route.conditions = CompileConditions(config.match(), compilation.errors(), match_path);
  CompileBothMutations(config, compilation, path, &route);
  route.filter_overrides = CompileOverrides(config, compilation, path);
  route.metadata = CompileMetadata(config.metadata());
  route.tracing = CompileRouteTracing(config, compilation, path);
  route.request_body_limit = CompileBodyLimit(config, compilation, path);
  if (config.route().has_cors()) {
    CompileCorsField(config.route().cors(), compilation.override_kinds, &route.filter_overrides,
                     compilation.errors(), path.Field("route").Field("cors"));
  }
  switch (config.action_case()) {
    case v3::Route::kRoute: {
      Forward forward =
          CompileForward(config.route(), inherited.retry, compilation, path.Field("route"));
      if (forward.mirrors.empty()) forward.mirrors = inherited.mirrors;
      forward.hedge_on_per_try_timeout =
          config.route().has_hedge_policy()
              ? config.route().hedge_policy().hedge_on_per_try_timeout()
              : inherited.hedge_on_per_try_timeout;
      route.action = std::move(forward);
      break;
    }
    case v3::Route::kRedirect:
      route.action = CompileRedirect(config.redirect(), compilation, path.Field("redirect"));
      break;
    case v3::Route::kDirectResponse:
      route.action = CompileDirectResponse(config.direct_response(), compilation,
                                           path.Field("direct_response"));
      break;
    case v3::Route::kFilterAction:
      compilation.errors().Add(path.Field("filter_action"), "is not implemented by proxenos");
      break;
    case v3::Route::kNonForwardingAction:
      compilation.errors().Add(path.Field("non_forwarding_action"),
                               "is not for a proxy: it has nowhere to forward to");
      break;
    case v3::Route::ACTION_NOT_SET:
      compilation.errors().Add(path, "expected one of route, redirect, direct_response");
      break;
  }
  return route;
}

// Domains of the whole table, each with the virtual host that has it.
class Domains {
 public:
  // The domain in lower case, or nothing after an error.
  std::string Add(const std::string& configured, const std::string& virtual_host,
                  config::Errors& errors, const config::Path& path) {
    std::string domain = absl::AsciiStrToLower(configured);
    if (domain.empty()) {
      errors.Add(path, "must not be empty");
      return domain;
    }
    const size_t star = domain.find('*');
    const bool wildcard_fits =
        star == std::string::npos || ((star == 0 || star == domain.size() - 1) &&
                                      domain.find('*', star + 1) == std::string::npos);
    if (!wildcard_fits) {
      errors.AddValue(path, configured, "at most one wildcard, at the start or at the end");
      return std::string();
    }
    const auto [known, added] = owners_.try_emplace(domain, virtual_host);
    if (!added) {
      errors.AddValue(path, configured,
                      absl::StrCat("a domain that no other entry has; virtual host '",
                                   known->second, "' has it already"));
      return std::string();
    }
    return domain;
  }

 private:
  absl::flat_hash_map<std::string, std::string> owners_;
};

VirtualHost CompileVirtualHost(const v3::VirtualHost& config, Inherited inherited, Domains& domains,
                               Compilation& compilation, const config::Path& path) {
  VirtualHost host;
  host.name = config.name();
  host.require_tls = config.require_tls() == v3::VirtualHost::ALL ? VirtualHost::RequireTls::kAll
                     : config.require_tls() == v3::VirtualHost::EXTERNAL_ONLY
                         ? VirtualHost::RequireTls::kExternalOnly
                         : VirtualHost::RequireTls::kNone;
  host.include_request_attempt_count = config.include_request_attempt_count();
  host.include_attempt_count_in_response = config.include_attempt_count_in_response();
  CompileBothMutations(config, compilation, path, &host);
  host.filter_overrides = CompileOverrides(config, compilation, path);
  host.metadata = CompileMetadata(config.metadata());
  host.rate_limits =
      CompileTableRateLimits(config.rate_limits(), compilation, path.Field("rate_limits"));
  host.request_body_limit = CompileBodyLimit(config, compilation, path);
  if (config.has_cors()) {
    CompileCorsField(config.cors(), compilation.override_kinds, &host.filter_overrides,
                     compilation.errors(), path.Field("cors"));
  }
  host.domains.reserve(static_cast<size_t>(config.domains_size()));
  for (int i = 0; i < config.domains_size(); ++i) {
    std::string domain = domains.Add(config.domains(i), host.name, compilation.errors(),
                                     path.Field("domains").Index(static_cast<size_t>(i)));
    if (!domain.empty()) host.domains.push_back(std::move(domain));
  }
  if (config.has_retry_policy()) {
    inherited.retry =
        CompileRetryPolicy(config.retry_policy(), compilation, path.Field("retry_policy"));
  }
  if (config.has_hedge_policy()) {
    inherited.hedge_on_per_try_timeout = config.hedge_policy().hedge_on_per_try_timeout();
  }
  if (!config.request_mirror_policies().empty()) {
    inherited.mirrors = CompileMirrors(config.request_mirror_policies(), compilation,
                                       path.Field("request_mirror_policies"));
  }
  host.routes.reserve(static_cast<size_t>(config.routes_size()));
  for (int i = 0; i < config.routes_size(); ++i) {
    host.routes.push_back(CompileRoute(config.routes(i), inherited, compilation,
                                       path.Field("routes").Index(static_cast<size_t>(i))));
  }
  if (config.has_matcher()) {
    if (config.routes_size() != 0) {
      compilation.errors().Add(path, "only one of routes and matcher may be set");
    }
    const auto compile = [&](const v3::Route& route, const config::Path& at) {
      return CompileRoute(route, inherited, compilation, at);
    };
    host.tree = CompileRouteTree(config.matcher(), {inherited.trees, compile, &host.routes},
                                 path.Field("matcher"), compilation.errors());
  }
  for (int i = 0; i < config.virtual_clusters_size(); ++i) {
    VirtualCluster cluster;
    cluster.name = config.virtual_clusters(i).name();
    const config::Path headers =
        path.Field("virtual_clusters").Index(static_cast<size_t>(i)).Field("headers");
    for (int j = 0; j < config.virtual_clusters(i).headers_size(); ++j) {
      auto matcher =
          CompileHeaderMatcher(config.virtual_clusters(i).headers(j), compilation.errors(),
                               headers.Index(static_cast<size_t>(j)));
      if (matcher.has_value()) cluster.headers.push_back(*std::move(matcher));
    }
    host.virtual_clusters.push_back(std::move(cluster));
  }
  return host;
}

}  // namespace

RequestMatcher CompileRequestMatcher(const v3::RouteMatch& config, config::Errors& errors,
                                     const config::Path& path) {
  return RequestMatcher{CompilePath(config, errors, path), CompileConditions(config, errors, path)};
}

std::shared_ptr<const RouteTable> CompileRoutes(const v3::RouteConfiguration& config,
                                                config::Errors& errors, const config::Path& path,
                                                OverrideKinds overrides) {
  return CompileRoutesWithTrees(config, errors, path, overrides, nullptr);
}

std::shared_ptr<const RouteTable> CompileRoutesWithTrees(const v3::RouteConfiguration& config,
                                                         config::Errors& errors,
                                                         const config::Path& path,
                                                         OverrideKinds overrides,
                                                         TreeCompiler trees) {
  const size_t errors_before = errors.count();
  RouteTableParts parts;
  Compilation compilation(errors, parts, overrides);
  if (config.has_max_direct_response_body_size_bytes()) {
    compilation.max_direct_response_bytes = config.max_direct_response_body_size_bytes().value();
  }
  parts.name = config.name();
  parts.most_specific_header_mutations_wins = config.most_specific_header_mutations_wins();
  parts.ignore_port_in_host_matching = config.ignore_port_in_host_matching();
  parts.ignore_path_parameters = config.ignore_path_parameters_in_path_matching();
  parts.discovers_hosts = config.has_vhds();
  if (config.has_validate_clusters()) parts.validate_clusters = config.validate_clusters().value();
  for (const std::string& name : config.internal_only_headers()) {
    parts.internal_only_headers.push_back(absl::AsciiStrToLower(name));
  }
  CompileBothMutations(config, compilation, path, &parts);
  parts.filter_overrides = CompileOverrides(config, compilation, path);
  const Inherited inherited{.retry = nullptr,
                            .mirrors = CompileMirrors(config.request_mirror_policies(), compilation,
                                                      path.Field("request_mirror_policies")),
                            .trees = trees};
  Domains domains;
  parts.virtual_hosts.reserve(static_cast<size_t>(config.virtual_hosts_size()));
  for (int i = 0; i < config.virtual_hosts_size(); ++i) {
    parts.virtual_hosts.push_back(
        CompileVirtualHost(config.virtual_hosts(i), inherited, domains, compilation,
                           path.Field("virtual_hosts").Index(static_cast<size_t>(i))));
  }
  if (errors.count() != errors_before) return nullptr;
  return RouteTable::Build(std::move(parts));
}

}  // namespace proxenos::route
