// One after the other, and who is first.
#include "source/upstream/address_race.h"

#include <algorithm>
#include <utility>

#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

AddressRace::AddressRace(ConnectAttempt& attempt, const Host& host)
    : attempt_(attempt),
      addresses_(InOrder(*attempt.pool().cluster().config().connecting, host.address(),
                         host.further_addresses())),
      delay_(attempt.loop().timers(), [this] { OnDelay(); }) {}

bool AddressRace::StartNext(OpenFailure& why) {
  delay_.Disarm();
  while (next_ < addresses_.size()) {
    Opening opening;
    if (!attempt_.pool().Open(addresses_[next_++], opening, why)) {
      // What the transport lacks it lacks at each of them.
      if (why.failure == PoolFailure::kTransportFailure) next_ = addresses_.size();
      continue;
    }
    // The pool has counted the first, as it counts any connection.
    if (!tries_.empty()) attempt_.pool().cluster().stats().upstream_cx_total.Inc();
    tries_.push_back(std::make_unique<ConnectTry>(attempt_, std::move(opening)));
    if (next_ < addresses_.size()) delay_.ArmIn(kDelay);
    return true;
  }
  return false;
}

void AddressRace::OnDelay() {
  OpenFailure why;
  StartNext(why);  // If there is none any more, those under way decide.
}

bool AddressRace::GoesOn() {
  OpenFailure why;
  if (StartNext(why)) return true;
  return std::any_of(tries_.begin(), tries_.end(), [](const auto& each) { return !each->over(); });
}

void AddressRace::End(const ConnectTry& winner) {
  delay_.Disarm();
  for (const auto& each : tries_) {
    if (each.get() != &winner) each->Cancel();
  }
}

void AddressRace::Cancel() {
  delay_.Disarm();
  for (const auto& each : tries_) each->Cancel();
}

}  // namespace proxenos::upstream
