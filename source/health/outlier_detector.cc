// Detection by rows of failures, by success rates and by percentages of failures.
#include "source/health/outlier_detector.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace proxenos::health {

using upstream::Ejection;
using upstream::Host;
using upstream::HostReport;
using upstream::OutlierCounts;

// Hosts with enough requests to be judged, in either way, by their success rates in percent.
struct OutlierDetector::RatedHosts {
  std::vector<std::pair<Watched*, double>> by_rate;
  std::vector<std::pair<Watched*, double>> by_percentage;
};

OutlierDetector::OutlierDetector(const Surroundings& surroundings,
                                 std::shared_ptr<const upstream::ClusterConfig> config,
                                 const std::string& event_log_path,
                                 absl::AnyInvocable<void()> changed)
    : loop_(surroundings.loop),
      config_(std::move(config)),
      changed_(std::move(changed)),
      events_(loop_, config_->name, event_log_path, surroundings.log_writer),
      stats_(surroundings.registry.Open<stats::OutlierStats>(
          stats::ClusterOutlierScope(config_->stat_name()))),
      interval_(loop_.timers(), [this] { OnInterval(); }) {
  if (rules().detect_degraded) {
    degradation_stats_ = surroundings.registry.Open<stats::DegradationStats>(
        stats::ClusterOutlierScope(config_->stat_name()));
  }
  interval_.ArmIn(rules().interval);
}

OutlierDetector::~OutlierDetector() {
  for (auto& [id, watched] : watched_) {
    watched.host->ClearHealthBits(upstream::kFailedOutlierCheck | upstream::kDegradedOutlierCheck);
  }
}

namespace {

// No worker knows `to` yet. What they still count for `from` until they do is lost, not what they
// report of it.
void TakeOver(OutlierCounts& from, OutlierCounts& to) {
  to.consecutive_5xx = from.consecutive_5xx.load(std::memory_order_relaxed);
  to.consecutive_gateway_failure = from.consecutive_gateway_failure.load(std::memory_order_relaxed);
  to.consecutive_local_failure = from.consecutive_local_failure.load(std::memory_order_relaxed);
  to.external = from.external.load(std::memory_order_relaxed);
  to.local = from.local.load(std::memory_order_relaxed);
}

}  // namespace

void OutlierDetector::SetHosts(const upstream::HostSet& hosts) {
  absl::flat_hash_set<uint64_t> present;
  for (const upstream::HostEntry& entry : hosts.entries()) {
    present.insert(entry.host->id());
    Watched& watched = watched_[entry.host->id()];
    if (watched.host == entry.host) continue;
    // Said to be of another kind, it is the host that was judged.
    if (watched.host != nullptr && SameServer(*watched.host, *entry.host)) {
      TakeOver(watched.host->outlier(), entry.host->outlier());
      watched.host = entry.host;
      continue;
    }
    // A logical host whose address moved begins anew.
    if (watched.host != nullptr && watched.ejected()) --ejected_;
    watched = Watched();
    watched.host = entry.host;
  }
  for (auto it = watched_.begin(); it != watched_.end();) {
    if (present.contains(it->first)) {
      ++it;
      continue;
    }
    if (it->second.ejected()) --ejected_;
    watched_.erase(it++);
  }
  stats_->ejections_active.Set(ejected_);
}

void OutlierDetector::OnReport(uint64_t host_id, HostReport report) {
  const auto found = watched_.find(host_id);
  if (found == watched_.end()) return;
  if (report == HostReport::kDegraded) return Degrade(found->second);
  if (found->second.ejected()) return;
  Watched& watched = found->second;
  OutlierCounts& counts = watched.host->outlier();
  EjectionEvent event;
  switch (report) {
    case HostReport::k5xxInARow:
      event.kind = Ejection::kConsecutive5xx;
      stats_->ejections_consecutive_5xx.Inc();
      OutlierCounts::Forget(counts.consecutive_5xx);
      break;
    case HostReport::kGatewayFailuresInARow:
      event.kind = Ejection::kConsecutiveGatewayFailure;
      OutlierCounts::Forget(counts.consecutive_gateway_failure);
      break;
    case HostReport::kLocalFailuresInARow:
      event.kind = Ejection::kConsecutiveLocalOriginFailure;
      OutlierCounts::Forget(counts.consecutive_local_failure);
      break;
    case HostReport::kImmediateFailure:
      return;  // The Checker's affair.
    case HostReport::kDegraded:
      return;  // Seen to above.
  }
  Detect(watched, event);
}

void OutlierDetector::Detect(Watched& watched, EjectionEvent event) {
  CountDetected(event.kind);
  if (!MayEject()) {
    stats_->ejections_overflow.Inc();
    return;
  }
  if (event.kind == Ejection::kConsecutive5xx || event.kind == Ejection::kSuccessRate) {
    stats_->ejections_total.Inc();
  }
  // What is out already, by another rule of the same interval, is not ejected twice.
  event.enforced = !watched.ejected() && Enforces(event.kind);
  if (watched.returned_at) event.since_last_action = loop_.now() - *watched.returned_at;
  if (event.enforced) Eject(watched, event.kind);
  event.ejections = watched.ejections;
  events_.Eject(*watched.host, event);
}

