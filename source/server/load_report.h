// LoadReport: which clusters a load balancing service wants to hear of (LoadStatsResponse), and the
// reports about them (LoadStatsRequest.cluster_stats).
//
// A cluster is tracked from the moment on that it is both asked for and there; what it did before
// is forgotten. From then on nothing is lost, whatever happens between two reports: each tells of
// the time since the last one.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "envoy/service/load_stats/v3/lrs.pb.h"
#include "source/base/clock.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"
#include "source/upstream/load_counts.h"

namespace proxenos::server {

// A cluster in force.
struct LoadedCluster {
  const upstream::ClusterConfig& config;
  const upstream::HostSet& hosts;
  const upstream::ClusterLoad& load;
};
using VisitLoaded = absl::FunctionRef<void(const LoadedCluster&)>;

// The clusters that there are.
struct LoadedClusters {
  absl::AnyInvocable<void(VisitLoaded)> all;
  absl::AnyInvocable<void(absl::string_view name, VisitLoaded)> named;  // None, or one.
};

// Owner: the LoadReporter. Thread: main.
class LoadReport {
 public:
  // However often reports are asked for, they are not made more often than this. The time goes up
  // with what there is to look at, so that reports never keep the main thread busy.
  static constexpr base::Nanos kMinInterval = 100 * base::kMillisecond;
  static constexpr base::Nanos kMaxInterval = 24 * 3600 * base::kSecond;
  static constexpr base::Nanos kIntervalPerHost = 20 * base::kMicrosecond;

  explicit LoadReport(LoadedClusters clusters) : clusters_(std::move(clusters)) {}

  // What the service wants from now on. Error: it is no good, and what it wanted before holds.
  absl::Status Ask(const envoy::service::load_stats::v3::LoadStatsResponse& wanted,
                   base::MonoTime now);
  // Appends what happened since the last time.
  void Fill(base::MonoTime now, envoy::service::load_stats::v3::LoadStatsRequest& report);
  // Until the next report.
  base::Nanos interval() const;

  size_t tracked_count() const { return since_.size(); }

 private:
  struct Tracked {
    base::MonoTime since = 0;
    uint64_t round = 0;  // In which it was last there.
  };

  void ForEachWanted(VisitLoaded visit);
  // Begins to track what is new, and lets go of what is not there or not wanted any more.
  // `visit_known` is called for what was tracked before, with the time since which it is told of.
  void Look(base::MonoTime now,
            absl::FunctionRef<void(const LoadedCluster&, base::MonoTime& since)> visit_known);

  LoadedClusters clusters_;
  bool all_ = false;
  bool endpoints_ = false;          // report_endpoint_granularity
  std::vector<std::string> names_;  // Unless all_; each once.
  base::Nanos asked_interval_ = 0;
  absl::flat_hash_map<std::string, Tracked> since_;  // By name.
  uint64_t round_ = 0;
  uint64_t looked_at_ = 0;  // Clusters and hosts, in the last round.
};

}  // namespace proxenos::server
