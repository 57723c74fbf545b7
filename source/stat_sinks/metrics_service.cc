// One stream after another.
#include "source/stat_sinks/metrics_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"

namespace proxenos::stat_sinks {

MetricsServiceSink::MetricsServiceSink(MetricsServiceSinkConfig config, const stats::StatView& view,
                                       stats::Registry& registry, FindCluster find_cluster)
    : config_(std::move(config)),
      messages_(config_.options, view),
      stats_(registry.Open<stats::MetricsServiceStats>(
          stats::ScopeName(stats::kMetricsServiceScope, {}))),
      find_cluster_(std::move(find_cluster)) {}

void MetricsServiceSink::Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now) {
  for (const std::string& message : messages_.Encode(readings, now)) Send(message);
}

bool MetricsServiceSink::Open() {
  if (call_ != nullptr) return true;
  base::Rc<upstream::WorkerCluster> cluster = find_cluster_(config_.service.cluster);
  if (!cluster) return false;
  identified_ = false;
  stats_->streams.Inc();
  call_ = std::make_unique<rpc::Call>(std::move(cluster), config_.service.options,
                                      [this] { OnProgress(); });
  return true;
}

void MetricsServiceSink::Send(absl::string_view message) {
  if (!Open() || call_->unsent_bytes() + message.size() > kMaxWaitingBytes) {
    stats_->messages_dropped.Inc();
    return;
  }
  stats_->messages_sent.Inc();
  if (identified_) return call_->Send(message);
  identified_ = true;
  std::string first;
  rpc::WireWriter(first).Message(
      1, [this](rpc::WireWriter& identifier) { identifier.Text(1, config_.node); });
  call_->Send(absl::StrCat(first, message));
}

void MetricsServiceSink::OnProgress() {
  // The service says nothing but that it is over.
  while (call_->Receive().has_value()) {
  }
  if (!call_->done()) {
    if (call_->head() != nullptr) failing_ = false;
    return;
  }
  if (!failing_) {
    PX_LOG(kMain, kWarn, "stats sink: metrics service ", config_.service.cluster,
           " ended the stream: ", call_->error_message());
  }
  failing_ = true;
  call_.reset();
}

}  // namespace proxenos::stat_sinks
