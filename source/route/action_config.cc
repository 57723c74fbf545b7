// Compilation of actions.
#include "source/route/action_config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/route/hash_policy_config.h"
#include "source/route/header_mutations_config.h"
#include "source/route/internal_redirect_config.h"
#include "source/route/matcher_config.h"
#include "source/route/metadata_match_config.h"
#include "source/route/mirror_config.h"
#include "source/route/rate_limit_config.h"
#include "source/route/retry_config.h"
#include "source/route/specifier_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

WeightedCluster CompileWeight(const v3::WeightedCluster::ClusterWeight& config,
                              const std::shared_ptr<const MetadataMatch>& of_route,
                              Compilation& compilation, const config::Path& path) {
  WeightedCluster entry;
  if (config.name().empty() == config.cluster_header().empty()) {
    compilation.errors().Add(path, "expected exactly one of name and cluster_header");
  }
  if (!config.name().empty()) {
    entry.cluster = compilation.Cluster(config.name());
  } else if (!config.cluster_header().empty()) {
    entry.cluster_header = FieldName(config.cluster_header());
  }
  if (!config.has_weight()) compilation.errors().Add(path.Field("weight"), "is required");
  entry.host_rewrite = config.host_rewrite_literal();
  CompileBothMutations(config, compilation, path, &entry);
  entry.filter_overrides = CompileOverrides(config, compilation, path);
  entry.metadata_match = CompileMetadataMatch(config.metadata_match(), of_route);
  return entry;
}

void CompileWeights(const v3::WeightedCluster& config, Compilation& compilation,
                    const config::Path& path, Forward* forward) {
  const config::Path list = path.Field("clusters");
  for (int i = 0; i < config.clusters_size(); ++i) {
    forward->weighted.push_back(CompileWeight(config.clusters(i), forward->metadata_match,
                                              compilation, list.Index(static_cast<size_t>(i))));
    forward->total_weight += config.clusters(i).weight().value();
    forward->weighted.back().upper = forward->total_weight;
    if (!forward->weighted.back().filter_overrides.empty()) forward->weighted_overrides = true;
    if (!config.runtime_key_prefix().empty()) {
      forward->weights_by_runtime = true;
      forward->weighted.back().weight = {
          config.clusters(i).weight().value(),
          absl::StrCat(config.runtime_key_prefix(), ".", config.clusters(i).name())};
    }
  }
  if (forward->total_weight == 0) {
    compilation.errors().Add(list, "the sum of the weights must be greater than 0");
  } else if (forward->total_weight > UINT32_MAX) {
    compilation.errors().AddValue(list, absl::StrCat(forward->total_weight),
                                  "a sum of weights of at most 4294967295");
  }
  forward->weighted_by_hash = config.use_hash_policy().value();
  if (!config.header_name().empty()) forward->random_header = FieldName(config.header_name());
}

void CompileCluster(const v3::RouteAction& config, Compilation& compilation,
                    const config::Path& path, Forward* forward) {
  switch (config.cluster_specifier_case()) {
    case v3::RouteAction::kCluster:
      forward->cluster = compilation.Cluster(config.cluster());
      break;
    case v3::RouteAction::kClusterHeader:
      forward->cluster_header = FieldName(config.cluster_header());
      break;
    case v3::RouteAction::kWeightedClusters:
      CompileWeights(config.weighted_clusters(), compilation, path.Field("weighted_clusters"),
                     forward);
      break;
    case v3::RouteAction::kClusterSpecifierPlugin:
    case v3::RouteAction::kInlineClusterSpecifierPlugin:
      forward->specifier = CompileSpecifier(config, compilation, path);
      break;
    case v3::RouteAction::CLUSTER_SPECIFIER_NOT_SET:
      compilation.errors().Add(path,
                               "expected one of cluster, cluster_header, weighted_clusters, "
                               "cluster_specifier_plugin, inline_cluster_specifier_plugin");
      break;
  }
  switch (config.cluster_not_found_response_code()) {
    case v3::RouteAction::NOT_FOUND:
      forward->cluster_not_found_status = 404;
      break;
    case v3::RouteAction::INTERNAL_SERVER_ERROR:
      forward->cluster_not_found_status = 500;
      break;
    default:
      forward->cluster_not_found_status = 503;
  }
}

// max_stream_duration, whose mere presence takes the place of `timeout` and what belongs to it.
void CompileStreamLimits(const v3::RouteAction::MaxStreamDuration& limits, Compilation& compilation,
                         const config::Path& path, Forward* forward) {
  const auto given = [&](bool set, const google::protobuf::Duration& duration, const char* name) {
    return set ? std::make_optional(compilation.Duration(duration, path.Field(name)))
               : std::nullopt;
  };
  forward->timeout = 0;
  forward->max_stream_duration =
      given(limits.has_max_stream_duration(), limits.max_stream_duration(), "max_stream_duration");
  forward->grpc_timeout_max = given(limits.has_grpc_timeout_header_max(),
                                    limits.grpc_timeout_header_max(), "grpc_timeout_header_max");
  forward->grpc_timeout_offset =
      given(limits.has_grpc_timeout_header_offset(), limits.grpc_timeout_header_offset(),
            "grpc_timeout_header_offset");
}

