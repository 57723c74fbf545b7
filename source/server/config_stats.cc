// Copying numbers to where readers look for them.
#include "source/server/config_stats.h"

#include "source/stats/vhds_stats.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

// Raises a counter to what was counted elsewhere.
void Raise(stats::Counter& counter, uint64_t to) {
  if (to > counter.value()) counter.Add(to - counter.value());
}

// Nothing has gone through a cluster: of ten thousand, most. Their breakers are not shown.
bool Idle(const upstream::ResourceCounts& counts, const upstream::Thresholds& limits) {
  return !limits.track_remaining && counts.connections.count() == 0 &&
         counts.requests.count() == 0 && counts.retries.count() == 0 &&
         counts.pending_requests.count() == 0 && limits.max_connections > 0 &&
         limits.max_requests > 0 && limits.max_pending_requests > 0 && limits.max_retries > 0;
}

stats::ScopeName Plain(const stats::ScopeShape& shape) { return stats::ScopeName(shape, {}); }

}  // namespace

ConfigStats::ConfigStats(stats::Registry& registry, ConfigStore& store,
                         const ConfigSources& sources, Ignored ignored)
    : registry_(registry),
      store_(store),
      sources_(sources),
      ignored_(ignored),
      fields_(registry.Open<stats::ConfigFieldStats>(Plain(stats::kServerScope))),
      clusters_(registry.Open<stats::ClusterManagerStats>(Plain(stats::kClusterManagerScope))),
      listeners_(registry.Open<stats::ListenerManagerStats>(Plain(stats::kListenerManagerScope))),
      hook_(registry.BeforeRead([this] { Refresh(); })) {
  listeners_->workers_started.Set(1);
  store.secrets().CountFailures(
      [&sources](const SourceKey& key) { return sources.FailuresOf(xds::kSecretType, key); });
  if (sources.has_cds()) cds_ = registry.Open<stats::SubscriptionStats>(Plain(stats::kCdsScope));
  if (sources.has_lds()) lds_ = registry.Open<stats::SubscriptionStats>(Plain(stats::kLdsScope));
  if (sources.has_cds() || sources.has_lds() || sources.has_ads()) {
    control_plane_ = registry.Open<stats::ControlPlaneStats>(Plain(stats::kControlPlaneScope));
  }
}

void ConfigStats::Refresh() {
  store_.clusters().RefreshStats();
  store_.secrets().RefreshStats();
  RefreshManagers();
  RefreshBreakers();
  fields_->static_ignored_fields.Set(ignored_.bootstrap.count());
  fields_->dynamic_ignored_fields.Set(ignored_.discovered.count());
  if (cds_) RefreshSubscription(xds::kClusterType, *cds_);
  if (lds_) RefreshSubscription(xds::kListenerType, *lds_);
  if (!rtds_ && store_.runtime().discovers()) {
    rtds_ = registry_.Open<stats::SubscriptionStats>(Plain(stats::kRuntimeScope));
  }
  if (rtds_) RefreshSubscription(xds::kRuntimeType, *rtds_);
  if (!odcds_ && sources_.has_demands()) {
    odcds_ = registry_.Open<stats::SubscriptionStats>(Plain(stats::kOdcdsScope));
  }
  if (odcds_) Show(sources_.DemandStats(), *odcds_);
  if (control_plane_) {
    const xds::ControlPlaneStats now = sources_.StreamStats();
    control_plane_->connected_state.Set(now.connected ? 1 : 0);
    control_plane_->pending_requests.Set(now.pending_requests);
    Raise(control_plane_->rate_limit_enforced, now.rate_limit_enforced);
    if (!now.identifier.empty()) control_plane_->identifier.Set(now.identifier);
  }
}

void ConfigStats::RefreshSubscription(const std::string& type_url,
                                      stats::SubscriptionStats& stats) {
  Show(sources_.StatsOf(type_url), stats);
  const std::string version = sources_.VersionOf(type_url);
  if (!version.empty()) stats.version_text.Set(version);
}

