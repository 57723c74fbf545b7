// The writer's thread, and the rings of the workers.
#include "source/access_log/file_sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"

namespace proxenos::access_log {
namespace {

// Gives each living thread a small number of its own, free again when the thread ends. The mutex
// also orders what a thread wrote to its rings before what the number's next holder writes.
class ThreadNumbers {
 public:
  int Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (int i = 0; i < FileSink::kMaxThreads; ++i) {
      if (!taken_[i]) {
        taken_[i] = true;
        return i;
      }
    }
    return -1;
  }
  void Return(int number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (number >= 0) taken_[number] = false;
  }

 private:
  std::mutex mutex_;
  bool taken_[FileSink::kMaxThreads] = {};
};

ThreadNumbers& Numbers() {
  static ThreadNumbers numbers;
  return numbers;
}

int ThreadNumber() {
  struct Holder {
    Holder() : number(Numbers().Take()) {}
    ~Holder() { Numbers().Return(number); }
    const int number;
  };
  thread_local const Holder holder;
  return holder.number;
}

absl::StatusOr<int> OpenFile(const std::string& path) {
  // Standard streams are shared with the process log: they are written, never opened or closed.
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot open '", path, "': ", std::strerror(errno)));
  }
  return fd;
}

void CloseFile(int fd) {
  if (fd > STDERR_FILENO) close(fd);
}

}  // namespace

FileSink::FileSink(LogWriter& writer, std::string path, int fd)
    : writer_(writer), path_(std::move(path)), fd_(fd) {}

FileSink::~FileSink() {
  for (std::atomic<LineRing*>& ring : rings_) {
    const std::unique_ptr<LineRing> last(ring.load());
  }
  CloseFile(fd_);
}

LineRing* FileSink::RingOf(int thread) {
  if (thread < 0) return nullptr;
  LineRing* ring = rings_[thread].load(std::memory_order_acquire);
  if (ring == nullptr) {
    // Only this thread makes the ring of its number.
    ring = std::make_unique<LineRing>(kRingBytes).release();
    rings_[thread].store(ring, std::memory_order_release);
  }
  return ring;
}

void FileSink::Append(absl::string_view line) {
  LineRing* ring = RingOf(ThreadNumber());
  if (ring == nullptr) {
    dropped_without_ring_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (ring->Append(line) > kRingBytes / 4) writer_.Wake();
}

uint64_t FileSink::dropped_lines() const {
  uint64_t sum = dropped_without_ring_.load(std::memory_order_relaxed);
  for (const std::atomic<LineRing*>& slot : rings_) {
    const LineRing* ring = slot.load(std::memory_order_acquire);
    if (ring != nullptr) sum += ring->dropped();
  }
  return sum;
}

void FileSink::CollectAndWrite() {
  batch_.clear();
  for (const std::atomic<LineRing*>& slot : rings_) {
    LineRing* ring = slot.load(std::memory_order_acquire);
    if (ring != nullptr) ring->Drain(batch_);
  }
  size_t done = 0;
  while (done < batch_.size()) {
    const ssize_t wrote = write(fd_, batch_.data() + done, batch_.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      // What could not be written is lost: keeping it would only lose what comes later.
      failed_writes_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    done += static_cast<size_t>(wrote);
    written_bytes_.fetch_add(static_cast<uint64_t>(wrote), std::memory_order_relaxed);
  }
}

void FileSink::Reopen() {
  absl::StatusOr<int> fd = OpenFile(path_);
  if (!fd.ok()) {
    // The old descriptor stays: a log in a renamed file is better than none.
    PX_LOG(kFile, kError, "access log not reopened: ", fd.status().message());
    return;
  }
  CloseFile(fd_);
  fd_ = *fd;
}

LogWriter::LogWriter(base::Nanos flush_interval)
    : flush_interval_(flush_interval), thread_([this] { Run(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

absl::StatusOr<LogFile> LogWriter::Open(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = sinks_.find(path);
  if (found != sinks_.end()) return LogFile(*found->second);
  if (sinks_.size() >= kMaxFiles) {
    return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxFiles, " access log files"));
  }
  absl::StatusOr<int> fd = OpenFile(path);
  if (!fd.ok()) return fd.status();
  const auto [place, added] = sinks_.emplace(path, std::make_unique<FileSink>(*this, path, *fd));
  return LogFile(*place->second);
}

void LogWriter::Close(const std::vector<FileSink*>& unused) {
  for (FileSink* sink : unused) {
    if (sink->users_.load() > 0) continue;  // Opened again meanwhile.
    dropped_lines_ += sink->dropped_lines();
    failed_writes_ += sink->failed_writes();
    written_bytes_ += sink->written_bytes();
    sinks_.erase(sinks_.find(sink->path()));
  }
}

void LogWriter::Reopen() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    reopen_ = true;
  }
  changed_.notify_all();
  Flush();
}

void LogWriter::Flush() {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t wanted = ++rounds_asked_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return rounds_done_ >= wanted; });
}

void LogWriter::Wake() {
  if (wanted_.exchange(true, std::memory_order_relaxed)) return;
  changed_.notify_all();
}

void LogWriter::Run() {
  bool last = false;
  while (!last) {
    std::vector<FileSink*> sinks;
    std::vector<FileSink*> unused;
    uint64_t asked;
    bool reopen;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait_for(lock, std::chrono::nanoseconds(flush_interval_), [this] {
        return stopping_ || reopen_ || rounds_asked_ > rounds_done_ ||
               wanted_.load(std::memory_order_relaxed);
      });
      wanted_.store(false, std::memory_order_relaxed);
      last = stopping_;
      asked = rounds_asked_;
      reopen = std::exchange(reopen_, false);
      for (const auto& [path, sink] : sinks_) {
        sinks.push_back(sink.get());
        if (sink->users_.load() == 0) unused.push_back(sink.get());
      }
    }
    for (FileSink* sink : sinks) {
      sink->CollectAndWrite();
      if (reopen) sink->Reopen();
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      rounds_done_ = asked;
      Close(unused);
    }
    changed_.notify_all();
  }
}

uint64_t LogWriter::dropped_lines() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  uint64_t sum = dropped_lines_;
  for (const auto& [path, sink] : sinks_) sum += sink->dropped_lines();
  return sum;
}

uint64_t LogWriter::failed_writes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  uint64_t sum = failed_writes_;
  for (const auto& [path, sink] : sinks_) sum += sink->failed_writes();
  return sum;
}

uint64_t LogWriter::written_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  uint64_t sum = written_bytes_;
  for (const auto& [path, sink] : sinks_) sum += sink->written_bytes();
  return sum;
}

}  // namespace proxenos::access_log