void CompileTimeouts(const v3::RouteAction& config, Compilation& compilation,
                     const config::Path& path, Forward* forward) {
  if (config.has_flush_timeout()) {
    forward->flush_timeout =
        compilation.Duration(config.flush_timeout(), path.Field("flush_timeout"));
  }
  if (config.has_idle_timeout()) {
    forward->idle_timeout = compilation.Duration(config.idle_timeout(), path.Field("idle_timeout"));
  }
  if (config.has_max_stream_duration()) {
    CompileStreamLimits(config.max_stream_duration(), compilation,
                        path.Field("max_stream_duration"), forward);
    return;
  }
  if (config.has_timeout()) {
    forward->timeout = compilation.Duration(config.timeout(), path.Field("timeout"));
  }
  if (config.has_max_grpc_timeout()) {
    forward->answer_grpc_timeout_max =
        compilation.Duration(config.max_grpc_timeout(), path.Field("max_grpc_timeout"));
  }
  if (config.has_grpc_timeout_offset()) {
    forward->answer_grpc_timeout_offset =
        compilation.Duration(config.grpc_timeout_offset(), path.Field("grpc_timeout_offset"));
  }
}

void CompileRewrites(const v3::RouteAction& config, Compilation& compilation,
                     const config::Path& path, Forward* forward) {
  if (int{!config.prefix_rewrite().empty()} + int{config.has_regex_rewrite()} +
          int{!config.path_rewrite().empty()} + int{config.has_path_rewrite_policy()} >
      1) {
    compilation.errors().Add(path,
                             "only one of prefix_rewrite, regex_rewrite, path_rewrite and "
                             "path_rewrite_policy may be set");
  }
  if (!config.path_rewrite().empty()) {
    forward->path_format = compilation.Format(config.path_rewrite(), path.Field("path_rewrite"));
  }
  forward->prefix_rewrite = config.prefix_rewrite();
  if (!config.prefix_rewrite().empty()) {
    compilation.CheckTargetText(config.prefix_rewrite(), path.Field("prefix_rewrite"));
  }
  if (config.has_regex_rewrite()) {
    const config::Path field = path.Field("regex_rewrite");
    compilation.CheckTargetText(config.regex_rewrite().substitution(), field.Field("substitution"));
    forward->regex_rewrite =
        CompileRegexRewrite(config.regex_rewrite(), compilation.errors(), field);
  }
  forward->append_x_forwarded_host = config.append_x_forwarded_host();
  switch (config.host_rewrite_specifier_case()) {
    case v3::RouteAction::kHostRewriteLiteral:
      forward->host_literal = config.host_rewrite_literal();
      compilation.CheckTargetText(forward->host_literal, path.Field("host_rewrite_literal"));
      if (!forward->host_literal.empty()) forward->host_rewrite = Forward::HostRewrite::kLiteral;
      break;
    case v3::RouteAction::kAutoHostRewrite:
      if (config.auto_host_rewrite().value()) forward->host_rewrite = Forward::HostRewrite::kAuto;
      break;
    case v3::RouteAction::kHostRewriteHeader:
      if (!config.host_rewrite_header().empty()) {
        forward->host_rewrite = Forward::HostRewrite::kHeader;
        forward->host_header = FieldName(config.host_rewrite_header());
      }
      break;
    case v3::RouteAction::kHostRewritePathRegex: {
      const config::Path field = path.Field("host_rewrite_path_regex");
      compilation.CheckTargetText(config.host_rewrite_path_regex().substitution(),
                                  field.Field("substitution"));
      forward->host_path_regex =
          CompileRegexRewrite(config.host_rewrite_path_regex(), compilation.errors(), field);
      if (forward->host_path_regex.has_value()) {
        forward->host_rewrite = Forward::HostRewrite::kPathRegex;
      }
      break;
    }
    case v3::RouteAction::kHostRewrite:
      if (!config.host_rewrite().empty()) {
        forward->host_rewrite = Forward::HostRewrite::kFormat;
        forward->host_format =
            compilation.Format(config.host_rewrite(), path.Field("host_rewrite"));
      }
      break;
    case v3::RouteAction::HOST_REWRITE_SPECIFIER_NOT_SET:
      break;
  }
}

