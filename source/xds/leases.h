// Leases: resources that hold only for a time (Resource.ttl) unless they are sent again.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "source/base/clock.h"
#include "source/event/timer_wheel.h"

namespace proxenos::xds {

// Owner: a Subscription. Thread: the main loop's.
class Leases {
 public:
  // `expired` is told all that run out together.
  Leases(event::TimerWheel& timers, absl::AnyInvocable<void(std::vector<std::string>)> expired);

  // From now on it holds for `ttl`, or without end where that is 0.
  void Grant(const std::string& name, base::Nanos ttl);
  void Drop(const std::string& name) { Grant(name, 0); }
  bool Has(const std::string& name) const { return ends_.contains(name); }

 private:
  void Expire();
  void Rearm();

  event::TimerWheel& timers_;
  absl::AnyInvocable<void(std::vector<std::string>)> expired_;
  // The same leases, by name and in the order in which they run out.
  absl::flat_hash_map<std::string, base::MonoTime> ends_;
  std::set<std::pair<base::MonoTime, std::string>> order_;
  event::Timer timer_;
};

}  // namespace proxenos::xds
