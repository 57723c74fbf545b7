// ConnectionBalance: connection_balance_config.exact_balance: which worker serves a connection that
// any of them has accepted: the one whose share of the listener has the fewest. Without it the
// kernel spreads connections over the workers' sockets, which few and long ones may find uneven.
//
// Owner: the ListenerConfig; locked, for a connection's begin and end only. A worker's listener
// sits in it as a BalanceSeat. Thread: any; of a seat: its worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"
#include "source/net/socket.h"

namespace proxenos::downstream {

class BalanceSeat;

class ConnectionBalance {
 private:
  friend class BalanceSeat;

  struct Place {
    uint64_t id;
    BalanceSeat* seat;
    uint32_t connections = 0;
  };

  std::mutex mutex_;  // For all below.
  uint64_t next_id_ = 0;
  std::vector<Place> places_;
};

class BalanceSeat {
 public:
  using Take = absl::AnyInvocable<void(net::UniqueFd fd, const net::Address& remote)>;

  // `take` is called on this seat's thread, for connections that are counted here already.
  // tidy: allow shared-mutable: the seats of all workers are at it.
  BalanceSeat(std::shared_ptr<ConnectionBalance> balance, event::EventLoop& loop, Take take);
  BalanceSeat(const BalanceSeat&) = delete;
  BalanceSeat& operator=(const BalanceSeat&) = delete;
  ~BalanceSeat();

  // An accepted connection: the seat with the fewest takes it, this one at once.
  void Give(net::UniqueFd fd, const net::Address& remote);
  // One more, or one less, that is here.
  void Count() { Add(1); }
  void Release() { Add(-1); }

 private:
  using Balance = std::shared_ptr<ConnectionBalance>;  // tidy: allow shared-mutable: as above.

  // `own` is null where the seat that should have taken it has gone.
  static void Give(const Balance& balance, BalanceSeat* own, net::UniqueFd fd,
                   const net::Address& remote);
  static void Deliver(const Balance& balance, uint64_t id, net::UniqueFd fd,
                      const net::Address& remote);
  void Add(int change);

  const Balance balance_;
  event::EventLoop& loop_;
  Take take_;
};

}  // namespace proxenos::downstream
