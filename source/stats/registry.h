// Registry: all stats of the process. Hands out groups, and sums them for a reader.
//
// A *scope* is a prefix such as `cluster.foo.` together with a schema. A *group* is one worker's
// own struct of that schema: its owner writes it without lock or fence. The scope lives while any
// group or pin of it does; as long as it lives, what its dead groups counted stays in its sums.
// When the last is gone, the scope's stats vanish from the output.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/base/intrusive_list.h"
#include "source/stats/reading.h"
#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

class Registry;
struct Scope;

// One group's struct and its place in the scope's list.
// Owner: a Group. Thread: the list is the registry's (its mutex), the struct the group's owner's.
struct Instance : base::ListNode<> {
  Scope* scope = nullptr;
  const void* block = nullptr;
};

template <class Stats>
struct InstanceOf : Instance {
  Stats stats;
};

// Owner: whoever counts, one for each thread that counts; usually made there, when first used.
// Thread: the owner's. Dies when: the owner does; before the registry.
template <class Stats>
class Group {
 public:
  Group() = default;
  Group(Group&&) noexcept = default;
  Group& operator=(Group&& other) noexcept {
    Close();
    instance_ = std::move(other.instance_);
    return *this;
  }
  ~Group() { Close(); }

  explicit operator bool() const { return instance_ != nullptr; }
  Stats* operator->() const { return &instance_->stats; }
  Stats& operator*() const { return instance_->stats; }

 private:
  friend class Registry;
  explicit Group(std::unique_ptr<InstanceOf<Stats>> instance) : instance_(std::move(instance)) {}
  void Close();

  std::unique_ptr<InstanceOf<Stats>> instance_;
};

// Keeps a scope alive, and in the output, while no worker has a group of it.
// Owner: the thing that the scope is named after. Thread: any.
class ScopePin {
 public:
  ScopePin() = default;
  ScopePin(ScopePin&& other) noexcept : scope_(std::exchange(other.scope_, nullptr)) {}
  ScopePin& operator=(ScopePin&& other) noexcept;
  ~ScopePin();

  explicit operator bool() const { return scope_ != nullptr; }

 private:
  friend class Registry;
  explicit ScopePin(Scope* scope) : scope_(scope) {}

  Scope* scope_ = nullptr;
};

// Runs its callback before each reading, to set gauges that nobody keeps up to date (uptime,
// memory). Owner: what the callback captures. Thread: main.
class ReadHook {
 public:
  ReadHook() = default;
  ReadHook(ReadHook&& other) noexcept
      : registry_(std::exchange(other.registry_, nullptr)), id_(other.id_) {}
  ReadHook& operator=(ReadHook&& other) noexcept;
  ~ReadHook();

 private:
  friend class Registry;
  ReadHook(Registry* registry, uint64_t id) : registry_(registry), id_(id) {}

  Registry* registry_ = nullptr;
  uint64_t id_ = 0;
};

// Owner: the server. Thread: Open and Pin from any; all else on the main thread.
// Dies when: every group, pin and hook is gone.
class Registry {
 public:
  Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  template <class Stats>
  Group<Stats> Open(const ScopeName& name) {
    auto instance = std::make_unique<InstanceOf<Stats>>();
    instance->block = &instance->stats;
    Enter(name, Stats::schema(), *instance);
    return Group<Stats>(std::move(instance));
  }

  template <class Stats>
  ScopePin Pin(const ScopeName& name) {
    return PinScope(name, Stats::schema());
  }

  [[nodiscard]] ReadHook BeforeRead(absl::AnyInvocable<void()> callback);

  // All scopes by rising prefix. Workers that open or close a group meanwhile wait for a few
  // dozen scopes to be read at most.
  std::vector<ScopeReading> Read();
  // Of those alone that `wanted` says: a page of a few stats of many thousand costs little memory.
  using WantsScope = absl::FunctionRef<bool(const ScopeName&, const Schema&)>;
  std::vector<ScopeReading> Read(WantsScope wanted);

  // Ends the interval of every histogram and begins the next: what a reading calls "interval" is
  // the one that ended here.
  void FlushIntervals();

  // Counters and response codes read from zero on; gauges and histograms stay. As in Envoy, a
  // counter that was used before stays "used".
  void ResetCounters();

  // For tests and /memory: the number of scopes.
  size_t scope_count() const;

 private:
  template <class Stats>
  friend class Group;
  friend class ScopePin;
  friend class ReadHook;

  // The prefix is the one in the scope.
  using Key = std::pair<absl::string_view, const Schema*>;
  void Enter(const ScopeName& name, const Schema& schema, Instance& instance);
  ScopePin PinScope(const ScopeName& name, const Schema& schema);
  static void Leave(Instance& instance);
  void Unpin(Scope& scope);
  void RemoveHook(uint64_t id);
  // REQUIRES: mutex_ is held.
  Scope& FindOrMake(const ScopeName& name, const Schema& schema);
  void Release(Scope& scope);
  // Calls `visit` with each scope by rising key, under the lock, which it lets go now and then.
  void ForEachScope(absl::FunctionRef<void(Scope&)> visit);

  mutable std::mutex mutex_;
  // Guarded by mutex_, as is all that a scope holds.
  absl::btree_map<Key, std::unique_ptr<Scope>> scopes_;

  // Main thread.
  absl::btree_map<uint64_t, absl::AnyInvocable<void()>> hooks_;
  uint64_t next_hook_id_ = 1;
};

template <class Stats>
void Group<Stats>::Close() {
  if (instance_ == nullptr) return;
  Registry::Leave(*instance_);
  instance_.reset();
}

}  // namespace proxenos::stats
