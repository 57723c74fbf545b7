// What a WAF filter counts on one worker, and for each rule.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/filter/http_filter.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"
#include "source/waf/inspection_pool.h"

namespace proxenos::filters::waf {

// Scope: "waf." below HttpScope, with the filter's stat_prefix. One group a worker. Requests, but
// for `active`: messages that are being inspected.
#define PX_WAF_STATS(X)     \
  X(Counter, inspected)     \
  X(Counter, blocked)       \
  X(Counter, detected)      \
  X(Counter, failed_open)   \
  X(Counter, failed_closed) \
  X(Counter, queue_full)    \
  X(Counter, deadline)      \
  X(Counter, engine_error)  \
  X(Counter, over_limit)    \
  X(Gauge, active)
PX_STATS(WafStats, PX_WAF_STATS);

// Scope: "waf.rule.ID." below HttpScope.
#define PX_WAF_RULE_STATS(X) X(Counter, matched)
PX_STATS(WafRuleStats, PX_WAF_RULE_STATS);

// What a worker keeps. Owner: the worker. Thread: the worker's.
class WafPart final : public filter::WorkerPart {
 public:
  // Rules beyond these are counted together, as rule "other".
  static constexpr size_t kMaxRules = 500;

  WafPart(stats::Registry& registry, const std::string& http_prefix,
          const std::string& stat_prefix);
  ~WafPart() override;
  void Start(const filter::Environment& environment) override;

  void CountMatch(int64_t rule);
  // The way back for what the pool inspects. Null before Start.
  const std::shared_ptr<const proxenos::waf::Home>& home() const { return home_; }

  stats::Group<WafStats> stats;

 private:
  stats::Registry& registry_;
  const std::string http_prefix_;
  std::shared_ptr<const proxenos::waf::Home> home_;
  absl::flat_hash_map<int64_t, stats::Group<WafRuleStats>> by_rule_;
};

}  // namespace proxenos::filters::waf
