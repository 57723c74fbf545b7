// AddressRace: the tries of a connection attempt at a host that has several addresses: one after
// the other, a while apart or as soon as one fails. The first that connects wins, and the others
// end ("happy eyeballs", RFC 8305).
//
// Owner: the ConnectAttempt. Thread: the worker's. Dies with the attempt: tries that are over stay
// until then, so none is destroyed from within.
#pragma once

#include <memory>
#include <vector>

#include "source/base/clock.h"
#include "source/event/timer_wheel.h"
#include "source/net/address.h"
#include "source/upstream/connect_attempt.h"
#include "source/upstream/host.h"

namespace proxenos::upstream {

class AddressRace {
 public:
  // How long a try runs alone: Envoy's, and within what RFC 8305 (section 8) recommends.
  static constexpr base::Nanos kDelay = 300 * base::kMillisecond;

  // REQUIRES: the host has several addresses.
  AddressRace(ConnectAttempt& attempt, const Host& host);

  // Begins with the next address that can be begun with. False: there is none left; `why` says what
  // the last one met.
  bool StartNext(OpenFailure& why);
  // A try has failed: begins the next at once. False: that was the last.
  bool GoesOn();
  // `winner` is connected: all others end.
  void End(const ConnectTry& winner);
  void Cancel();

 private:
  void OnDelay();

  ConnectAttempt& attempt_;
  const std::vector<net::Address> addresses_;  // In the order in which they are tried.
  size_t next_ = 0;                            // Of addresses_.
  std::vector<std::unique_ptr<ConnectTry>> tries_;
  event::Timer delay_;
};

}  // namespace proxenos::upstream
