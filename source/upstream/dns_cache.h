// SharedDnsCache: the names that a dynamic forward proxy was asked for, as workers see them. The
// main thread finds out about them (dns_cache_keeper.h), workers read and wait.
//
// A worker keeps what it has read and looks at one atomic number to see whether it still holds, so
// the lock is for names that a worker has not met, for answers that changed, and for waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/upstream/dynamic_forward_proxy.h"
#include "source/upstream/dynamic_name.h"
#include "source/upstream/host.h"
#include "source/upstream/host_source.h"

namespace proxenos::upstream {

class SharedDnsCache;
class DnsCacheKeeper;
class DnsWait;

enum class NameState : uint8_t {
  kPending,   // Asked for; no answer yet.
  kResolved,  // It has a host.
  kFailed,    // It has none, or none that may be used.
  kRefused,   // The cache has no room for it.
};

// One name. Shared by the cache, the main thread and workers that have met it.
class CachedName {
 public:
  explicit CachedName(DynamicName name) : name_(std::move(name)), key_(name_.Key()) {}

  const DynamicName& name() const { return name_; }
  const std::string& key() const { return key_; }
  // Another one with each change. Thread: any.
  uint32_t version() const { return version_.load(std::memory_order_acquire); }
  // It is in use: at `now`, to a second. Thread: any.
  void Touch(base::MonoTime now) const {
    if (now - last_used_.load(std::memory_order_relaxed) < base::kSecond) return;
    last_used_.store(now, std::memory_order_relaxed);
  }
  base::MonoTime last_used() const { return last_used_.load(std::memory_order_relaxed); }

 private:
  friend class SharedDnsCache;
  friend class DnsWait;

  const DynamicName name_;
  const std::string key_;
  std::atomic<uint32_t> version_{0};
  mutable std::atomic<base::MonoTime> last_used_{0};
  // Guarded by the cache's lock.
  NameState state_ = NameState::kPending;
  bool gone_ = false;  // It is not in the cache any more.
  std::shared_ptr<const Host> host_;
  base::IntrusiveList<DnsWait> waits_;
};

// What is known of a name at one instant.
struct NameView {
  std::shared_ptr<const CachedName> name;  // Null: it is not in the cache.
  uint32_t version = 0;
  NameState state = NameState::kPending;
  bool gone = false;                 // What was known may not hold any more.
  std::shared_ptr<const Host> host;  // Of kResolved.
};

// Owner: the keeper and the workers. Thread: as said.
class SharedDnsCache final : public DnsCache {
 public:
  // `settings` outlives neither: what is needed is copied.
  SharedDnsCache(event::EventLoop& main_loop, const DnsCacheSettings& settings);

  std::unique_ptr<HostSource> MakeSource(Parts parts) const override;
  const std::string& name() const { return name_; }

  // Thread: any.
  NameView Look(const DynamicName& name) const;
  NameView Look(const std::shared_ptr<const CachedName>& name) const;

  // For the keeper. Thread: main.
  void SetKeeper(DnsCacheKeeper* keeper) const { keeper_ = keeper; }
  // The name, entered if it is new.
  // tidy: allow shared-mutable: the cache's lock guards what changes of a name.
  std::shared_ptr<CachedName> Enter(const DynamicName& name) const;
  // Another state; who waits is told.
  void Settle(CachedName& name, NameState state, std::shared_ptr<const Host> host) const;
  // It leaves the cache. One that has no answer yet is refused.
  void Remove(CachedName& name) const;
  // Streams that wait now.
  uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  friend class DnsWait;
  // tidy: allow shared-mutable: as above.
  using Names = absl::flat_hash_map<std::string, std::shared_ptr<CachedName>>;

  static void Tell(CachedName& name);  // REQUIRES: mutex_ is held.
  static NameView ViewOf(const std::shared_ptr<const CachedName>& name);
  // tidy: allow shared-mutable: as above.
  std::shared_ptr<CachedName> EnterLocked(const DynamicName& name, bool& added) const;

  event::EventLoop& main_loop_;
  const std::string name_;
  const uint32_t max_waiting_;
  mutable DnsCacheKeeper* keeper_ = nullptr;  // Thread: main. Null once it is gone.
  mutable std::atomic<uint32_t> waiting_{0};

  mutable std::mutex mutex_;
  mutable Names names_;  // Guarded by mutex_.
};

// One stream's wait for a name. Owner: the stream's filter; its destructor cancels. Thread: the
// stream's worker.
class DnsWait final : public base::ListNode<> {
 public:
  // Null when too many wait already. A name that is new is entered, and the main thread told.
  // `done` is called once, in a later turn of `loop`, and captures nothing but the owner.
  static std::unique_ptr<DnsWait> Begin(const std::shared_ptr<const SharedDnsCache>& cache,
                                        const DynamicName& name, event::EventLoop& loop,
                                        absl::AnyInvocable<void()> done);
  // Begin makes them.
  DnsWait(std::shared_ptr<const SharedDnsCache> cache, event::EventLoop& loop,
          absl::AnyInvocable<void()> done);
  ~DnsWait();

  // What is known by now.
  NameView Look() const { return cache_->Look(name_); }

 private:
  friend class SharedDnsCache;
  // Where posts find the wait, for as long as it lives. Touched on the loop's thread alone.
  struct Address {
    DnsWait* wait;
  };

  void Notify();  // REQUIRES: the cache's lock is held.

  const std::shared_ptr<const SharedDnsCache> cache_;
  event::EventLoop& loop_;
  absl::AnyInvocable<void()> done_;
  std::shared_ptr<const CachedName> name_;
  // tidy: allow shared-mutable: held by posts under way, which outlive the wait.
  const std::shared_ptr<Address> address_;
};

}  // namespace proxenos::upstream
