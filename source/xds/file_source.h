// FileSource: a subscription whose responses are the content of a file (path_config_source), read
// again whenever the file changes, or at intervals. The file is a DiscoveryResponse, or a list
// collection (list_collection.h), as YAML, JSON, binary or text proto, by its extension.
//
// A file that cannot be read or parsed changes nothing: the last good content stays in force.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "source/event/event_loop.h"
#include "source/xds/directory_watch.h"
#include "source/xds/sotw_subscription.h"

namespace proxenos::xds {

struct FileSourceOptions {
  std::string path;
  // PathConfigSource.watched_directory: where to see changes; empty for the file's own directory.
  std::string watched_directory;
  // PathConfigSource.poll_interval: look at the file this often instead of watching; 0 watches.
  base::Nanos poll_interval = 0;
  bool collection = false;  // What the file holds.
};

// Owner: the server. Thread: the main loop's.
class FileSource final : private event::Runnable {
 public:
  FileSource(event::EventLoop& loop, FileSourceOptions options, SubscriptionOptions subscription,
             ApplyUpdate apply);

  // Reads the file and begins to watch.
  void Start();

  SotwSubscription* subscription() { return &subscription_; }
  // Why the newest content is not in force; empty when it is.
  const std::string& last_error() const { return last_error_; }

 private:
  // Which file it was, so that events of its neighbours do not cost reading it.
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    uint64_t size = 0;
    int64_t modified_ns = 0;
    int64_t changed_ns = 0;
    bool operator==(const Identity&) const = default;
  };

  void Run() override { Read(); }  // The names changed.
  Identity Look() const;
  void ReadIfChanged();
  void Poll();
  void Read();

  event::EventLoop& loop_;
  const FileSourceOptions options_;
  SotwSubscription subscription_;
  Identity seen_;
  std::string last_error_;
  bool started_ = false;
  std::unique_ptr<DirectoryWatch> watch_;  // Null with a poll_interval.
  event::Timer poll_timer_;
};

}  // namespace proxenos::xds
