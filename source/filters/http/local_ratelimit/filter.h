// LocalRateLimit: lets requests pass as far as there are tokens for them in this process.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/formatted_change.h"
#include "source/filter/descriptor.h"
#include "source/filter/header_change.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/local_ratelimit/limiter.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::local_ratelimit {

// envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, of the filter or of a route.
// Thread: any; the limiter alone changes, and is made for that.
struct Settings {
  std::string stat_prefix;
  LimiterConfig limits;
  std::unique_ptr<Limiter> limiter;  // Null: each connection has its own.
  runtime::FractionSetting enabled = runtime::FractionSetting();
  runtime::FractionSetting enforced = runtime::FractionSetting();
  uint16_t status = 429;
  uint32_t stage = 0;
  filter::HostLimits host_limits = filter::HostLimits::kOverride;
  route::RateLimits rate_limits;  // In the place of those of routes.
  access_log::FormattedChanges response_headers;
  access_log::FormattedChanges request_headers_when_not_enforced;
  bool x_ratelimit_headers = false;
  bool retry_after = false;
  bool resource_exhausted = false;

  // Whether there is anything to take from.
  bool limits_anything() const { return limits.bucket.has_value() || !limits.descriptors.empty(); }
};

// Scope: the settings' stat_prefix, "http_local_rate_limit." below it. One group a worker.
#define PX_LOCAL_RATELIMIT_STATS(X) \
  X(Counter, enabled)               \
  X(Counter, enforced)              \
  X(Counter, rate_limited)          \
  X(Counter, ok)
PX_STATS(LocalRateLimitStats, PX_LOCAL_RATELIMIT_STATS);

// Owner: the HttpService. Thread: the worker's.
class LocalRateLimitPart final : public filter::WorkerPart {
 public:
  explicit LocalRateLimitPart(stats::Registry& registry) : registry_(registry) {}
  // Routes bring prefixes of their own: opened when first asked for.
  LocalRateLimitStats& Of(const std::string& stat_prefix);

 private:
  stats::Registry& registry_;
  absl::flat_hash_map<std::string, stats::Group<LocalRateLimitStats>> groups_;
};

class LocalRateLimit final : public filter::HttpFilter {
 public:
  LocalRateLimit(const Settings& settings, const filter::FilterFactory& factory,
                 filter::StreamContext& stream);

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  Limiter& LimiterOfStream();
  void Refuse();
  bool ShowsAccount() const;

  const Settings& settings_;  // The most specific ones.
  filter::StreamContext& stream_;
  LocalRateLimitPart* const part_;  // May be null.
  Limiter::Result result_;
};

}  // namespace proxenos::filters::local_ratelimit
