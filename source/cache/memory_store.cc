// Look-up, insertion and eviction.
#include "source/cache/memory_store.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace proxenos::cache {
namespace {

// A shard is small enough to be looked through under its lock, and large enough for large bodies.
constexpr uint64_t kShardBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxShards = 256;
constexpr uint8_t kMaxUses = 3;
// Of a shard, for what has not been asked for twice.
constexpr uint64_t kSmallShare = 10;
// A node's slot in the map and what the allocator adds.
constexpr uint64_t kNodeOverhead = 96;
constexpr base::Nanos kMarkTime = 10 * base::kSecond;

bool SameChoice(const StoredHead& a, const StoredHead& b) {
  return a.extra == b.extra && a.vary == b.vary && a.selecting == b.selecting;
}

}  // namespace

MemoryStore::MemoryStore(const Options& options)
    : options_(options),
      shards_(std::clamp<uint64_t>(options.max_bytes / kShardBytes, 1, kMaxShards)),
      shard_bytes_(options.max_bytes / shards_.size()) {}

MemoryStore::~MemoryStore() = default;

std::shared_ptr<const Variants> MemoryStore::Find(const Key& key) {
  Shard& shard = ShardOf(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto it = shard.nodes.find(key.url());
  if (it == shard.nodes.end()) return nullptr;
  Node& node = *it->second;
  if (node.uses < kMaxUses) ++node.uses;
  return node.variants;
}

bool MemoryStore::Put(const Key& key, StoredResponse response) {
  Dead dead;
  Shard& shard = ShardOf(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  return PutLocked(shard, key, std::move(response), dead);
}

bool MemoryStore::Replace(const Key& key, const StoredHead* old, StoredResponse response) {
  Dead dead;
  Shard& shard = ShardOf(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto it = shard.nodes.find(key.url());
  if (it == shard.nodes.end()) return false;
  const Variants& variants = *it->second->variants;
  const bool there =
      std::any_of(variants.begin(), variants.end(),
                  [old](const StoredResponse& one) { return one.head.get() == old; });
  return there && PutLocked(shard, key, std::move(response), dead);
}

bool MemoryStore::PutLocked(Shard& shard, const Key& key, StoredResponse response, Dead& dead) {
  const auto it = shard.nodes.find(key.url());
  Node* node = it == shard.nodes.end() ? nullptr : it->second.get();
  auto variants = std::make_unique<Variants>();
  if (node != nullptr) {
    variants->reserve(node->variants->size() + 1);
    for (const StoredResponse& one : *node->variants) {
      if (!SameChoice(*one.head, *response.head)) variants->push_back(one);
    }
  }
  variants->insert(variants->begin(), std::move(response));
  uint64_t cost = 0;
  for (const StoredResponse& one : *variants) cost += one.memory();
  // The oldest go first, and before them those that a client's own fields made.
  while (variants->size() > 1 &&
         (variants->size() > options_.max_variants || cost > shard_bytes_ / 2)) {
    auto last =
        std::find_if(variants->rbegin(), variants->rend() - 1,
                     [](const StoredResponse& one) { return HasClientFields(one.head->extra); });
    if (last == variants->rend() - 1) last = variants->rbegin();
    cost -= last->memory();
    variants->erase(std::next(last).base());
  }
  cost += sizeof(Node) + kNodeOverhead + key.url().size() +
          variants->capacity() * sizeof(StoredResponse);
  if (cost > shard_bytes_) {
    // What it would have taken the place of is out of date all the same.
    if (node != nullptr) dead.push_back(Take(shard, *node));
    return false;
  }
  if (node == nullptr) {
    auto made = std::make_unique<Node>();
    made->url = key.url();
    made->hash = key.hash();
    node = made.get();
    Insert(shard, std::move(made));
  }
  shard.bytes[static_cast<int>(node->queue)] += cost - node->cost;
  node->cost = cost;
  // Holders of the old list, this thread's `dead` among them, let go of it outside of the lock.
  auto old = std::make_unique<Node>();
  old->variants = std::exchange(node->variants, std::move(variants));
  dead.push_back(std::move(old));
  Mark& mark = MarkOf(shard, key);
  if (mark.hash == key.hash()) mark = Mark();
  Evict(shard, dead);
  return shard.nodes.contains(key.url());  // It may have been the one to go.
}

void MemoryStore::Insert(Shard& shard, std::unique_ptr<Node> node) {
  node->queue = shard.ghosts.Has(node->hash) ? Queue::kMain : Queue::kSmall;
  shard.queues[static_cast<int>(node->queue)].PushBack(node.get());
  const absl::string_view url = node->url;
  shard.nodes.emplace(url, std::move(node));
}

std::unique_ptr<MemoryStore::Node> MemoryStore::Take(Shard& shard, Node& node) {
  shard.bytes[static_cast<int>(node.queue)] -= node.cost;
  node.Unlink();
  const auto it = shard.nodes.find(node.url);
  std::unique_ptr<Node> taken = std::move(it->second);
  shard.nodes.erase(it);
  return taken;
}

void MemoryStore::MoveTo(Shard& shard, Node& node, Queue queue) {
  shard.bytes[static_cast<int>(node.queue)] -= node.cost;
  node.Unlink();
  node.queue = queue;
  shard.bytes[static_cast<int>(queue)] += node.cost;
  shard.queues[static_cast<int>(queue)].PushBack(&node);
}

// S3-FIFO. Each step evicts, or takes a use from a node that had one: it ends.
void MemoryStore::Evict(Shard& shard, Dead& dead) {
  base::IntrusiveList<Node>& small = shard.queues[static_cast<int>(Queue::kSmall)];
  base::IntrusiveList<Node>& main = shard.queues[static_cast<int>(Queue::kMain)];
  while (shard.bytes[0] + shard.bytes[1] > shard_bytes_) {
    const bool from_small =
        main.empty() || (!small.empty() && shard.bytes[0] > shard_bytes_ / kSmallShare);
    Node& oldest = from_small ? *small.front() : *main.front();
    if (from_small && oldest.uses > 1) {
      oldest.uses = 0;
      MoveTo(shard, oldest, Queue::kMain);
      continue;
    }
    if (!from_small && oldest.uses > 0) {
      --oldest.uses;
      MoveTo(shard, oldest, Queue::kMain);
      continue;
    }
    if (from_small) shard.ghosts.Add(oldest.hash);
    ++shard.evictions;
    dead.push_back(Take(shard, oldest));
  }
}

uint64_t MemoryStore::Erase(const Key& key) {
  Dead dead;
  Shard& shard = ShardOf(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto fills = shard.fills.find(key.url());
  if (fills != shard.fills.end()) {
    for (const auto& fill : fills->second) fill->Doom();
  }
  const auto it = shard.nodes.find(key.url());
  if (it == shard.nodes.end()) return 0;
  const uint64_t count = it->second->variants->size();
  dead.push_back(Take(shard, *it->second));
  return count;
}

uint64_t MemoryStore::EraseIf(
    absl::FunctionRef<bool(absl::string_view, const StoredHead&)> matches) {
  uint64_t count = 0;
  for (Shard& shard : shards_) {
    Dead dead;
    const std::lock_guard<std::mutex> lock(shard.mutex);
    for (const auto& [url, fills] : shard.fills) {
      for (const auto& fill : fills) {
        const auto head = fill->head();
        // Of one without a head nobody knows its tags yet.
        if (head == nullptr || matches(url, *head)) fill->Doom();
      }
    }
    absl::InlinedVector<Node*, 16> hit;
    for (const auto& [url, node] : shard.nodes) {
      const Variants& variants = *node->variants;
      if (std::any_of(variants.begin(), variants.end(),
                      [&](const StoredResponse& one) { return matches(node->url, *one.head); })) {
        hit.push_back(node.get());
      }
    }
    for (Node* node : hit) {
      count += node->variants->size();
      dead.push_back(Take(shard, *node));
    }
  }
  return count;
}

MemoryStore::Ticket MemoryStore::Begin(const Key& key, Fill::Sharing sharing, base::MonoTime now) {
  Shard& shard = ShardOf(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const Mark& mark = MarkOf(shard, key);
  const bool unshareable = mark.hash == key.hash() && now < mark.until;
  FillList& fills = shard.fills[key.url()];
  if (unshareable) sharing = Fill::Sharing::kAlone;
  if (sharing == Fill::Sharing::kShared) {
    for (const auto& fill : fills) {
      const bool same = fill->sharing() == sharing && fill->key().extra() == key.extra();
      if (same && !fill->doomed()) return Ticket{fill, false};
    }
  }
  // tidy: allow shared-mutable: as Ticket::fill.
  fills.push_back(std::make_shared<Fill>(key, sharing));
  return Ticket{fills.back(), true};
}

void MemoryStore::End(Fill& fill) {
  Shard& shard = ShardOf(fill.key());
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto it = shard.fills.find(fill.key().url());
  if (it == shard.fills.end()) return;
  auto& fills = it->second;
  fills.erase(std::remove_if(fills.begin(), fills.end(),
                             [&fill](const auto& one) { return one.get() == &fill; }),
              fills.end());
  if (fills.empty()) shard.fills.erase(it);
}

bool MemoryStore::Store(const Fill& fill, StoredResponse response) {
  Dead dead;
  Shard& shard = ShardOf(fill.key());
  const std::lock_guard<std::mutex> lock(shard.mutex);
  // Whoever dooms holds the lock too: nothing is stored behind a purge's back.
  return !fill.doomed() && PutLocked(shard, fill.key(), std::move(response), dead);
}

void MemoryStore::MarkUnshareable(const Key& key, base::MonoTime now) {
  Shard& shard = ShardOf(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  MarkOf(shard, key) = Mark{key.hash(), now + kMarkTime};
}

MemoryStore::Totals MemoryStore::totals() {
  Totals totals;
  for (Shard& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    totals.bytes += shard.bytes[0] + shard.bytes[1];
    totals.urls += shard.nodes.size();
    totals.evictions += shard.evictions;
    totals.fills += shard.fills.size();
    for (const auto& [url, node] : shard.nodes) totals.responses += node->variants->size();
  }
  return totals;
}

}  // namespace proxenos::cache
