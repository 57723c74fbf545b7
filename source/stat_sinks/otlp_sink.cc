// One call at a time.
#include "source/stat_sinks/otlp_sink.h"

#include <iterator>
#include <utility>

#include "source/base/log.h"

namespace proxenos::stat_sinks {

void OtlpSink::Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now) {
  std::vector<std::string> messages = metrics_.Encode(readings, now);
  waiting_.assign(std::make_move_iterator(messages.begin()),
                  std::make_move_iterator(messages.end()));
  if (!call_.has_value()) SendNext();
}

void OtlpSink::SendNext() {
  if (waiting_.empty()) return;
  base::Rc<upstream::WorkerCluster> cluster = find_cluster_(service_.cluster);
  if (!cluster) return;  // It warms still; the next interval tries again.
  const std::string message = std::move(waiting_.front());
  waiting_.pop_front();
  call_.emplace(std::move(cluster), service_.options, message,
                [this](rpc::UnaryCall::Result result) { OnDone(result); });
}

void OtlpSink::OnDone(const rpc::UnaryCall::Result& result) {
  const bool failed = result.status != rpc::Status::kOk;
  if (failed && !failing_) {
    PX_LOG(kMain, kWarn, "stats sink: collector ", service_.cluster,
           " did not take the stats: ", result.error_message);
  }
  failing_ = failed;
  if (failed) waiting_.clear();
  call_.reset();
  SendNext();
}

}  // namespace proxenos::stat_sinks
