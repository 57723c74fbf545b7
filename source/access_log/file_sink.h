// Access log files: LogWriter has one FileSink a path and one thread that writes them all.
//
// A worker appends a line to a ring of its own and goes on; the thread collects the rings when one
// is a quarter full, or after the flush interval. When a file cannot be written as fast as lines
// come, lines are dropped and counted: a slow disk never slows a request.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/access_log/line_ring.h"
#include "source/base/clock.h"

namespace proxenos::access_log {

class LogWriter;

// Owner: the LogWriter, which outlives all who log. Dies when: no LogFile is left of it, and what
// was logged is written.
class FileSink {
 public:
  // Threads beyond these log nothing (counted as drops).
  static constexpr int kMaxThreads = 128;
  // Per worker and file. At 200 bytes a line, what 5,000 requests say.
  static constexpr size_t kRingBytes = 1024 * 1024;

  FileSink(LogWriter& writer, std::string path, int fd);
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  ~FileSink();

  // Thread: any worker. Never blocks.
  void Append(absl::string_view line);

  const std::string& path() const { return path_; }
  // Lines lost because a ring was full, and because a write failed.
  uint64_t dropped_lines() const;
  uint64_t failed_writes() const { return failed_writes_.load(std::memory_order_relaxed); }
  uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }

 private:
  friend class LogFile;
  friend class LogWriter;

  LineRing* RingOf(int thread);
  void CollectAndWrite();
  void Reopen();

  LogWriter& writer_;
  const std::string path_;
  int fd_;                          // Thread: the writer's.
  std::atomic<uint32_t> users_{0};  // From 0 only under the writer's mutex.
  std::string batch_;               // Thread: the writer's.
  std::array<std::atomic<LineRing*>, kMaxThreads> rings_{};  // Owned; made at first use.
  std::atomic<uint64_t> dropped_without_ring_{0};
  std::atomic<uint64_t> failed_writes_{0};
  std::atomic<uint64_t> written_bytes_{0};
};

// LogFile: keeps a sink, and its file, open. Thread: any; dies before the LogWriter. Empty: moved
// from, or none was opened.
class LogFile {
 public:
  LogFile() = default;
  explicit LogFile(FileSink& sink) : sink_(&sink) { sink_->users_.fetch_add(1); }
  LogFile(const LogFile& other) : sink_(other.sink_) {
    if (sink_ != nullptr) sink_->users_.fetch_add(1);
  }
  LogFile(LogFile&& other) noexcept : sink_(std::exchange(other.sink_, nullptr)) {}
  LogFile& operator=(LogFile other) noexcept {
    std::swap(sink_, other.sink_);
    return *this;
  }
  ~LogFile() {
    if (sink_ != nullptr) sink_->users_.fetch_sub(1);
  }

  FileSink* get() const { return sink_; }
  FileSink* operator->() const { return sink_; }

 private:
  FileSink* sink_ = nullptr;
};

// Owner: the server. Thread: Open, Reopen and the destructor on the main thread.
class LogWriter {
 public:
  static constexpr size_t kMaxFiles = 1024;

  // Lines reach their file at most `flush_interval` after they were logged.
  explicit LogWriter(base::Nanos flush_interval = base::kSecond);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  // Writes all that is waiting.
  ~LogWriter();

  // The sink of a path ("/dev/stdout" and "/dev/stderr" too); the same for each call. The file is
  // open for as long as anybody holds what this gave, and until all that was logged is written.
  absl::StatusOr<LogFile> Open(const std::string& path);

  // Opens all files anew, after they were rotated.
  void Reopen();
  // Returns once all that was logged before the call has been written.
  void Flush();

  // Sums over all files, those closed since included.
  uint64_t dropped_lines() const;
  uint64_t failed_writes() const;
  uint64_t written_bytes() const;

 private:
  friend class FileSink;

  // From any worker: a ring is filling up. Takes the lock only once per collecting round.
  void Wake();
  void Run();
  // These had no user when their last lines were collected.
  void Close(const std::vector<FileSink*>& unused);

  const base::Nanos flush_interval_;
  std::atomic<bool> wanted_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::unique_ptr<FileSink>> sinks_;  // Guarded by mutex_.
  // Of those closed. Guarded by mutex_.
  uint64_t dropped_lines_ = 0;
  uint64_t failed_writes_ = 0;
  uint64_t written_bytes_ = 0;
  bool stopping_ = false;      // Guarded by mutex_.
  bool reopen_ = false;        // Guarded by mutex_.
  uint64_t rounds_asked_ = 0;  // Guarded by mutex_.
  uint64_t rounds_done_ = 0;   // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace proxenos::access_log
