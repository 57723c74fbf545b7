// StatsdTcpSink: lines of statsd's protocol over a TCP connection to a host of a cluster, which is
// kept as long as it lasts.
//
// Limits: kMaxWaitingBytes wait for the peer; of an interval's lines those that do not fit are
// dropped and counted. What waits when the connection breaks is dropped too.
#pragma once

#include <memory>
#include <string>

#include "source/buffer/arena.h"
#include "source/buffer/buffer.h"
#include "source/event/event_loop.h"
#include "source/http/message.h"
#include "source/stat_sinks/stat_sink.h"
#include "source/stat_sinks/statsd_lines.h"
#include "source/stats/registry.h"
#include "source/stats/sink_stats.h"
#include "source/upstream/exchange.h"

namespace proxenos::stat_sinks {

struct StatsdTcpConfig {
  std::string cluster;
  std::string prefix;
};

// Owner, thread, end: of StatSink.
class StatsdTcpSink final : public StatSink, private event::Runnable {
 public:
  static constexpr uint64_t kMaxWaitingBytes = uint64_t{16} << 20;  // As in Envoy.

  StatsdTcpSink(StatsdTcpConfig config, const stats::StatView& view, stats::Registry& registry,
                event::EventLoop& loop, FindCluster find_cluster);

  void Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now) override;

 private:
  struct Attempt final : public upstream::Exchange {
    explicit Attempt(StatsdTcpSink& sink);
    void OnProgress() override { owner.loop_.Schedule(&owner); }
    StatsdTcpSink& owner;
  };

  void Connect();
  void Run() override;
  // The connection is no more, with what waited for it.
  void End();

  const StatsdTcpConfig config_;
  StatsdLines lines_;
  stats::Group<stats::StatsdStats> stats_;
  event::EventLoop& loop_;
  FindCluster find_cluster_;
  base::Rc<upstream::WorkerCluster> cluster_;
  buffer::Arena arena_;  // Of the head, which there is none of.
  http::ResponseHead head_;
  buffer::Buffer waiting_;
  uint64_t waiting_lines_ = 0;
  std::unique_ptr<Attempt> attempt_;  // Null: there is no connection.
};

}  // namespace proxenos::stat_sinks
