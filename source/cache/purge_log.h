// PurgeLog: what was purged in a store that a fleet shares, as far as this process knows: a copy of
// a log that all write to and all read. An entry of the shared store is good when nothing in the
// log that is younger than the entry names it; what memory holds goes as the log is applied.
//
// Records are looked for in memory by a thread of the log's own, so that no worker waits for that.
// Only then does the log's position move on: what was judged by a position is right by all records
// up to it.
// Owner: the NamedStore. Thread: any.
#pragma once

#include <compare>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace proxenos::cache {

// A place in the log, as Redis numbers the entries of a stream: "1526919030474-55".
struct LogId {
  uint64_t ms = 0;
  uint64_t number = 0;
  friend auto operator<=>(const LogId&, const LogId&) = default;
  std::string Text() const;
  static std::optional<LogId> Parse(absl::string_view text);
};

struct PurgeRecord {
  enum class By : uint8_t { kUrl, kPrefix, kTag, kAll, kNothing };
  By by = By::kNothing;  // kNothing: the log begins here.
  std::string text;      // The URL as keys have it, the beginning of one, or the tag.
};

// When what was purged last. Thread: one at a time.
class PurgeTable {
 public:
  void Add(LogId id, const PurgeRecord& record);
  // The youngest record that names it; LogId() when none does.
  LogId Latest(absl::string_view url, const std::vector<std::string>& tags) const;
  uint64_t bytes() const { return bytes_; }
  size_t prefixes() const { return prefixes_.size(); }

 private:
  using Map = absl::flat_hash_map<std::string, LogId>;
  Map urls_;
  Map tags_;
  std::vector<std::pair<std::string, LogId>> prefixes_;
  LogId all_;
  uint64_t bytes_ = 0;
};

class PurgeLog {
 public:
  static constexpr size_t kMaxPending = 1024;
  static constexpr size_t kMaxText = 16 * 1024;
  static constexpr uint64_t kMaxTableBytes = uint64_t{16} << 20;
  static constexpr size_t kMaxPrefixes = 4096;  // They are looked through one by one.

  using Batch = std::vector<std::pair<LogId, PurgeRecord>>;
  // `apply` takes what a batch names, or all with an empty one, out of this process's stores; it is
  // called on the log's thread.
  explicit PurgeLog(absl::AnyInvocable<void(const Batch&)> apply);
  ~PurgeLog();

  // Up to where the log is known here; nothing while nobody follows it.
  std::optional<LogId> Position();
  // Whether nothing that is known speaks against an entry that was judged at `stamp`.
  bool IsGood(LogId stamp, absl::string_view url, const std::vector<std::string>& tags);

  // For the follower. In the order of the log; the first one is where knowledge begins.
  void Append(Batch records);
  // Nothing is known: what memory holds may have been purged, and goes.
  void Restart();
  // Up to where the log was taken, applied or not.
  std::optional<LogId> taken();
  // All that there is was taken, and what comes will be; or not any more.
  void SetFollowed(bool followed);
  // Who may follow: one at a time. `wake` is called on any thread when there is something to
  // publish; false: somebody follows already.
  bool Claim(absl::AnyInvocable<void()> wake);
  void Release();

  // To be put into the log, for all to read. Where more waits than may, all that is stored goes in
  // its place: nothing that was purged stays because there was much of it.
  void Publish(PurgeRecord record);
  // What is to be published; the caller sees to it, or gives it back.
  std::vector<PurgeRecord> TakePending();
  void GiveBack(std::vector<PurgeRecord> records);

  // Until all that was appended is applied; for tests.
  void Drain();

 private:
  void Run();
  // REQUIRES: mutex_ is held.
  void AddPending(PurgeRecord record);

  absl::AnyInvocable<void(const Batch&)> apply_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  PurgeTable table_;
  std::optional<LogId> horizon_;   // Before it nothing is known.
  std::optional<LogId> position_;  // What is applied.
  std::optional<LogId> taken_;
  bool followed_ = false;
  std::deque<Batch> queue_;  // An empty one stands for all that there is.
  uint64_t epoch_ = 0;       // How often it restarted.
  bool busy_ = false;
  bool stop_ = false;
  std::vector<PurgeRecord> pending_;
  bool claimed_ = false;
  absl::AnyInvocable<void()> wake_;

  std::thread thread_;
};

}  // namespace proxenos::cache
