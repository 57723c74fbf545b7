// Entries, and when they go.
#include "source/access_log/remote_logs.h"

#include <utility>

#include "source/base/utf8.h"
#include "source/event/event_loop.h"

namespace proxenos::access_log {

void AppendUtf8Text(absl::string_view bytes, std::string& out) {
  base::AppendAsUtf8(bytes, '?', out);
}

RemoteLogs::Queue::Queue(std::shared_ptr<const RemoteLog> log,
                         const filter::Environment& environment, stats::Registry& registry)
    : log_(std::move(log)),
      environment_(environment),
      stats_(registry.Open<stats::RemoteLogStats>(log_->StatScope())),
      timer_(environment.loop.timers(), [this] { Flush(); }),
      courier_(log_->route, environment.clusters, [this](rpc::Courier::Outcome) {
        if (held_back_) Flush();
      }) {}

void RemoteLogs::Queue::Add(const FormatInput& input) {
  if (waiting_.size() >= kMaxBytes) {
    stats_->logs_dropped.Inc();
    return;
  }
  log_->AppendEntry(input, environment_.loop.wall_now(), waiting_);
  stats_->logs_written.Inc();
  ++count_;
  if (waiting_.size() >= log_->buffer_bytes) {
    Flush();
  } else if (!timer_.armed()) {
    timer_.ArmIn(log_->flush_interval);
  }
}

void RemoteLogs::Queue::Flush() {
  held_back_ = courier_.busy();
  if (held_back_ || count_ == 0) return;
  timer_.Disarm();
  const std::string message = log_->Wrap(waiting_, environment_.node);
  if (!courier_.Send(message)) stats_->logs_dropped.Add(count_);  // No such cluster yet.
  waiting_.clear();
  count_ = 0;
}

void RemoteLogs::Add(const std::shared_ptr<const RemoteLog>& log, const FormatInput& input) {
  auto found = queues_.find(log.get());
  if (found == queues_.end()) {
    // The queues of configurations that are gone: looked for when there is a new one.
    absl::erase_if(queues_, [](const auto& each) { return each.second->forgotten(); });
    found = queues_.emplace(log.get(), std::make_unique<Queue>(log, environment_, registry_)).first;
  }
  found->second->Add(input);
}

}  // namespace proxenos::access_log
