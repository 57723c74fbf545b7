// MetricsServiceSink: sends what MetricsMessages makes over one stream, which is opened again when
// it ends.
//
// Limits: kMaxWaitingBytes wait for the service; what would exceed them is dropped and counted.
#pragma once

#include <memory>
#include <string>

#include "source/rpc/service.h"
#include "source/stat_sinks/metrics_messages.h"
#include "source/stat_sinks/stat_sink.h"
#include "source/stats/registry.h"
#include "source/stats/sink_stats.h"

namespace proxenos::stat_sinks {

struct MetricsServiceSinkConfig {
  rpc::GrpcService service;
  MetricsOptions options;
  std::string node;  // core.v3.Node, serialized.
};

// Owner, thread, end: of StatSink.
class MetricsServiceSink final : public StatSink {
 public:
  static constexpr uint64_t kMaxWaitingBytes = uint64_t{16} << 20;

  MetricsServiceSink(MetricsServiceSinkConfig config, const stats::StatView& view,
                     stats::Registry& registry, FindCluster find_cluster);

  void Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now) override;

 private:
  // False: the cluster warms still.
  bool Open();
  void Send(absl::string_view message);
  void OnProgress();

  const MetricsServiceSinkConfig config_;
  MetricsMessages messages_;
  stats::Group<stats::MetricsServiceStats> stats_;
  FindCluster find_cluster_;
  bool identified_ = false;  // The first message of the stream was sent.
  bool failing_ = false;     // The last stream failed, which has been said.
  std::unique_ptr<rpc::Call> call_;
};

}  // namespace proxenos::stat_sinks
