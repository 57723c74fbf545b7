// What a route does with a request: Forward, Redirect or DirectResponse, as plain data.
//
// Owner: the Route. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/base/limits.h"
#include "source/match/regex.h"
#include "source/route/filter_override.h"
#include "source/route/hash_policy.h"
#include "source/route/header_matcher.h"
#include "source/route/header_mutations.h"
#include "source/route/rate_limit.h"
#include "source/runtime/setting.h"

namespace proxenos::route {

class ClusterSpecifier;     // cluster_specifier.h
struct FieldChange;         // field_change.h
struct MetadataMatch;       // metadata_match.h
struct RateLimitedBackOff;  // rate_limited_back_off.h
class ReplyFormat;          // reply_format.h

// A pattern and what its matches become.
struct RegexRewrite {
  match::Regex pattern;
  std::string substitution;

  // Nothing when the result would be larger than match::Regex::kMaxReplacedBytes.
  std::optional<std::string> Apply(absl::string_view text) const {
    return pattern.ReplaceAll(text, substitution);
  }
};

// A cluster by name, with its place in RouteTable::cluster_names(): a worker may keep what it
// looked up in an array beside the table.
struct ClusterRef {
  static constexpr uint32_t kDynamic = UINT32_MAX;  // Named by a request header.

  std::string name;
  uint32_t index = kDynamic;
};

// RetryPolicy.retry_on.
enum RetryOn : uint32_t {
  kRetryOn5xx = 1u << 0,
  kRetryOnGatewayError = 1u << 1,
  kRetryOnReset = 1u << 2,
  kRetryOnResetBeforeRequest = 1u << 3,
  kRetryOnConnectFailure = 1u << 4,
  kRetryOnEnvoyRatelimited = 1u << 5,
  kRetryOnRetriable4xx = 1u << 6,
  kRetryOnRefusedStream = 1u << 7,
  kRetryOnRetriableStatusCodes = 1u << 8,
  kRetryOnRetriableHeaders = 1u << 9,
  kRetryOnHttp3PostConnectFailure = 1u << 10,
  kRetryOnGrpcCancelled = 1u << 11,
  kRetryOnGrpcDeadlineExceeded = 1u << 12,
  kRetryOnGrpcInternal = 1u << 13,
  kRetryOnGrpcResourceExhausted = 1u << 14,
  kRetryOnGrpcUnavailable = 1u << 15,
};

// Reads a comma-separated list as in x-envoy-retry-on and x-envoy-retry-grpc-on. Words that are
// none of RetryOn are left out; the first of them is returned in *unknown where that is not null.
uint32_t ParseRetryOn(absl::string_view text, absl::string_view* unknown);

// Which hosts a retry would rather go to: RetryPolicy.retry_host_predicate and retry_priority.
struct HostPreferences {
  bool avoid_previous_hosts = false;
  // Priorities that were tried are avoided, looked at anew with every so many retries; 0: not.
  uint32_t previous_priorities_update = 0;
  // Hosts with these fields in their envoy.lb metadata: name and serialized value, sorted.
  std::vector<std::pair<std::string, std::string>> avoided_metadata;
  uint32_t attempts = 1;  // host_selection_retry_max_attempts
};

struct RetryPolicy {
  uint32_t retry_on = 0;  // RetryOn bits.
  uint32_t num_retries = 1;
  std::optional<base::Nanos> per_try_timeout;
  std::optional<base::Nanos> per_try_idle_timeout;
  std::vector<uint16_t> retriable_status_codes;          // Sorted.
  std::vector<HeaderMatcher> retriable_headers;          // Of the response; any.
  std::vector<HeaderMatcher> retriable_request_headers;  // Any; empty: all requests.
  base::Nanos back_off_base = 25 * base::kMillisecond;
  base::Nanos back_off_max = 250 * base::kMillisecond;
  HostPreferences hosts;
  // rate_limited_retry_back_off; null: responses do not say when to try again.
  std::shared_ptr<const RateLimitedBackOff> rate_limited;
};

struct WeightedCluster {
  ClusterRef cluster;  // Empty name when cluster_header is used.
  FieldName cluster_header;
  uint64_t upper = 0;  // Chosen by numbers below this and not below the one before.
  runtime::IntegerSetting weight;
  HeaderMutations request_headers;
  HeaderMutations response_headers;
  std::string host_rewrite;  // Empty: none.
  FilterOverrides filter_overrides;
  // Its own over the route's; null: neither has any.
  std::shared_ptr<const MetadataMatch> metadata_match;
};

// RouteAction.upgrade_configs; overrides the connection manager's for the same type.
struct UpgradeRule {
  std::string type;  // Lower case, "websocket" or "connect".
  bool enabled = true;
  bool terminate_connect = false;  // connect_config is set: CONNECT ends here, payload goes on.
  bool allow_post = false;
};

// RouteAction.request_mirror_policies.
struct Mirror {
  ClusterRef cluster;  // Unless a header names it.
  std::string header;  // Lower case; empty: `cluster`.
  runtime::FractionSetting fraction{{100, 100}};
  bool suffix = true;  // The host is told to be a shadow.
  std::string host;    // host_rewrite_literal; empty: that of the request.
  // request_headers_mutations; null: there are none.
  std::shared_ptr<const std::vector<FieldChange>> changes;
};

struct InternalRedirectPolicy;

struct Forward {
  enum class HostRewrite : uint8_t { kNone, kLiteral, kAuto, kHeader, kPathRegex, kFormat };

