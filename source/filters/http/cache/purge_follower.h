// PurgeFollower: keeps one process's copy of a shared store's log of purges up to date, on a
// connection that waits for what comes next.
//
//   (not ready) --> paging --all there is is known--> waiting --a record, or a while--> waiting
//
// The log is a stream in Redis. Where it does not have any more what was read last (Redis lost it,
// or it was cut off meanwhile) nothing is known of what was purged: all that memory holds goes.
// Owner: the SharedStore that follows. Thread: the worker's.
#pragma once

#include <memory>
#include <string>

#include "source/cache/stores.h"
#include "source/event/event_loop.h"
#include "source/redis/client.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::filters::cache {

class PurgeFollower {
 public:
  // Of records that Redis keeps; what is purged beyond them is forgotten, and with it whatever was
  // stored before.
  static constexpr absl::string_view kLogRecords = "10000";

  // Both outlive it, as `stats` does. `key`: of the log.
  PurgeFollower(::proxenos::cache::PurgeLog& log, std::string key, event::EventLoop& loop,
                upstream::ClusterMap& clusters, redis::Client::Options options,
                redis::ClientStats& stats);
  ~PurgeFollower();
  // Now and then: goes on where an answer was of no use, and renews an old connection.
  void Poke();

 private:
  void OnChange();
  void AskPage();
  void AskNext();
  void OnAnswer(const redis::Reply* reply);
  void OnPage(const redis::Reply& reply);
  void OnNext(const redis::Reply& reply);

  ::proxenos::cache::PurgeLog& log_;
  const std::string key_;
  bool paging_ = true;
  bool began_ = false;  // An empty log was given its first record.
  redis::Call call_;
  redis::Client client_;
};

// The record's fields in the log, and back; kNothing for what this version does not know.
std::string PurgeKind(::proxenos::cache::PurgeRecord::By by);
// False: these are no entries of a stream.
bool ReadPurges(const redis::Reply& entries, ::proxenos::cache::PurgeLog::Batch* batch);

}  // namespace proxenos::filters::cache
