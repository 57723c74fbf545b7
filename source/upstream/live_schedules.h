// LiveSchedules: turns among hosts whose weights change between two snapshots: by what hosts report
// of themselves, or while they start slowly. They take the place of those of the HostSet.
//
// Weights are worked out anew when a pick finds that they are due, so nothing runs while nobody
// asks. A pick between costs a comparison more than without.
#pragma once

#include <cstdint>
#include <vector>

#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/upstream/host_set.h"
#include "source/upstream/orca_sink.h"
#include "source/upstream/schedule.h"
#include "source/upstream/slow_start.h"

namespace proxenos::upstream {

// What weights depend on. All of it outlives the balancer.
struct LiveInputs {
  const event::EventLoop& loop;
  OrcaSink* orca = nullptr;               // Null: weights are those of the endpoints.
  const SlowStart* slow_start = nullptr;  // Null: there is none.
};

// Owner: a LoadBalancer. Thread: the worker's.
class LiveSchedules {
 public:
  explicit LiveSchedules(const LiveInputs& inputs) : inputs_(inputs) {}

  // One of the snapshot's schedules.
  struct Turns {
    const Schedule* plain;
    bool panic;  // Health plays no part in it, nor do weights of localities.
  };
  // A new snapshot, which must live until the next.
  void Reset(const HostSet& hosts, std::vector<Turns> turns);

  // Works out what is due. True when schedules changed. O(1); when due O(hosts).
  bool Refresh();

  // Of Turns `index`.
  const Schedule& Of(size_t index) const {
    return live_.empty() ? *turns_[index].plain : live_[index];
  }
  // What least request compares by: the weight of the endpoint, as far as it has come.
  double WeightOf(HostIndex host) const {
    const double weight = hosts_->entry(host).weight;
    return shares_.empty() ? weight : weight * shares_[host];
  }

 private:
  // By HostIndex: what reports ask for. Hosts whose do not count get the median of their priority.
  std::vector<double> Reported(base::MonoTime now) const;
  // By HostIndex: the part that a slow start leaves of each weight. Empty: none starts.
  std::vector<double> Shares(base::MonoTime now) const;
  Schedule Rebuild(const Turns& turns) const;

  const LiveInputs inputs_;
  const HostSet* hosts_ = nullptr;
  std::vector<Turns> turns_;
  std::vector<double> reported_;  // Empty: weights are those of the endpoints.
  std::vector<double> shares_;
  std::vector<Schedule> live_;  // By turns; empty: the plain ones.
  base::MonoTime due_ = 0;
};

}  // namespace proxenos::upstream
