// Who has the fewest, and how a connection gets there.
#include "source/downstream/connection_balance.h"

#include <algorithm>
#include <utility>

namespace proxenos::downstream {

BalanceSeat::BalanceSeat(Balance balance, event::EventLoop& loop, Take take)
    : balance_(std::move(balance)), loop_(loop), take_(std::move(take)) {
  const std::lock_guard lock(balance_->mutex_);
  balance_->places_.push_back({balance_->next_id_++, this});
}

BalanceSeat::~BalanceSeat() {
  const std::lock_guard lock(balance_->mutex_);
  auto& places = balance_->places_;
  places.erase(std::find_if(places.begin(), places.end(),
                            [this](const auto& place) { return place.seat == this; }));
}

void BalanceSeat::Give(net::UniqueFd fd, const net::Address& remote) {
  Give(balance_, this, std::move(fd), remote);
}

void BalanceSeat::Give(const Balance& balance, BalanceSeat* own, net::UniqueFd fd,
                       const net::Address& remote) {
  {
    const std::lock_guard lock(balance->mutex_);
    auto& places = balance->places_;
    const auto least = std::min_element(
        places.begin(), places.end(),
        [](const auto& a, const auto& b) { return a.connections < b.connections; });
    if (least == places.end()) return;  // The listener is gone: so is the connection.
    ++least->connections;
    if (least->seat != own) {
      // While it is locked: a seat that is there has a loop.
      least->seat->loop_.Post(
          [balance, id = least->id, fd = std::move(fd), remote = remote]() mutable {
            Deliver(balance, id, std::move(fd), remote);
          });
      return;
    }
  }
  own->take_(std::move(fd), remote);
}

void BalanceSeat::Deliver(const Balance& balance, uint64_t id, net::UniqueFd fd,
                          const net::Address& remote) {
  BalanceSeat* seat = nullptr;
  {
    const std::lock_guard lock(balance->mutex_);
    for (const auto& place : balance->places_) {
      if (place.id == id) seat = place.seat;
    }
  }
  // Nobody but this thread takes the seat away.
  if (seat == nullptr) return Give(balance, nullptr, std::move(fd), remote);
  seat->take_(std::move(fd), remote);
}

void BalanceSeat::Add(int change) {
  const std::lock_guard lock(balance_->mutex_);
  for (auto& place : balance_->places_) {
    if (place.seat == this) place.connections += static_cast<uint32_t>(change);
  }
}

}  // namespace proxenos::downstream