void CompileUpgrades(const v3::RouteAction& config, Compilation& compilation,
                     const config::Path& path, Forward* forward) {
  for (int i = 0; i < config.upgrade_configs_size(); ++i) {
    const v3::RouteAction::UpgradeConfig& upgrade = config.upgrade_configs(i);
    const config::Path item = path.Field("upgrade_configs").Index(static_cast<size_t>(i));
    UpgradeRule rule;
    rule.type = absl::AsciiStrToLower(upgrade.upgrade_type());
    rule.enabled = !upgrade.has_enabled() || upgrade.enabled().value();
    rule.terminate_connect = upgrade.has_connect_config();
    rule.allow_post = upgrade.connect_config().allow_post();
    if (rule.terminate_connect && rule.type == "connect-udp") {
      compilation.errors().Add(item.Field("connect_config"), "UDP is not carried");
    } else if (rule.terminate_connect && rule.type != "connect") {
      compilation.errors().Add(item.Field("connect_config"),
                               "is only for the upgrade types CONNECT and CONNECT-UDP");
    }
    const bool twice =
        std::any_of(forward->upgrades.begin(), forward->upgrades.end(),
                    [&rule](const UpgradeRule& other) { return other.type == rule.type; });
    if (twice) {
      compilation.errors().AddValue(item.Field("upgrade_type"), upgrade.upgrade_type(),
                                    "each upgrade type once");
    }
    forward->upgrades.push_back(std::move(rule));
  }
}

}  // namespace

Forward CompileForward(const v3::RouteAction& config,
                       const std::shared_ptr<const RetryPolicy>& inherited,
                       Compilation& compilation, const config::Path& path) {
  Forward forward;
  forward.metadata_match = CompileMetadataMatch(config.metadata_match(), nullptr);
  CompileCluster(config, compilation, path, &forward);
  CompileTimeouts(config, compilation, path, &forward);
  CompileRewrites(config, compilation, path, &forward);
  CompileUpgrades(config, compilation, path, &forward);
  // Most routes have none of these, and of thousands of routes the paths alone would cost much.
  if (!config.request_mirror_policies().empty()) {
    forward.mirrors = CompileMirrors(config.request_mirror_policies(), compilation,
                                     path.Field("request_mirror_policies"));
  }
  forward.internal_redirects = CompileInternalRedirects(config, compilation, path);
  if (!config.rate_limits().empty()) {
    forward.rate_limits =
        CompileTableRateLimits(config.rate_limits(), compilation, path.Field("rate_limits"));
  }
  forward.include_host_rate_limits = config.include_vh_rate_limits().value();
  if (!config.hash_policy().empty()) {
    forward.hash_policies =
        CompileHashPolicies(config.hash_policy(), compilation.errors(), path.Field("hash_policy"));
  }
  forward.high_priority = config.priority() == envoy::config::core::v3::HIGH;
  forward.retry = config.has_retry_policy() ? CompileRetryPolicy(config.retry_policy(), compilation,
                                                                 path.Field("retry_policy"))
                                            : inherited;
  return forward;
}

Redirect CompileRedirect(const v3::RedirectAction& config, Compilation& compilation,
                         const config::Path& path) {
  static constexpr uint16_t kStatuses[] = {301, 302, 303, 307, 308};
  Redirect redirect;
  const int code = config.response_code();
  if (code < 0 || code > 4) {
    compilation.errors().AddValue(path.Field("response_code"), absl::StrCat(code), "a known code");
  } else {
    redirect.status = kStatuses[code];
  }
  redirect.strip_query = config.strip_query();
  redirect.scheme = config.https_redirect() ? "https" : config.scheme_redirect();
  redirect.host = config.host_redirect();
  redirect.port = config.port_redirect();
  if (redirect.port > 65535) {
    compilation.errors().AddValue(path.Field("port_redirect"), absl::StrCat(redirect.port),
                                  "a port of at most 65535");
  }
  redirect.path = config.path_redirect();
  redirect.prefix_rewrite = config.prefix_rewrite();
  if (config.has_regex_rewrite()) {
    const config::Path field = path.Field("regex_rewrite");
    compilation.CheckTargetText(config.regex_rewrite().substitution(), field.Field("substitution"));
    redirect.regex_rewrite =
        CompileRegexRewrite(config.regex_rewrite(), compilation.errors(), field);
  }
  if (!config.path_rewrite().empty()) {
    redirect.path_format = compilation.Format(config.path_rewrite(), path.Field("path_rewrite"));
  }
  compilation.CheckTargetText(redirect.scheme, path.Field("scheme_redirect"));
  compilation.CheckTargetText(redirect.host, path.Field("host_redirect"));
  compilation.CheckTargetText(redirect.path, path.Field("path_redirect"));
  compilation.CheckTargetText(redirect.prefix_rewrite, path.Field("prefix_rewrite"));
  return redirect;
}

}  // namespace proxenos::route
