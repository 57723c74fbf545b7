// Which hosts are checked, and how often.
#include "source/health/checker.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace proxenos::health {

using upstream::HealthCheck;
using upstream::Host;
using upstream::HostEntry;
using upstream::HostSet;

Checker::Checker(const Surroundings& surroundings,
                 std::shared_ptr<const upstream::ClusterConfig> config,
                 std::vector<std::shared_ptr<const tls::ClientContext>> tls,
                 std::shared_ptr<const upstream::CircuitBreakers> used, CheckerHooks hooks)
    : surroundings_(surroundings),
      config_(std::move(config)),
      used_(std::move(used)),
      hooks_(std::move(hooks)),
      cluster_(surroundings.loop, *config_, std::move(tls)),
      events_(surroundings.loop, *config_, surroundings.log_writer),
      stats_(surroundings.registry.Open<stats::HealthCheckStats>(
          stats::ClusterHealthCheckScope(config_->stat_name()))) {}

Checker::~Checker() = default;

void Checker::SetHosts(const HostSet& hosts) {
  absl::flat_hash_set<uint64_t> present;
  for (const HostEntry& entry : hosts.entries()) {
    if (entry.host->check() != nullptr && entry.host->check()->disabled) continue;
    present.insert(entry.host->id());
    std::unique_ptr<HostCheck>& slot = checks_[entry.host->id()];
    if (slot != nullptr && slot->host() == entry.host) continue;
    if (slot != nullptr && SameServer(*slot->host(), *entry.host)) {
      slot->Follow(entry.host);
      if (in_force_) slot->Publish();
      continue;
    }
    if (slot != nullptr && !slot->checked()) --unchecked_;
    slot.reset();  // What it holds at the host is let go of before the next one begins.
    slot = std::make_unique<HostCheck>(*this, entry.host);
    ++unchecked_;
    if (in_force_) slot->Publish();
    slot->Start();
  }
  std::vector<uint64_t> gone;
  for (const auto& [id, check] : checks_) {
    if (!present.contains(id)) gone.push_back(id);
  }
  for (uint64_t id : gone) Forget(id);
  ShowGauges();
}

void Checker::Forget(uint64_t host_id) {
  const auto found = checks_.find(host_id);
  if (!found->second->checked()) --unchecked_;
  checks_.erase(found);
}

void Checker::TakeForce() {
  in_force_ = true;
  for (const auto& [id, check] : checks_) check->Publish();
  ShowGauges();
}

void Checker::OnImmediateFailure(uint64_t host_id) {
  const auto found = checks_.find(host_id);
  if (found != checks_.end()) found->second->FailByRequest();
}

base::Nanos Checker::Jittered(base::Nanos base, base::Nanos jitter) {
  base::Random& random = surroundings_.loop.random();
  const base::Nanos part = base / 100 * rules().interval_jitter_percent;
  if (part > 0) base += static_cast<base::Nanos>(random.Below(static_cast<uint64_t>(part)));
  if (jitter > 0) base += static_cast<base::Nanos>(random.Below(static_cast<uint64_t>(jitter)));
  return std::max(base, base::kMillisecond);
}

base::Nanos Checker::Interval(bool passed, bool pending) {
  const HealthCheck& check = rules();
  base::Nanos base;
  if (!used_->used()) {
    base = passed && !pending ? check.no_traffic_healthy_interval : check.no_traffic_interval;
  } else if (passed) {
    base = pending ? check.healthy_edge_interval : check.interval;
  } else {
    base = pending ? check.unhealthy_edge_interval : check.unhealthy_interval;
  }
  return Jittered(base, check.interval_jitter);
}

void Checker::OnChecked(const HostCheck& check, bool changed, bool passed) {
  if (in_force_) {
    check.Publish();
    ShowGauges();
  }
  if (passed && !check.failed()) hooks_.passed(*check.host());
  if (changed || (unchecked_ == 0 && !in_force_)) hooks_.changed();
}

void Checker::ShowGauges() {
  if (!in_force_) return;
  uint64_t healthy = 0;
  uint64_t degraded = 0;
  for (const auto& [id, check] : checks_) {
    healthy += !check->failed();
    degraded += check->degraded();
  }
  stats_->healthy.Set(healthy);
  stats_->degraded.Set(degraded);
}

}  // namespace proxenos::health
