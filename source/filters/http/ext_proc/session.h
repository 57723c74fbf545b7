// Session: the stream to the processor, which may outlive the request that it is about, and what a
// worker keeps of the filter: its counters, and the sessions that do.
//
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/rpc/call.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::ext_proc {

// Scope: "ext_proc." below HttpScope, with the filter's stat_prefix. One group a worker.
#define PX_EXT_PROC_STATS(X)                    \
  X(Counter, streams_started)                   \
  X(Counter, stream_msgs_sent)                  \
  X(Counter, stream_msgs_received)              \
  X(Counter, spurious_msgs_received)            \
  X(Counter, streams_closed)                    \
  X(Counter, streams_failed)                    \
  X(Counter, server_half_closed)                \
  X(Counter, immediate_responses_sent)          \
  X(Counter, failure_mode_allowed)              \
  X(Counter, message_timeouts)                  \
  X(Counter, override_message_timeout_received) \
  X(Counter, override_message_timeout_ignored)  \
  X(Counter, rejected_header_mutations)
PX_STATS(ExtProcStats, PX_EXT_PROC_STATS);

// Owner: the filter, then ExtProcPart.
struct Session {
  Session(base::Rc<upstream::WorkerCluster> cluster, const rpc::CallOptions& options,
          absl::AnyInvocable<void()> progress)
      : on_progress(std::move(progress)),
        call(std::move(cluster), options, [this] { on_progress(); }) {}

  absl::AnyInvocable<void()> on_progress;
  rpc::Call call;
  std::optional<event::Timer> deadline;
  bool over = false;  // It lingers no longer.
};

// Owner: the worker's parts of the filter chain.
class ExtProcPart final : public filter::WorkerPart, private event::Runnable {
 public:
  // Those beyond are cut at once, the oldest first.
  static constexpr size_t kMaxLingering = 1024;

  // Lets what was sent reach the processor, for so long at most; its answers are not read.
  void Linger(std::unique_ptr<Session> session, event::EventLoop& loop, base::Nanos at_most);
  size_t lingering() const { return lingering_.size(); }

  stats::Group<ExtProcStats> stats;

 private:
  // Forgets those that are over.
  void Run() override;
  void SetOver(Session& session, event::EventLoop& loop);

  std::vector<std::unique_ptr<Session>> lingering_;  // The oldest first.
};

}  // namespace proxenos::filters::ext_proc
