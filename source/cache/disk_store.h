// DiskStore: responses in files, one each (disk_format.h), below the store in memory: kept over
// restarts, and for more than memory holds.
//
// All of its input and output happens on threads of its own; workers only look into an index, under
// a lock that is held for nothing else. A file is written beside its place and renamed into it, so
// that a crash leaves whole files and rubbish, and the rubbish is taken away at the next start;
// what a disk returns is believed only when its checksums are right.
// Owner: the NamedStore. Thread: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "source/cache/key.h"
#include "source/cache/stored_response.h"
#include "source/event/event_loop.h"

namespace proxenos::cache {

class DiskLoad;

class DiskStore {
 public:
  struct Options {
    std::string path;  // A folder, which is made when it is not there; nobody else's.
    uint64_t max_bytes = uint64_t{1} << 30;
  };
  // Null, and `error` says why, when the folder cannot be used. What is in it is found by and by.
  static std::unique_ptr<DiskStore> Open(const Options& options, std::string* error);
  // Ends what is under way; what waits to be written is not.
  ~DiskStore();

  // The file that answers this request, if there is one.
  std::optional<uint64_t> Find(const Key& key, const http::HeaderMap& request);
  // A point in time: what is erased after it is not written any more by a Save that names it.
  uint64_t Now();
  // Writes it by and by, in the place of what answered the same request. Dropped when the disk is
  // too slow for what comes. `decided`: Now() before it was decided to keep the response.
  void Save(const Key& key, StoredResponse response, uint64_t decided);
  // Forgets all of a URL; its files go by and by. Returns how many there were.
  uint64_t Erase(const Key& key);
  // The same where `matches(url, tags)` holds; its files are gone when this returns. Thread: not a
  // worker's.
  uint64_t EraseIf(
      absl::FunctionRef<bool(absl::string_view, const std::vector<std::string>&)> matches);

  struct Totals {
    uint64_t bytes = 0;
    uint64_t files = 0;
  };
  Totals totals();
  // Until all that was asked for so far is done; for tests and for who ends.
  void Drain();

 private:
  friend class DiskLoad;
  struct Entry {
    uint64_t id = 0;
    uint64_t bytes = 0;
    uint64_t choice = 0;      // Hash of what chose it.
    base::WallTime time = 0;  // When it came.
    std::string url;
    std::vector<std::string> vary;
    std::vector<std::string> tags;
    bool used = false;  // Since it was last considered for eviction.
  };
  using Entries = std::list<Entry>;
  using ByUrl = absl::InlinedVector<Entries::iterator, 1>;
  using Job = absl::AnyInvocable<void()>;

  explicit DiskStore(const Options& options);
  bool IsOwn(uint64_t id);
  void Run();
  void Post(Job job, bool urgent);
  void Scan();
  bool ScanFile(const std::string& path, uint64_t id);
  void Write(const Key& key, const StoredResponse& response, uint64_t decided);
  bool ErasedSinceLocked(uint64_t hash, uint64_t decided) const;
  std::optional<StoredResponse> Read(const Key& key, uint64_t id);
  std::string PathOf(uint64_t id) const;
  // REQUIRE: mutex_ is held. What they return is to be unlinked.
  std::vector<uint64_t> AddLocked(Entry entry);
  void RemoveLocked(Entries::iterator entry);
  void Remove(uint64_t id, const std::string& url);
  void Unlink(const std::vector<uint64_t>& ids) const;

  const Options options_;
  // Files of this process have numbers from here on.
  const uint64_t first_id_;
  std::mutex mutex_;
  // Guarded by mutex_.
  Entries entries_;  // The oldest first.
  absl::flat_hash_map<std::string, ByUrl> by_url_;
  uint64_t bytes_ = 0;
  uint64_t next_id_ = first_id_;
  // What was erased lately: hashes of URLs, the last one with the number erasures_. Of what is not
  // remembered any more all counts as erased.
  std::deque<uint64_t> erased_;
  uint64_t erasures_ = 0;
  uint64_t bulk_erasure_ = 0;  // The number of the last EraseIf.

  std::mutex queue_mutex_;
  std::condition_variable changed_;
  // Guarded by queue_mutex_.
  std::deque<Job> queue_;
  uint64_t queued_bytes_ = 0;  // To be written.
  int busy_ = 0;
  bool stop_ = false;

  std::vector<std::thread> threads_;
};

// One file being read for one stream. Owner: the stream's filter; its destructor gives up. Thread:
// the loop's.
class DiskLoad {
 public:
  // `on_done` is called on the loop's thread in a later turn, and captures nothing but the owner.
  DiskLoad(DiskStore& store, const Key& key, uint64_t id, event::EventLoop& loop,
           absl::AnyInvocable<void()> on_done);
  ~DiskLoad();
  bool done() const { return done_; }
  // Of done(): what was read, when it is what was asked for.
  std::optional<StoredResponse>& result() { return result_; }

 private:
  // Where the reader finds the stream's loop, for as long as the load lives.
  struct Address {
    std::mutex mutex;
    event::EventLoop* loop;  // Guarded by mutex; null: nobody waits.
    DiskLoad* load;          // Touched on the loop's thread alone.
  };
  // tidy: allow shared-mutable: the thread that reads holds it too.
  const std::shared_ptr<Address> address_;
  absl::AnyInvocable<void()> on_done_;
  std::optional<StoredResponse> result_;
  bool done_ = false;
};

}  // namespace proxenos::cache
