// Judging, for real and on trial.
#include "source/filters/network/rbac/rbac.h"

#include <optional>

#include "source/stats/network_filter_stats.h"

namespace proxenos::filters::rbac {
namespace {

using proxenos::rbac::Access;
using proxenos::rbac::Rules;

class Filter final : public filter::NetworkFilter {
 public:
  Filter(const Rbac& rbac, stats::Registry& registry)
      : rbac_(rbac),
        stats_(registry.Open<stats::RbacStats>(
            stats::ScopeName(stats::kRbacScope, {rbac.config().stat_prefix}))) {
    const RbacConfig& config = rbac.config();
    if (config.shadow == nullptr) return;
    shadow_stats_ = registry.Open<stats::RbacShadowStats>(
        config.shadow_stat_prefix.empty()
            ? stats::ScopeName(stats::kRbacScope, {config.stat_prefix})
            : stats::ScopeName(stats::kRbacShadowScope,
                               {config.stat_prefix, config.shadow_stat_prefix}));
  }

  bool wants_first_bytes() const override { return true; }
  Verdict OnFirstBytes(filter::NetworkConnection& connection) override {
    const Access access{connection.info, connection.info.remote(), connection.server_name};
    if (const Rules* shadow = rbac_.config().shadow.get()) {
      const bool allowed = shadow->Decide(access).allowed;
      (allowed ? shadow_stats_->shadow_allowed : shadow_stats_->shadow_denied).Inc();
    }
    const Rules* rules = rbac_.config().rules.get();
    if (rules == nullptr) return {};
    const Rules::Decision decision = rules->Decide(access);
    if (decision.allowed) {
      stats_->allowed.Inc();
      return {};
    }
    stats_->denied.Inc();
    Verdict refused;
    refused.pass = false;
    refused.delay = rbac_.config().delay;
    refused.details = rules->denial_details(decision.policy);
    return refused;
  }

 private:
  const Rbac& rbac_;  // Of the configuration, which outlives this.
  stats::Group<stats::RbacStats> stats_;
  stats::Group<stats::RbacShadowStats> shadow_stats_;
};

}  // namespace

std::unique_ptr<filter::NetworkFilter> Rbac::Create(stats::Registry& registry) const {
  return std::make_unique<Filter>(*this, registry);
}

}  // namespace proxenos::filters::rbac
