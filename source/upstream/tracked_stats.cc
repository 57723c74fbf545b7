// Groups are opened when a host is first used.
#include "source/upstream/tracked_stats.h"

#include <algorithm>
#include <utility>

namespace proxenos::upstream {
namespace {

constexpr stats::ScopeShape kEndpoint{
    "cluster.$.endpoint.$.", "cluster.endpoint.", {"envoy.cluster_name", "envoy.endpoint_address"}};

// Hosts that requests ask for (ORIGINAL_DST, dynamic forward proxies) come and go without end, and
// no snapshot says which of them are there: the groups of those that are idle are let go each time
// that there are so many more.
constexpr size_t kKept = 1024;

bool MakesHosts(const ClusterConfig& config) {
  return config.original_dst != nullptr || config.dynamic_forward_proxy != nullptr;
}

// Of the limit, in whole percent.
uint64_t PercentOf(const TrackedStats::Spent& time) {
  return time.limit <= 0 || time.spent <= 0
             ? 0
             : static_cast<uint64_t>(time.spent / base::kMicrosecond * 100 /
                                     std::max<base::Nanos>(time.limit / base::kMicrosecond, 1));
}

}  // namespace

TrackedStats::TrackedStats(stats::Registry& registry, const ClusterConfig& config,
                           std::shared_ptr<const ClusterLoad> load)
    : registry_(registry), config_(config), load_(std::move(load)) {
  if (config.track_sizes) {
    sizes_ = registry.Open<stats::ClusterSizeStats>(stats::ClusterScope(config.stat_name()));
  }
  if (config.track_budgets) {
    budgets_ = registry.Open<stats::ClusterBudgetStats>(stats::ClusterScope(config.stat_name()));
  }
}

stats::EndpointStats* TrackedStats::Of(const Host& host) {
  if (!config_.track_endpoints) return nullptr;
  if (stats::EndpointStats* known = Known(host)) return known;
  if (MakesHosts(config_) && (endpoints_.size() + 1) % kKept == 0) Keep({});
  auto& group = endpoints_[host.id()];
  group = registry_.Open<stats::EndpointStats>(
      stats::ScopeName(kEndpoint, {config_.stat_name(), host.address().ToString()}));
  return &*group;
}

stats::EndpointStats* TrackedStats::Known(const Host& host) {
  const auto found = endpoints_.find(host.id());
  return found == endpoints_.end() ? nullptr : &*found->second;
}

void TrackedStats::CountConnection(const Host& host) {
  if (stats::EndpointStats* stats = Of(host)) {
    stats->cx_total.Inc();
    stats->cx_active.Inc();
  }
}

void TrackedStats::CountBorrowed(const Host& host) {
  if (stats::EndpointStats* stats = Of(host)) stats->cx_active.Inc();
}

void TrackedStats::CountConnectFailure(const Host& host) {
  if (stats::EndpointStats* stats = Of(host)) stats->cx_connect_fail.Inc();
}

void TrackedStats::CountConnectionEnd(const Host& host) {
  if (stats::EndpointStats* stats = Known(host)) stats->cx_active.Dec();
}

void TrackedStats::CountRequest(const Host& host) {
  if (host.load() != nullptr) host.load()->Begin();
  if (stats::EndpointStats* stats = Of(host)) {
    stats->rq_total.Inc();
    stats->rq_active.Inc();
  }
}

void TrackedStats::CountRequestEnd(const Host& host) {
  if (host.load() != nullptr) host.load()->End();
  if (stats::EndpointStats* stats = Known(host)) stats->rq_active.Dec();
}

void TrackedStats::CountAnswer(const Host& host, bool success) {
  if (host.load() != nullptr) host.load()->CountAnswer(success);
  stats::EndpointStats* stats = Of(host);
  if (stats == nullptr) return;
  if (success) {
    stats->rq_success.Inc();
  } else {
    stats->rq_error.Inc();
  }
}

void TrackedStats::CountTimeout(const Host& host) {
  if (stats::EndpointStats* stats = Of(host)) stats->rq_timeout.Inc();
}

void TrackedStats::Keep(const absl::flat_hash_set<uint64_t>& present) {
  // What is under way keeps its group until the hosts change the next time.
  absl::erase_if(endpoints_, [&present](const auto& entry) {
    const stats::EndpointStats& stats = *entry.second;
    return !present.contains(entry.first) && stats.cx_active.value() == 0 &&
           stats.rq_active.value() == 0;
  });
}

void TrackedStats::CountBudget(Spent whole) {
  if (budgets_) budgets_->upstream_rq_timeout_budget_percent_used.Record(PercentOf(whole));
}

void TrackedStats::CountTryBudget(Spent one_try) {
  if (!budgets_) return;
  budgets_->upstream_rq_timeout_budget_per_try_percent_used.Record(PercentOf(one_try));
}

void TrackedStats::CountSizes(const Sizes& sizes) {
  if (!sizes_) return;
  sizes_->upstream_rq_headers_size.Record(sizes.request_head);
  sizes_->upstream_rq_body_size.Record(sizes.request_body);
  if (sizes.response_head == 0) return;
  sizes_->upstream_rs_headers_size.Record(sizes.response_head);
  sizes_->upstream_rs_body_size.Record(sizes.response_body);
}

}  // namespace proxenos::upstream
