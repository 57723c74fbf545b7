// One timer for all of them.
#include "source/xds/leases.h"

namespace proxenos::xds {

Leases::Leases(event::TimerWheel& timers,
               absl::AnyInvocable<void(std::vector<std::string>)> expired)
    : timers_(timers), expired_(std::move(expired)), timer_(timers, [this] { Expire(); }) {}

void Leases::Grant(const std::string& name, base::Nanos ttl) {
  const auto held = ends_.find(name);
  if (held != ends_.end()) {
    order_.erase({held->second, name});
    ends_.erase(held);
  } else if (ttl == 0) {
    return;
  }
  if (ttl > 0) {
    const base::MonoTime end = timers_.now() + ttl;
    ends_[name] = end;
    order_.insert({end, name});
  }
  Rearm();
}

void Leases::Expire() {
  std::vector<std::string> names;
  while (!order_.empty() && order_.begin()->first <= timers_.now()) {
    names.push_back(order_.begin()->second);
    ends_.erase(names.back());
    order_.erase(order_.begin());
  }
  Rearm();
  if (!names.empty()) expired_(std::move(names));
}

void Leases::Rearm() { timer_.ArmAt(order_.empty() ? base::kNever : order_.begin()->first); }

}  // namespace proxenos::xds
