// LoadMetrics: sums of the metrics that a cluster's hosts tell of themselves, until a load report
// takes them (UpstreamLocalityStats.load_metric_stats).
//
// Each worker adds to a part of its own, so that its lock is contended by the taker alone.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace proxenos::upstream {

struct MetricSum {
  uint64_t requests = 0;  // That had the metric.
  double total = 0;
};
// By name.
using MetricSums = absl::btree_map<std::string, MetricSum, std::less<>>;

void AddTo(MetricSums& sums, const MetricSums& more);

// Owner: the cluster's ClusterLoad. Thread: any.
class LoadMetrics {
 public:
  // A host's names are not known ahead (named_metrics.*): of more than these none is added until a
  // report took the others. The second is of all hosts together, in one part.
  static constexpr size_t kMaxNamesPerHost = 128;
  static constexpr size_t kMaxNames = 16 * 1024;

  class Part {
   public:
    void Add(uint64_t host, absl::string_view name, double value) const;

   private:
    friend class LoadMetrics;
    mutable std::mutex mutex_;
    mutable absl::flat_hash_map<uint64_t, MetricSums> hosts_;  // By Host::id().
    mutable size_t names_ = 0;
  };

  // For one worker, which lets go of it when it adds no more.
  std::shared_ptr<const Part> AddPart() const;

  // What was added since the last time, by Host::id().
  absl::flat_hash_map<uint64_t, MetricSums> Take() const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Part>> parts_;
};

}  // namespace proxenos::upstream
