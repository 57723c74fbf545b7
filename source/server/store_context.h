// What the stores of the configuration share: the loop, the names they want, and the pump that
// moves what no longer has to wait.
#pragma once

#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/server/wanted_names.h"

namespace proxenos::server {

// Owner: the ConfigStore. Outlives the stores.
struct StoreContext {
  event::EventLoop& loop;
  WantedNames& wanted;
  event::Runnable& pump;  // The ConfigStore: runs later in this turn, settles, publishes.

  void Pump() { loop.Schedule(&pump); }
  // When a wait of this length ends; 0 waits without end.
  base::MonoTime Deadline(base::Nanos wait) const {
    return wait == 0 ? base::kNever : loop.now() + wait;
  }
};

}  // namespace proxenos::server
