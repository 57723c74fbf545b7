// Begin, end, and the time between.
#include "source/upstream/connect_attempt.h"

#include <utility>

#include "source/upstream/address_race.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

ConnectAttempt::ConnectAttempt(HostPool& pool, uint32_t streams)
    : pool_(pool),
      streams_(streams),
      begun_(pool.cluster().loop().now()),
      timeout_(pool.cluster().loop().timers(), [this] { Fail(PoolFailure::kConnectTimeout, ""); }) {
}

ConnectAttempt::~ConnectAttempt() = default;

event::EventLoop& ConnectAttempt::loop() const { return pool_.cluster().loop(); }

bool ConnectAttempt::Begin(OpenFailure& why) {
  const Host& host = pool_.host();
  if (!host.further_addresses().empty()) {
    race_ = std::make_unique<AddressRace>(*this, host);
    if (!race_->StartNext(why)) return false;
  } else {
    Opening opening;
    if (!pool_.Open(host.address(), opening, why)) return false;
    only_.emplace(*this, std::move(opening));
  }
  timeout_.ArmIn(pool_.cluster().config().connect_timeout);
  return true;
}

void ConnectAttempt::Cancel() {
  timeout_.Disarm();
  if (only_.has_value()) only_->Cancel();
  if (race_ != nullptr) race_->Cancel();
}

void ConnectAttempt::OnTryDone(ConnectTry& winner) {
  winner_ = &winner;
  timeout_.Disarm();
  if (race_ != nullptr) race_->End(winner);
  pool_.OnConnected(*this);
}

void ConnectAttempt::OnTryFailed(PoolFailure failure, absl::string_view detail) {
  if (race_ != nullptr && race_->GoesOn()) return;
  Fail(failure, detail);
}

void ConnectAttempt::Fail(PoolFailure failure, absl::string_view detail) {
  pool_.OnConnectFailed(*this, failure, detail);
  Cancel();
}

}  // namespace proxenos::upstream
