// Compilation of virtual hosts and routes.
#include "source/route/route_config.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/json/struct_config.h"
#include "source/route/action_config.h"
#include "source/route/header_mutations_config.h"
#include "source/route/matcher_config.h"
#include "source/route/mirror_config.h"
#include "source/route/path_policy_config.h"
#include "source/route/rate_limit_config.h"
#include "source/route/retry_config.h"
#include "source/route/route_match_config.h"
#include "source/route/route_tree_config.h"
#include "source/route/specifier_config.h"
#include "source/route/tracing_config.h"
#include "source/route/tree_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

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
};

Forward CompileRouteAction(const v3::Route& config, const Inherited& inherited,
                           Compilation& compilation, const config::Path& path) {
  const v3::RouteAction& action = config.route();
  Forward forward = CompileForward(action, inherited.retry, compilation, path);
  if (forward.mirrors.empty()) forward.mirrors = inherited.mirrors;
  if (action.has_path_rewrite_policy()) {
    forward.regex_rewrite =
        CompilePathRewritePolicy(action.path_rewrite_policy(), config.match(), compilation.errors(),
                                 path.Field("path_rewrite_policy"));
  }
  forward.hedge_on_per_try_timeout = action.has_hedge_policy()
                                         ? action.hedge_policy().hedge_on_per_try_timeout()
                                         : inherited.hedge_on_per_try_timeout;
  return forward;
}

void CompileAction(const v3::Route& config, const Inherited& inherited, Compilation& compilation,
                   const config::Path& path, Route* route) {
  if (config.match().has_path_match_policy() &&
      (!config.route().prefix_rewrite().empty() || !config.redirect().prefix_rewrite().empty())) {
    compilation.errors().Add(path, "a path_match_policy has no prefix for prefix_rewrite");
  }
  switch (config.action_case()) {
    case v3::Route::kRoute:
      route->action = CompileRouteAction(config, inherited, compilation, path.Field("route"));
      break;
    case v3::Route::kRedirect:
      route->action = CompileRedirect(config.redirect(), compilation, path.Field("redirect"));
      break;
    case v3::Route::kDirectResponse:
      route->action = CompileDirectResponse(config.direct_response(), compilation,
                                            path.Field("direct_response"));
      break;
    default:  // What is refused: filter_action and non_forwarding_action.
      compilation.errors().Add(path, "expected one of route, redirect, direct_response");
      break;
  }
}

Route CompileRoute(const v3::Route& config, const Inherited& inherited, Compilation& compilation,
                   const config::Path& path) {
  Route route;
  route.name = config.name();
  route.stat_prefix = config.stat_prefix();
  const config::Path match_path = path.Field("match");
  route.path = CompilePath(config.match(), compilation.errors(), match_path);
  route.conditions =
      CompileConditions(config.match(), compilation.upper.stream, compilation.errors(), match_path);
  CompileBothMutations(config, compilation, path, &route);
  route.filter_overrides = CompileOverrides(config, compilation, path);
  route.metadata = CompileMetadata(config.metadata());
  route.tracing = CompileRouteTracing(config, compilation, path);
  route.request_body_limit = CompileBodyLimit(config, compilation, path);
  if (config.route().has_cors()) {
    CompileCorsField(config.route().cors(), compilation.override_kinds, &route.filter_overrides,
                     compilation.errors(), path.Field("route").Field("cors"));
  }
  CompileAction(config, inherited, compilation, path, &route);
  return route;
}

// Domains of the whole table, each with the virtual host that has it.
class Domains {
 public:
  // The domain in lower case, or nothing after an error. A '*' that is neither its first byte nor
  // its last stands for itself, so no client asks for it: control planes write such beside others.
  // So they do the empty one, which is for requests whose authority is empty.
  std::optional<std::string> Add(const std::string& configured, const std::string& virtual_host,
                                 config::Errors& errors, const config::Path& path) {
    std::string domain = absl::AsciiStrToLower(configured);
    const auto [known, added] = owners_.try_emplace(domain, virtual_host);
    if (!added) {
      errors.AddValue(path, configured,
                      absl::StrCat("a domain that no other entry has; virtual host '",
                                   known->second, "' has it already"));
      return std::nullopt;
    }
    return domain;
  }

