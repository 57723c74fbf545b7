// MemoryStore: responses by URL, in memory that all workers share.
//
// Sharded by the URL's hash; a shard's lock is held for a look-up or an insertion and for nothing
// else: what is evicted dies outside of it. Bodies are lent, never copied. Which URLs stay is
// decided by S3-FIFO: new ones pass through a small queue, and only what was asked for again there
// gets into the main one, so that a scan of things asked for once pushes nothing out.
// Owner: whoever configures it. Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "source/base/clock.h"
#include "source/base/intrusive_list.h"
#include "source/cache/fill.h"
#include "source/cache/ghosts.h"
#include "source/cache/key.h"
#include "source/cache/stored_response.h"

namespace proxenos::cache {

// The responses of one URL, the newest first.
using Variants = std::vector<StoredResponse>;

class MemoryStore {
 public:
  struct Options {
    uint64_t max_bytes = uint64_t{64} << 20;  // Of all that is stored, with its overhead.
    uint32_t max_variants = 32;               // Of one URL.
  };
  explicit MemoryStore(const Options& options);
  ~MemoryStore();

  // What is stored for the URL, whatever chose it; or null. Counts as a use.
  std::shared_ptr<const Variants> Find(const Key& key);

  // Stores it in the place of what answered the same request. False: it is larger than a shard may
  // be, and not stored.
  bool Put(const Key& key, StoredResponse response);
  // The same when `old` is still stored; else does nothing.
  bool Replace(const Key& key, const StoredHead* old, StoredResponse response);

  // Forgets all of a URL, and sees to it that no fill under way brings it back. Returns how many
  // responses there were.
  uint64_t Erase(const Key& key);
  // Those that `matches(url, head)` holds for.
  uint64_t EraseIf(absl::FunctionRef<bool(absl::string_view, const StoredHead&)> matches);

  // Begins to fill a response of `key`; one that is to be shared joins such a fill that is under
  // way already.
  struct Ticket {
    // tidy: allow shared-mutable: leader and followers live on different workers; Fill locks.
    std::shared_ptr<Fill> fill;
    bool leader = true;
  };
  Ticket Begin(const Key& key, Fill::Sharing sharing, base::MonoTime now);
  // The leader's last: the fill is over, however it ended.
  void End(Fill& fill);
  // Stores what it brought, unless it was doomed.
  bool Store(const Fill& fill, StoredResponse response);
  // What comes of this URL cannot be shared: for a while nobody waits for anybody.
  void MarkUnshareable(const Key& key, base::MonoTime now);

  struct Totals {
    uint64_t bytes = 0;
    uint64_t urls = 0;
    uint64_t responses = 0;
    uint64_t evictions = 0;
    uint64_t fills = 0;
  };
  Totals totals();
  uint64_t max_bytes() const { return options_.max_bytes; }
  // The largest response that Put takes.
  uint64_t max_response_bytes() const { return shard_bytes_; }

 private:
  enum class Queue : uint8_t { kSmall, kMain };
  struct Node : public base::ListNode<> {
    std::string url;
    uint64_t hash = 0;
    uint64_t cost = 0;
    std::shared_ptr<const Variants> variants;
    Queue queue = Queue::kSmall;
    uint8_t uses = 0;  // Since it entered its queue; at most kMaxUses.
  };
  struct Mark {
    uint64_t hash = 0;
    base::MonoTime until = 0;
  };
  using FillList = absl::InlinedVector<std::shared_ptr<Fill>, 1>;  // tidy: allow shared-mutable: so
  struct Shard {
    std::mutex mutex;
    // All guarded by mutex.
    absl::flat_hash_map<absl::string_view, std::unique_ptr<Node>> nodes;  // Keys: their own URLs.
    base::IntrusiveList<Node> queues[2];  // By Queue, the oldest first.
    uint64_t bytes[2] = {0, 0};
    uint64_t evictions = 0;
    Ghosts ghosts;
    absl::flat_hash_map<std::string, FillList> fills;  // By URL.
    std::array<Mark, 64> marks;
  };
  using Dead = absl::InlinedVector<std::unique_ptr<Node>, 4>;

  Shard& ShardOf(const Key& key) { return shards_[key.hash() % shards_.size()]; }
  // All REQUIRE the shard's lock.
  static Mark& MarkOf(Shard& shard, const Key& key) {
    return shard.marks[(key.hash() >> 32) % shard.marks.size()];
  }
  void Insert(Shard& shard, std::unique_ptr<Node> node);
  std::unique_ptr<Node> Take(Shard& shard, Node& node);
  void Evict(Shard& shard, Dead& dead);
  void MoveTo(Shard& shard, Node& node, Queue queue);
  bool PutLocked(Shard& shard, const Key& key, StoredResponse response, Dead& dead);

  const Options options_;
  std::vector<Shard> shards_;
  uint64_t shard_bytes_ = 0;
};

}  // namespace proxenos::cache
