// From answers to health, by Envoy's rules.
#include "source/health/host_check.h"

#include <utility>

#include "source/health/checker.h"

namespace proxenos::health {

using upstream::Host;
using upstream::kActiveCheckBits;
using upstream::kActiveCheckTimeout;
using upstream::kDegradedActiveCheck;
using upstream::kExcludedByItself;
using upstream::kFailedActiveCheck;
using upstream::kPendingActiveCheck;

namespace {

bool IsNetwork(Failure failure) {
  return failure == Failure::kNetwork || failure == Failure::kNetworkTimeout;
}

}  // namespace

bool SameServer(const Host& a, const Host& b) {
  return a.id() == b.id() && a.address() == b.address() &&
         a.further_addresses() == b.further_addresses();
}

HostCheck::HostCheck(Checker& checker, std::shared_ptr<const Host> host)
    : checker_(checker),
      host_(std::move(host)),
      bits_(host_->health_bits() & kActiveCheckBits),
      next_(checker.surroundings_.loop.timers(), [this] { Ask(); }),
      timeout_(checker.surroundings_.loop.timers(), [this] { OnTimeout(); }),
      probe_(MakeProbe(checker.rules(), checker.cluster_, host_,
                       [this](const ProbeResult& result) { OnAnswer(result); })) {}

void HostCheck::Start() {
  const base::Nanos jitter = checker_.rules().initial_jitter;
  next_.ArmIn(jitter == 0 ? 0 : checker_.Jittered(0, jitter));
}

void HostCheck::Publish() const {
  host_->ClearHealthBits(kActiveCheckBits & ~bits_);
  host_->SetHealthBits(bits_);
}

void HostCheck::Ask() {
  checker_.stats_->attempt.Inc();
  timeout_.ArmIn(checker_.rules().timeout);
  probe_->Start();
}

void HostCheck::OnTimeout() {
  probe_->GiveUp();
  OnAnswer(ProbeResult::Failed(Failure::kNetworkTimeout));
}

void HostCheck::OnAnswer(const ProbeResult& result) {
  timeout_.Disarm();
  if (checker_.rules().http.service_name.has_value() && result.http_status != 0) {
    checker_.stats_->verify_cluster.Inc();
  }
  const Change change = result.passed ? OnPass(result.degraded) : OnFailure(result);
  AskAgain(result.passed, change);
  if (!std::exchange(checked_, true)) --checker_.unchecked_;
  checker_.OnChecked(*this, change == Change::kDone, result.passed);
}

void HostCheck::AskAgain(bool passed, Change change) {
  next_.ArmIn(checker_.Interval(passed, change == Change::kPending));
}

HostCheck::Change HostCheck::OnPass(bool degraded) {
  failures_ = 0;
  Change change = Change::kNone;
  if (failed()) {
    // The first answer decides by itself, so that start-up does not take several intervals.
    if (!checked_ || ++passes_ >= checker_.rules().healthy_threshold) {
      bits_ &= ~(kFailedActiveCheck | kActiveCheckTimeout | kExcludedByItself);
      passes_ = 0;
      change = Change::kDone;
      checker_.events_.AddHealthy(*host_, !checked_);
    } else {
      change = Change::kPending;
    }
  }
  if (change != Change::kDone && checker_.rules().always_log_successes) {
    checker_.events_.Success(*host_);
  }
  change = ClearPending(change);
  if (degraded != this->degraded()) {
    bits_ ^= kDegradedActiveCheck;
    checker_.events_.Degraded(*host_, degraded);
    if (change == Change::kNone) change = Change::kDone;
  }
  checker_.stats_->success.Inc();
  return change;
}

HostCheck::Change HostCheck::OnFailure(const ProbeResult& result) {
  passes_ = 0;
  Change change = Change::kNone;
  if (result.asks_exclusion) bits_ |= kExcludedByItself;
  if (!failed()) {
    const bool counts = IsNetwork(result.failure) || result.retriable;
    if (!counts || ++failures_ >= checker_.rules().unhealthy_threshold) {
      bits_ |= kFailedActiveCheck;
      failures_ = 0;
      change = Change::kDone;
      checker_.events_.Eject(*host_, result);
    } else {
      change = Change::kPending;
    }
  }
  const bool timed_out = result.failure == Failure::kNetworkTimeout && failed();
  bits_ = timed_out ? bits_ | kActiveCheckTimeout : bits_ & ~kActiveCheckTimeout;
  change = ClearPending(change);
  if (!checked_ || checker_.rules().always_log_failures) {
    checker_.events_.Failed(*host_, result, !checked_);
  }
  checker_.stats_->failure.Inc();
  if (IsNetwork(result.failure)) {
    checker_.stats_->network_failure.Inc();
  } else if (result.failure == Failure::kPassive) {
    checker_.stats_->passive_failure.Inc();
  }
  return change;
}

// One that was not counted before its first check is counted now, whatever it is.
HostCheck::Change HostCheck::ClearPending(Change change) {
  if ((bits_ & kPendingActiveCheck) == 0) return change;
  bits_ &= ~kPendingActiveCheck;
  return Change::kDone;
}

void HostCheck::FailByRequest() {
  ProbeResult result = ProbeResult::Failed(Failure::kPassive);
  result.asks_exclusion = true;
  OnFailure(result);
  if (!std::exchange(checked_, true)) --checker_.unchecked_;
  // The bit that says so is new even where the host had failed before.
  checker_.OnChecked(*this, /*changed=*/true, /*passed=*/false);
}

}  // namespace proxenos::health
