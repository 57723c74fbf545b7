// OtlpSink: sends what OtlpMetrics makes to a collector, one call after another.
//
// Limits: one interval's messages wait at most. What is not sent when the next interval ends is
// dropped; with cumulative counters nothing is lost by that.
// Owner: the server. Thread: main. Dies before the clusters that it calls.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "source/base/rc.h"
#include "source/rpc/service.h"
#include "source/stat_sinks/otlp_metrics.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::stat_sinks {

struct OtlpSinkConfig {
  rpc::GrpcService service;
  OtlpOptions options;
};

class OtlpSink {
 public:
  using FindCluster =
      absl::AnyInvocable<base::Rc<upstream::WorkerCluster>(const std::string& name)>;

  OtlpSink(OtlpSinkConfig config, const stats::StatView& view, base::WallTime started,
           FindCluster find_cluster)
      : service_(std::move(config.service)),
        metrics_(std::move(config.options), view, started),
        find_cluster_(std::move(find_cluster)) {}

  void Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now);

 private:
  void SendNext();
  void OnDone(const rpc::UnaryCall::Result& result);

  const rpc::GrpcService service_;
  OtlpMetrics metrics_;
  FindCluster find_cluster_;
  std::deque<std::string> waiting_;
  bool failing_ = false;  // The last call failed, which has been said.
  std::optional<rpc::UnaryCall> call_;
};

}  // namespace proxenos::stat_sinks