void ConfigStats::Show(const xds::SubscriptionStats& now, stats::SubscriptionStats& stats) {
  Raise(stats.update_attempt, now.update_attempt);
  Raise(stats.update_success, now.update_success);
  Raise(stats.update_failure, now.update_failure);
  Raise(stats.update_rejected, now.update_rejected);
  Raise(stats.init_fetch_timeout, now.init_fetch_timeout);
  stats.version.Set(now.version);
}

void ConfigStats::RefreshManagers() {
  const ClusterStore& clusters = store_.clusters();
  Raise(clusters_->cluster_added, clusters.counts().added);
  Raise(clusters_->cluster_modified, clusters.counts().modified);
  Raise(clusters_->cluster_removed, clusters.counts().removed);
  clusters_->active_clusters.Set(clusters.active_count());
  clusters_->warming_clusters.Set(clusters.warming_count());
  const ListenerStore& listeners = store_.listeners();
  Raise(listeners_->listener_added, listeners.counts().added);
  Raise(listeners_->listener_modified, listeners.counts().modified);
  Raise(listeners_->listener_in_place_updated, listeners.counts().in_place);
  Raise(listeners_->listener_removed, listeners.counts().removed);
  Raise(listeners_->listener_create_success,
        listeners.counts().added + listeners.counts().modified);
  listeners_->total_listeners_active.Set(listeners.active_count());
  listeners_->total_listeners_warming.Set(listeners.warming_count());
  listeners_->total_filter_chains_draining.Set(listeners.draining_chain_count());
  listeners_->total_listeners_draining.Set(listeners.draining_count());
}

void ConfigStats::RefreshBreakers() {
  for (auto& breakers : breakers_) {
    for (auto& [name, each] : breakers) each.seen = false;
  }
  store_.clusters().ForEachActive([this](const ClusterView& cluster) {
    RefreshBreakers(cluster, upstream::RoutingPriority::kDefault);
    RefreshBreakers(cluster, upstream::RoutingPriority::kHigh);
  });
  for (auto& breakers : breakers_) {
    absl::erase_if(breakers, [](const auto& each) { return !each.second.seen; });
  }
}

void ConfigStats::RefreshBreakers(const ClusterView& cluster, upstream::RoutingPriority priority) {
  const auto number = static_cast<size_t>(priority);
  const std::string& name = cluster.config.stat_name();
  const upstream::Thresholds& limits = (*cluster.config.thresholds)[number];
  const upstream::ResourceCounts& counts = cluster.breakers.of(priority);
  if (Idle(counts, limits) && !breakers_[number].contains(name)) return;
  const auto scope = priority == upstream::RoutingPriority::kHigh ? stats::HighCircuitBreakerScope
                                                                  : stats::CircuitBreakerScope;
  Breakers& breakers = breakers_[number][name];
  breakers.seen = true;
  if (!breakers.open) breakers.open = registry_.Open<stats::CircuitBreakerStats>(scope(name));
  breakers.open->cx_open.Set(counts.connections.Full(limits.max_connections));
  breakers.open->rq_open.Set(counts.requests.Full(limits.max_requests));
  breakers.open->rq_pending_open.Set(counts.pending_requests.Full(limits.max_pending_requests));
  breakers.open->rq_retry_open.Set(counts.retries.Full(limits.max_retries));
  if (!limits.track_remaining) return;
  if (!breakers.remaining) {
    breakers.remaining = registry_.Open<stats::CircuitBreakerRemainingStats>(scope(name));
  }
  breakers.remaining->remaining_cx.Set(counts.connections.Remaining(limits.max_connections));
  breakers.remaining->remaining_rq.Set(counts.requests.Remaining(limits.max_requests));
  breakers.remaining->remaining_pending.Set(
      counts.pending_requests.Remaining(limits.max_pending_requests));
  breakers.remaining->remaining_retries.Set(counts.retries.Remaining(limits.max_retries));
}

}  // namespace proxenos::server
