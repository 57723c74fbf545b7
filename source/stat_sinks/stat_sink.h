// StatSink: takes a reading of all stats at each stats_flush_interval and sends it somewhere.
//
// What a peer is too slow for is dropped and counted: no sink waits, and none holds more than its
// header says. Implementations: OtlpSink, StatsdUdpSink, StatsdTcpSink, MetricsServiceSink.
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"
#include "source/base/clock.h"
#include "source/base/rc.h"
#include "source/stats/reading.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::stat_sinks {

// The cluster of that name as the main thread uses it; null while it warms.
using FindCluster = absl::AnyInvocable<base::Rc<upstream::WorkerCluster>(const std::string& name)>;

// Owner: the server. Thread: main. Dies before the clusters that it calls.
class StatSink {
 public:
  virtual ~StatSink() = default;
  virtual void Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now) = 0;
};

}  // namespace proxenos::stat_sinks
