// RemoteLogs: the entries that wait on one worker to be sent to services, by log, and their
// sending, in messages of many entries each.
//
// Limits: kMaxBytes of entries wait for each log while calls are under way; what finds no room is
// dropped and counted.
// Owner: the worker. Thread: the worker's. Dies before the clusters; what waits then is lost.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/access_log/remote_log.h"
#include "source/event/timer_wheel.h"
#include "source/filter/environment.h"
#include "source/rpc/courier.h"
#include "source/stats/registry.h"
#include "source/stats/remote_log_stats.h"

namespace proxenos::access_log {

class RemoteLogs {
 public:
  static constexpr size_t kMaxBytes = size_t{2} << 20;  // Receivers refuse more than 4 MiB.

  // Both outlive it.
  RemoteLogs(const filter::Environment& environment, stats::Registry& registry)
      : environment_(environment), registry_(registry) {}
  RemoteLogs(const RemoteLogs&) = delete;
  RemoteLogs& operator=(const RemoteLogs&) = delete;

  // Takes an entry.
  void Add(const std::shared_ptr<const RemoteLog>& log, const FormatInput& input);

 private:
  class Queue {
   public:
    Queue(std::shared_ptr<const RemoteLog> log, const filter::Environment& environment,
          stats::Registry& registry);

    void Add(const FormatInput& input);
    // No configuration names its log any more, and nothing is left to be sent.
    bool forgotten() const { return log_.use_count() == 1 && count_ == 0 && !courier_.sending(); }

   private:
    void Flush();

    const std::shared_ptr<const RemoteLog> log_;
    const filter::Environment& environment_;
    stats::Group<stats::RemoteLogStats> stats_;
    std::string waiting_;
    uint64_t count_ = 0;      // Entries in it.
    bool held_back_ = false;  // It was to be sent while too many calls were under way.
    event::Timer timer_;
    rpc::Courier courier_;
  };

  const filter::Environment& environment_;
  stats::Registry& registry_;
  absl::flat_hash_map<const RemoteLog*, std::unique_ptr<Queue>> queues_;
};

}  // namespace proxenos::access_log