bool OutlierDetector::MayEject() const {
  if (rules().always_eject_one_host && ejected_ == 0) return true;
  return 100.0 * (ejected_ + 1) / static_cast<double>(watched_.size()) <=
         rules().max_ejection_percent;
}

bool OutlierDetector::Enforces(Ejection kind) {
  return loop_.random().Below(100) < rules().Enforcing(kind);
}

void OutlierDetector::Eject(Watched& watched, Ejection kind) {
  watched.kind = kind;
  watched.host->SetHealthBits(upstream::kFailedOutlierCheck);
  watched.ejected_at = loop_.now();
  ++watched.ejections;
  const auto most_jitter = static_cast<uint64_t>(rules().max_ejection_time_jitter);
  watched.jitter = static_cast<base::Nanos>(loop_.random().Below(most_jitter + 1));
  if (watched.back_off * rules().base_ejection_time <
      rules().max_ejection_time + rules().base_ejection_time) {
    ++watched.back_off;
  }
  stats_->ejections_active.Set(++ejected_);
  CountEnforced(kind);
  changed_();
}

void OutlierDetector::Return(Watched& watched) {
  watched.host->ClearHealthBits(upstream::kFailedOutlierCheck);
  // Failures of before are not held against it.
  watched.host->outlier().ForgetFailures();
  watched.returned_at = loop_.now();
  stats_->ejections_active.Set(--ejected_);
  changed_();
  EjectionEvent event;
  event.kind = watched.kind;
  event.ejections = watched.ejections;
  event.since_last_action = loop_.now() - *watched.ejected_at;
  events_.Return(*watched.host, event);
}

void OutlierDetector::OnCheckPassed(const Host& host) {
  if (!rules().successful_active_check_unejects) return;
  const auto found = watched_.find(host.id());
  if (found != watched_.end() && found->second.ejected()) Return(found->second);
}

void OutlierDetector::ReturnIfOver(Watched& watched) {
  if (!watched.ejected()) return;
  const base::Nanos time =
      std::min(rules().base_ejection_time * watched.back_off, rules().max_ejection_time) +
      watched.jitter;
  if (loop_.now() - *watched.ejected_at >= time) Return(watched);
}

void OutlierDetector::Degrade(Watched& watched) {
  // The worker may have known the host as it was before.
  if (rules().detect_degraded) watched.host->SetHealthBits(upstream::kDegradedOutlierCheck);
  if (watched.degraded_at || !rules().detect_degraded) return;
  watched.degraded_at = loop_.now();
  if (watched.degradations * rules().base_ejection_time < rules().max_ejection_time) {
    ++watched.degradations;
  }
  (*degradation_stats_)->ejections_detected_degradation.Inc();
  changed_();
  EjectionEvent event = DegradedEvent(watched);
  event.enforced = true;
  if (watched.recovered_at) event.since_last_action = loop_.now() - *watched.recovered_at;
  events_.Eject(*watched.host, event);
}

EjectionEvent OutlierDetector::DegradedEvent(const Watched& watched) {
  EjectionEvent event;
  event.degraded = true;
  event.ejections = watched.ejections;
  return event;
}

void OutlierDetector::RecoverIfOver(Watched& watched) {
  const base::MonoTime now = loop_.now();
  if (!watched.degraded_at) {
    // A report that came to the detector before this one is lost; the bit is not.
    if ((watched.host->health_bits() & upstream::kDegradedOutlierCheck) != 0) {
      Degrade(watched);
    } else if (watched.recovered_at && watched.degradations > 0 &&
               now - *watched.recovered_at >= rules().interval) {
      --watched.degradations;
    }
    return;
  }
  const base::Nanos time =
      std::min(rules().base_ejection_time * watched.degradations, rules().max_ejection_time);
  if (now - *watched.degraded_at < time) return;
  watched.host->ClearHealthBits(upstream::kDegradedOutlierCheck);
  changed_();
  EjectionEvent event = DegradedEvent(watched);
  event.since_last_action = now - *watched.degraded_at;
  events_.Return(*watched.host, event);
  watched.degraded_at.reset();
  watched.recovered_at = now;
}

void OutlierDetector::OnInterval() {
  static constexpr Origin kExternal{&OutlierCounts::external, &Rates::external,
                                    Ejection::kSuccessRate, Ejection::kFailurePercentage};
  static constexpr Origin kLocal{&OutlierCounts::local, &Rates::local,
                                 Ejection::kSuccessRateLocalOrigin,
                                 Ejection::kFailurePercentageLocalOrigin};
  for (auto& [id, watched] : watched_) {
    ReturnIfOver(watched);
    if (rules().detect_degraded) RecoverIfOver(watched);
    watched.rates = Rates();
  }
  JudgeRates(kExternal);
  JudgeRates(kLocal);
  for (auto& [id, watched] : watched_) {
    // Who stays in rotation for an interval is ejected for less time the next time.
    if (watched.ejected() || !watched.returned_at || watched.back_off == 0) continue;
    if (loop_.now() - *watched.returned_at >= rules().interval) --watched.back_off;
  }
  interval_.ArmIn(rules().interval);
}

