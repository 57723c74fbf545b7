// OnDemand: what a filter may have discovered in the middle of a request: the virtual host of an
// authority (VHDS), or a cluster (ODCDS). The main thread owns the subscriptions; this is a
// worker's way to ask it.
//
// Owner: the worker. Thread: the worker's. Outlives every stream.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/intrusive_list.h"

namespace proxenos::filter {

class OnDemand {
 public:
  enum class Outcome : uint8_t {
    kFound,     // It is in force on this worker.
    kMissing,   // The control plane has none, or was not asked: no such name can be.
    kOverload,  // Too much is being asked for already.
  };

  class WaiterList;

  // Somebody who waits for one answer. Its end cancels. Owner: itself, a filter.
  class Waiter : public base::ListNode<> {
   public:
    // Called once, from the loop, never from within a call of the Waiter's own; it waits no more.
    virtual void OnDiscovered(Outcome outcome) = 0;

    bool waits() const { return linked(); }
    void Cancel() {
      if (!linked()) return;
      Unlink();
      --*waiting_;
    }

   protected:
    ~Waiter() { Cancel(); }

   private:
    friend class WaiterList;
    uint32_t* waiting_ = nullptr;  // How many wait on the worker.
  };

  // Those who wait for one answer.
  class WaiterList {
   public:
    // `waiting` counts them, and outlives them.
    void Add(Waiter& waiter, uint32_t& waiting) {
      waiter.waiting_ = &waiting;
      ++waiting;
      list_.PushBack(&waiter);
    }
    void Tell(Outcome outcome) {
      while (Waiter* waiter = list_.front()) {
        waiter->Cancel();
        waiter->OnDiscovered(outcome);
      }
    }

   private:
    base::IntrusiveList<Waiter> list_;
  };

  // The virtual host of the route configuration `routes` that serves `authority`. False: too many
  // wait already, and nothing is asked. REQUIRES: `waiter` does not wait.
  virtual bool AskHost(absl::string_view routes, absl::string_view authority, Waiter& waiter) = 0;
  // The cluster `name` from `source`, a serialized ConfigSource. The same.
  virtual bool AskCluster(const std::string& source, absl::string_view name, Waiter& waiter) = 0;

 protected:
  ~OnDemand() = default;
};

}  // namespace proxenos::filter
