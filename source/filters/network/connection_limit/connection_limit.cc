// Counting connections in and out.
#include "source/filters/network/connection_limit/connection_limit.h"

#include "source/stats/scope.h"

namespace proxenos::filters::connection_limit {
namespace {

class Filter final : public filter::NetworkFilter {
 public:
  Filter(const ConnectionLimit& limit, stats::Registry& registry)
      : limit_(limit),
        stats_(registry.Open<stats::ConnectionLimitStats>(
            stats::ConnectionLimitScope(limit.config().stat_prefix))) {}

  Verdict OnConnection(filter::NetworkConnection&) override {
    if (!limit_.config().enabled) return {};
    if (!limit_.count().TryAcquire(limit_.config().most)) {
      stats_->limited_connections.Inc();
      Verdict refused;
      refused.pass = false;
      refused.delay = limit_.config().delay;
      return refused;
    }
    stats_->active_connections.Inc();
    return {};
  }
  void OnEnd() override {
    if (!limit_.config().enabled) return;
    limit_.count().Release();
    stats_->active_connections.Dec();
  }

 private:
  const ConnectionLimit& limit_;  // Of the configuration, which outlives this.
  stats::Group<stats::ConnectionLimitStats> stats_;
};

}  // namespace

std::unique_ptr<filter::NetworkFilter> ConnectionLimit::Create(stats::Registry& registry) const {
  return std::make_unique<Filter>(*this, registry);
}

}  // namespace proxenos::filters::connection_limit
