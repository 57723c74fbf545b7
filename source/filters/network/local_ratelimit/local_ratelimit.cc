// A token a connection.
#include "source/filters/network/local_ratelimit/local_ratelimit.h"

#include "source/stats/network_filter_stats.h"
#include "source/stats/scope.h"

namespace proxenos::filters::network_local_ratelimit {
namespace {

class Filter final : public filter::NetworkFilter {
 public:
  Filter(const LocalRateLimit& limit, stats::Registry& registry)
      : limit_(limit),
        stats_(registry.Open<stats::NetworkRateLimitStats>(
            stats::NetworkRateLimitScope(limit.config().stat_prefix))) {}

  Verdict OnConnection(filter::NetworkConnection& connection) override {
    if (!limit_.config().enabled || limit_.bucket().Take(1, connection.now)) return {};
    stats_->rate_limited.Inc();
    Verdict refused;
    refused.pass = false;
    refused.flags = filter::kUpstreamRetryLimitExceeded;  // As Envoy logs it.
    return refused;
  }

 private:
  const LocalRateLimit& limit_;  // Of the configuration, which outlives this.
  stats::Group<stats::NetworkRateLimitStats> stats_;
};

}  // namespace

std::unique_ptr<filter::NetworkFilter> LocalRateLimit::Create(stats::Registry& registry) const {
  return std::make_unique<Filter>(*this, registry);
}

}  // namespace proxenos::filters::network_local_ratelimit