void OutlierDetector::JudgeRates(const Origin& origin) {
  const upstream::OutlierDetection& wants = rules();
  const bool enough = watched_.size() >= wants.success_rate_minimum_hosts ||
                      watched_.size() >= wants.failure_percentage_minimum_hosts;
  RatedHosts rated;
  for (auto& [id, watched] : watched_) {
    const auto counted = OutlierCounts::TakeRate(watched.host->outlier().*origin.counts);
    if (!enough || counted.total == 0 || watched.ejected()) continue;
    const double rate = 100.0 * counted.successes / counted.total;
    const bool by_rate = counted.total >= wants.success_rate_request_volume;
    const bool by_percentage = counted.total >= wants.failure_percentage_request_volume;
    if (by_rate || by_percentage) watched.rates.*origin.rate = rate;
    if (by_rate) rated.by_rate.emplace_back(&watched, rate);
    if (by_percentage) rated.by_percentage.emplace_back(&watched, rate);
  }
  JudgeSuccessRates(rated, origin);
  JudgeFailurePercentages(rated, origin);
}

// An outlier is below the mean by so many standard deviations.
void OutlierDetector::JudgeSuccessRates(const RatedHosts& rated, const Origin& origin) {
  const auto& hosts = rated.by_rate;
  if (hosts.empty() || hosts.size() < rules().success_rate_minimum_hosts) return;
  double sum = 0;
  for (const auto& [watched, rate] : hosts) sum += rate;
  const double mean = sum / static_cast<double>(hosts.size());
  double variance = 0;
  for (const auto& [watched, rate] : hosts) variance += (rate - mean) * (rate - mean);
  variance /= static_cast<double>(hosts.size());
  const double threshold = mean - rules().success_rate_stdev_factor / 1000.0 * std::sqrt(variance);
  for (const auto& [watched, rate] : hosts) {
    if (rate >= threshold) continue;
    stats_->ejections_success_rate.Inc();
    EjectionEvent event;
    event.kind = origin.by_rate;
    event.host_rate = rate;
    event.average_rate = mean;
    event.threshold = threshold;
    Detect(*watched, event);
  }
}

void OutlierDetector::JudgeFailurePercentages(const RatedHosts& rated, const Origin& origin) {
  const auto& hosts = rated.by_percentage;
  if (hosts.empty() || hosts.size() < rules().failure_percentage_minimum_hosts) return;
  for (const auto& [watched, rate] : hosts) {
    if (100.0 - rate < rules().failure_percentage_threshold) continue;
    EjectionEvent event;
    event.kind = origin.by_percentage;
    event.host_rate = rate;
    Detect(*watched, event);
  }
}

OutlierDetector::Rates OutlierDetector::RatesOf(uint64_t host_id) const {
  const auto found = watched_.find(host_id);
  return found == watched_.end() ? Rates() : found->second.rates;
}

namespace {

using Count = stats::Counter stats::OutlierStats::*;

}  // namespace

void OutlierDetector::CountDetected(Ejection kind) {
  static constexpr Count kCounts[upstream::kEjections] = {
      &stats::OutlierStats::ejections_detected_consecutive_5xx,
      &stats::OutlierStats::ejections_detected_consecutive_gateway_failure,
      &stats::OutlierStats::ejections_detected_success_rate,
      &stats::OutlierStats::ejections_detected_consecutive_local_origin_failure,
      &stats::OutlierStats::ejections_detected_local_origin_success_rate,
      &stats::OutlierStats::ejections_detected_failure_percentage,
      &stats::OutlierStats::ejections_detected_local_origin_failure_percentage,
  };
  ((*stats_).*kCounts[static_cast<size_t>(kind)]).Inc();
}

void OutlierDetector::CountEnforced(Ejection kind) {
  static constexpr Count kCounts[upstream::kEjections] = {
      &stats::OutlierStats::ejections_enforced_consecutive_5xx,
      &stats::OutlierStats::ejections_enforced_consecutive_gateway_failure,
      &stats::OutlierStats::ejections_enforced_success_rate,
      &stats::OutlierStats::ejections_enforced_consecutive_local_origin_failure,
      &stats::OutlierStats::ejections_enforced_local_origin_success_rate,
      &stats::OutlierStats::ejections_enforced_failure_percentage,
      &stats::OutlierStats::ejections_enforced_local_origin_failure_percentage,
  };
  stats_->ejections_enforced_total.Inc();
  ((*stats_).*kCounts[static_cast<size_t>(kind)]).Inc();
}

}  // namespace proxenos::health
