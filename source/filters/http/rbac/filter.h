// Rbac: lets requests pass that rules of who may do what allow, or only notes what other rules
// would have said of them.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/rbac/rules.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::http_rbac {

// One set of rules: those that are enforced, or those on trial.
struct Judge {
  std::unique_ptr<const proxenos::rbac::Rules> rules;  // Null: nobody is judged.
  std::string stat_prefix;                             // Without a dot at its end.
  // Names of the filter's dynamic metadata.
  std::string policy_key;
  std::string result_key;
};

// envoy.extensions.filters.http.rbac.v3.RBAC, of the filter or in its place of a route.
struct Settings {
  Judge enforced;
  Judge shadow;
  bool counts_policies = false;  // track_per_rule_stats
};

// Scope: "rbac." below HttpScope, with the prefix of the settings. One group a worker.
#define PX_HTTP_RBAC_STATS(X) \
  X(Counter, allowed)         \
  X(Counter, denied)
PX_STATS(RbacStats, PX_HTTP_RBAC_STATS);
#define PX_HTTP_RBAC_SHADOW_STATS(X) \
  X(Counter, shadow_allowed)         \
  X(Counter, shadow_denied)
PX_STATS(RbacShadowStats, PX_HTTP_RBAC_SHADOW_STATS);

// What a worker counts of one filter.
class RbacPart final : public filter::WorkerPart {
 public:
  // The prefixes of the filter's own settings hold for routes too, as in Envoy.
  // `upstream`: `http_prefix` is a cluster's name.
  RbacPart(stats::Registry& registry, std::string http_prefix, const Settings& settings,
           bool upstream);

  void Count(bool allowed) { (allowed ? stats_->allowed : stats_->denied).Inc(); }
  void CountShadow(bool allowed) {
    (allowed ? shadow_stats_->shadow_allowed : shadow_stats_->shadow_denied).Inc();
  }
  void CountPolicy(const std::string& policy, bool allowed);
  void CountShadowPolicy(const std::string& policy, bool allowed);

 private:
  template <typename Group>
  using ByPolicy = absl::flat_hash_map<std::string, Group>;

  stats::ScopeName PolicyScope(const std::string& prefix, const std::string& policy) const;

  stats::Registry& registry_;
  const bool upstream_;
  const std::string http_prefix_;
  const std::string prefix_;
  const std::string shadow_prefix_;
  stats::Group<RbacStats> stats_;
  stats::Group<RbacShadowStats> shadow_stats_;
  // Opened when first counted. As many as the configurations name.
  ByPolicy<stats::Group<RbacStats>> policies_;
  ByPolicy<stats::Group<RbacShadowStats>> shadow_policies_;
};

class Rbac final : public filter::HttpFilter {
 public:
  Rbac(const Settings& settings, const filter::FilterFactory& factory,
       filter::StreamContext& stream)
      : settings_(settings),
        stream_(stream),
        part_(static_cast<RbacPart*>(stream.worker_part(factory))) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  proxenos::rbac::Rules::Decision Decide(const Judge& judge, const proxenos::rbac::Access& access);

  const Settings& settings_;
  filter::StreamContext& stream_;
  RbacPart* const part_;  // May be null.
};

}  // namespace proxenos::filters::http_rbac
