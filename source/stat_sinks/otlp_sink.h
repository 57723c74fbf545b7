// OtlpSink: sends what OtlpMetrics makes to a collector, one call after another.
//
// Limits: one interval's messages wait at most. What is not sent when the next interval ends is
// dropped; with cumulative counters nothing is lost by that.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "source/rpc/service.h"
#include "source/stat_sinks/otlp_metrics.h"
#include "source/stat_sinks/stat_sink.h"

namespace proxenos::stat_sinks {

struct OtlpSinkConfig {
  rpc::GrpcService service;
  OtlpOptions options;
};

class OtlpSink final : public StatSink {
 public:
  OtlpSink(OtlpSinkConfig config, const stats::StatView& view, base::WallTime started,
           FindCluster find_cluster)
      : service_(std::move(config.service)),
        metrics_(std::move(config.options), view, started),
        find_cluster_(std::move(find_cluster)) {}

  void Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now) override;

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
