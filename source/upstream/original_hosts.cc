// Finding, making, forgetting.
#include "source/upstream/original_hosts.h"

#include <utility>

namespace proxenos::upstream {

OriginalHosts::OriginalHosts(event::EventLoop& loop, const OriginalDstSettings& settings,
                             absl::AnyInvocable<void(uint64_t)> forget)
    : settings_(settings),
      forget_(std::move(forget)),
      cleaning_(loop.timers(), [this] { Clean(); }) {}

const std::shared_ptr<const Host>* OriginalHosts::Find(const PickRequest& request) {
  if (request.destination == nullptr) return nullptr;
  const net::Address address = settings_.port_override == 0
                                   ? *request.destination
                                   : request.destination->WithPort(settings_.port_override);
  const auto known = hosts_.find(address);
  if (known != hosts_.end()) {
    known->second.used = true;
    return &known->second.host;
  }
  if (hosts_.size() >= kMaxHosts) return nullptr;
  HostIdentity identity;
  identity.address = address;
  Entry& entry = hosts_[address];
  entry.host = std::make_shared<const Host>(NextHostId(), std::move(identity));
  if (!cleaning_.armed()) cleaning_.ArmIn(settings_.cleanup_interval);
  return &entry.host;
}

void OriginalHosts::Clean() {
  for (auto it = hosts_.begin(); it != hosts_.end();) {
    if (std::exchange(it->second.used, false)) {
      ++it;
      continue;
    }
    const uint64_t id = it->second.host->id();
    hosts_.erase(it++);
    forget_(id);
  }
  if (!hosts_.empty()) cleaning_.ArmIn(settings_.cleanup_interval);
}

}  // namespace proxenos::upstream