  // Exactly one of these four says where to.
  ClusterRef cluster;
  FieldName cluster_header;
  std::shared_ptr<const ClusterSpecifier> specifier;  // Null: none.
  std::vector<WeightedCluster> weighted;
  uint64_t total_weight = 0;
  bool weights_by_runtime = false;  // runtime_key_prefix: the weights may not be those above.
  FieldName random_header;          // WeightedCluster.header_name; empty: none.
  bool weighted_overrides = false;  // Some of `weighted` has filter_overrides.
  bool weighted_by_hash = false;    // WeightedCluster.use_hash_policy.

  uint16_t cluster_not_found_status = 503;
  bool high_priority = false;

  // From the end of the request to that of the response. 0: none.
  base::Nanos timeout = base::limits::kRouteTimeout;
  // max_grpc_timeout (set: for gRPC, grpc-timeout takes the place of `timeout`) and
  // grpc_timeout_offset.
  std::optional<base::Nanos> answer_grpc_timeout_max;
  base::Nanos answer_grpc_timeout_offset = 0;
  // Overrides the stream idle timeout of the connection manager; 0 switches it off.
  std::optional<base::Nanos> idle_timeout;
  // Of a response that is complete but not sent: overrides the connection manager's
  // stream_flush_timeout; 0 switches it off.
  std::optional<base::Nanos> flush_timeout;
  // RouteAction.max_stream_duration: from the beginning of the request on.
  std::optional<base::Nanos> max_stream_duration;
  std::optional<base::Nanos> grpc_timeout_max;
  std::optional<base::Nanos> grpc_timeout_offset;
  std::shared_ptr<const RetryPolicy> retry;  // The route's, else the virtual host's; may be null.
  // HedgePolicy, of the same: a try that takes too long goes on beside the one that follows it.
  bool hedge_on_per_try_timeout = false;

  std::string prefix_rewrite;  // Empty: none. At most one of these three.
  std::optional<RegexRewrite> regex_rewrite;
  HostRewrite host_rewrite = HostRewrite::kNone;
  std::string host_literal;
  FieldName host_header;
  std::optional<RegexRewrite> host_path_regex;
  uint32_t host_format = HeaderAddition::kLiteral;  // Of kFormat: into RouteTable::formats().
  bool append_x_forwarded_host = false;
  // path_rewrite, the third rewrite of the path: into RouteTable::formats(); kLiteral: none.
  uint32_t path_format = HeaderAddition::kLiteral;

  std::vector<UpgradeRule> upgrades;
  RateLimits rate_limits;
  bool include_host_rate_limits = false;  // include_vh_rate_limits
  std::vector<HashPolicy> hash_policies;
  std::vector<Mirror> mirrors;
  std::shared_ptr<const MetadataMatch> metadata_match;  // Null: there is none.
  // Null: redirects of hosts go to the client.
  std::shared_ptr<const InternalRedirectPolicy> internal_redirects;
};

struct Redirect {
  uint16_t status = 301;
  bool strip_query = false;
  uint32_t port = 0;   // 0: the request's.
  std::string scheme;  // "https" for https_redirect. Empty: the request's.
  std::string host;    // Empty: the request's.
  // At most one of these four.
  std::string path;  // path_redirect, perhaps with a query of its own.
  std::string prefix_rewrite;
  std::optional<RegexRewrite> regex_rewrite;
  // path_rewrite: into RouteTable::formats(); kLiteral: none.
  uint32_t path_format = HeaderAddition::kLiteral;
};

struct DirectResponse {
  uint16_t status = 0;
  std::string body;
  std::shared_ptr<const ReplyFormat> format;  // body_format; null: the body as it is.
};

}  // namespace proxenos::route