 private:
  absl::flat_hash_map<std::string, std::string> owners_;
};

// With the one behind them that all other requests belong to; none without any.
std::vector<VirtualCluster> CompileVirtualClusters(const v3::VirtualHost& config,
                                                   config::Errors& errors,
                                                   const config::Path& path) {
  std::vector<VirtualCluster> clusters;
  for (int i = 0; i < config.virtual_clusters_size(); ++i) {
    VirtualCluster cluster;
    cluster.name = config.virtual_clusters(i).name();
    const config::Path headers =
        path.Field("virtual_clusters").Index(static_cast<size_t>(i)).Field("headers");
    if (config.virtual_clusters(i).headers().empty()) errors.Add(headers, "must not be empty");
    for (int j = 0; j < config.virtual_clusters(i).headers_size(); ++j) {
      auto matcher = CompileHeaderMatcher(config.virtual_clusters(i).headers(j), errors,
                                          headers.Index(static_cast<size_t>(j)));
      if (matcher.has_value()) cluster.headers.push_back(*std::move(matcher));
    }
    clusters.push_back(std::move(cluster));
  }
  if (!clusters.empty()) clusters.push_back({"other", {}, /*catch_all=*/true});
  return clusters;
}

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
    std::optional<std::string> domain =
        domains.Add(config.domains(i), host.name, compilation.errors(),
                    path.Field("domains").Index(static_cast<size_t>(i)));
    if (domain.has_value()) host.domains.push_back(*std::move(domain));
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
  const config::Path routes = path.Field("routes");
  for (int i = 0; i < config.routes_size(); ++i) {
    host.routes.push_back(CompileRoute(config.routes(i), inherited, compilation,
                                       routes.Index(static_cast<size_t>(i))));
  }
  if (config.has_matcher()) {
    if (config.routes_size() != 0) {
      compilation.errors().Add(path, "only one of routes and matcher may be set");
    }
    const auto compile = [&](const v3::Route& route, const config::Path& at) {
      return CompileRoute(route, inherited, compilation, at);
    };
    host.tree = CompileRouteTree(config.matcher(), {compilation.upper.trees, compile, &host.routes},
                                 path.Field("matcher"), compilation.errors());
  }
  host.include_is_timeout_retry = config.include_is_timeout_retry_header();
  host.virtual_clusters = CompileVirtualClusters(config, compilation.errors(), path);
  return host;
}

}  // namespace

RequestMatcher CompileRequestMatcher(const v3::RouteMatch& config, config::Errors& errors,
                                     const config::Path& path, StreamConditionCompiler stream) {
  return RequestMatcher{CompilePath(config, errors, path),
                        CompileConditions(config, stream, errors, path)};
}

std::shared_ptr<const RouteTable> CompileRoutes(const v3::RouteConfiguration& config,
                                                config::Errors& errors, const config::Path& path,
                                                OverrideKinds overrides) {
  return CompileRoutesWithTrees(config, errors, path, overrides, kNoUpperCompilers);
}

std::shared_ptr<const RouteTable> CompileRoutesWithTrees(const v3::RouteConfiguration& config,
                                                         config::Errors& errors,
                                                         const config::Path& path,
                                                         OverrideKinds overrides,
                                                         const UpperCompilers& upper) {
  const size_t errors_before = errors.count();
  RouteTableParts parts;
  Compilation compilation(errors, parts, overrides, upper);
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
  if (!config.vhost_header().empty()) parts.vhost_header = FieldName(config.vhost_header());
  CompileSpecifiers(config, compilation, path);
  const Inherited inherited{.retry = nullptr,
                            .mirrors = CompileMirrors(config.request_mirror_policies(), compilation,
                                                      path.Field("request_mirror_policies"))};
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
