// OutlierDetector: takes hosts out of rotation that answer worse than others, and puts them back:
// cluster.v3.OutlierDetection. Workers count (upstream/outlier_detection.h); here it is decided.
//
// Owner: the version of the cluster that is in force. Thread: main. Dies when: that is replaced;
// whom it had ejected is back then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "source/health/checker.h"
#include "source/health/degradation_stats.h"
#include "source/health/event_log.h"
#include "source/stats/health_stats.h"
#include "source/upstream/host_reports.h"
#include "source/upstream/host_set.h"

namespace proxenos::health {

class OutlierDetector {
 public:
  // Success rates of one host in the interval that ended last, in percent; -1: too few requests.
  struct Rates {
    double external = -1;
    double local = -1;
  };

  // REQUIRES: `config` has outlier detection. `changed` is told, on the main loop, when a host was
  // ejected or has come back.
  OutlierDetector(const Surroundings& surroundings,
                  std::shared_ptr<const upstream::ClusterConfig> config,
                  const std::string& event_log_path, absl::AnyInvocable<void()> changed);
  ~OutlierDetector();
  OutlierDetector(const OutlierDetector&) = delete;
  OutlierDetector& operator=(const OutlierDetector&) = delete;

  void SetHosts(const upstream::HostSet& hosts);
  // A worker met a threshold.
  void OnReport(uint64_t host_id, upstream::HostReport report);
  // A host passed an active check.
  void OnCheckPassed(const upstream::Host& host);
  // For /clusters.
  Rates RatesOf(uint64_t host_id) const;

 private:
  struct Watched {
    std::shared_ptr<const upstream::Host> host;
    upstream::Ejection kind = upstream::Ejection::kConsecutive5xx;  // Of the last ejection.
    uint32_t ejections = 0;
    uint32_t back_off = 0;  // Ejection times are so many times the base time.
    base::Nanos jitter = 0;
    std::optional<base::MonoTime> ejected_at;
    std::optional<base::MonoTime> returned_at;
    uint32_t degradations = 0;                  // Its time is so many times the base time.
    std::optional<base::MonoTime> degraded_at;  // And has been so since.
    std::optional<base::MonoTime> recovered_at;
    Rates rates;
    bool ejected() const { return (host->health_bits() & upstream::kFailedOutlierCheck) != 0; }
  };
  struct RatedHosts;
  // What success rates are compared of: what hosts answered, or whether they could be reached.
  struct Origin {
    std::atomic<uint64_t> upstream::OutlierCounts::*counts;
    double Rates::*rate;
    upstream::Ejection by_rate;
    upstream::Ejection by_percentage;
  };

  void OnInterval();
  void ReturnIfOver(Watched& watched);
  void JudgeRates(const Origin& origin);
  void JudgeSuccessRates(const RatedHosts& rated, const Origin& origin);
  void JudgeFailurePercentages(const RatedHosts& rated, const Origin& origin);
  void Detect(Watched& watched, EjectionEvent event);
  bool MayEject() const;
  bool Enforces(upstream::Ejection kind);
  void Eject(Watched& watched, upstream::Ejection kind);
  void Return(Watched& watched);
  // detect_degraded_hosts: a worker has set the host's bit.
  void Degrade(Watched& watched);
  void RecoverIfOver(Watched& watched);
  static EjectionEvent DegradedEvent(const Watched& watched);
  void CountDetected(upstream::Ejection kind);
  void CountEnforced(upstream::Ejection kind);

  const upstream::OutlierDetection& rules() const { return *config_->outliers; }

  event::EventLoop& loop_;
  const std::shared_ptr<const upstream::ClusterConfig> config_;
  absl::AnyInvocable<void()> changed_;
  EjectionEvents events_;
  stats::Group<stats::OutlierStats> stats_;
  std::optional<stats::Group<stats::DegradationStats>>
      degradation_stats_;                           // Where they are asked for.
  absl::flat_hash_map<uint64_t, Watched> watched_;  // By Host::id().
  uint32_t ejected_ = 0;
  event::Timer interval_;
};

}  // namespace proxenos::health
