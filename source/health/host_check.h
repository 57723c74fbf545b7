// HostCheck: one host and the checks of it, one after the other: when to ask, and what the answers
// make of the host.
//
//   unhealthy --first answer good, or healthy_threshold good ones in a row--> healthy
//   healthy   --unhealthy_threshold in a row unreachable or retriable, or one plain bad-->
//   unhealthy
//
// What it finds stays its own until Publish: the checks of a version that warms do not disturb the
// one in force.
//
// Owner: the Checker. Thread: the main loop's. Dies when: the host left the cluster, or the Checker
// does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "source/event/timer_wheel.h"
#include "source/health/probe.h"
#include "source/upstream/host.h"

namespace proxenos::health {

class Checker;

// Whether what is known of `a` holds for `b`: the same host, said to be of another kind perhaps,
// and not a logical one whose address moved.
bool SameServer(const upstream::Host& a, const upstream::Host& b);

class HostCheck {
 public:
  // The host goes on as what it is taken for: a new one as failed, until its first answer.
  HostCheck(Checker& checker, std::shared_ptr<const upstream::Host> host);

  // Asks for the first time, after the initial jitter.
  void Start();
  // Requests to the host say that it wants to be left alone.
  void FailByRequest();
  // REQUIRES: SameServer. What is found from now on is found of this one.
  void Follow(std::shared_ptr<const upstream::Host> host) { host_ = std::move(host); }
  // Writes what was found to the host.
  void Publish() const;

  const std::shared_ptr<const upstream::Host>& host() const { return host_; }
  bool checked() const { return checked_; }
  bool failed() const { return (bits_ & upstream::kFailedActiveCheck) != 0; }
  bool degraded() const { return (bits_ & upstream::kDegradedActiveCheck) != 0; }

 private:
  // Whether an answer changed what the host is taken for, or will if more of its kind follow.
  enum class Change : uint8_t { kNone, kPending, kDone };

  void Ask();
  void OnTimeout();
  void OnAnswer(const ProbeResult& result);
  Change OnPass(bool degraded);
  Change OnFailure(const ProbeResult& result);
  Change ClearPending(Change change);
  void AskAgain(bool passed, Change change);

  Checker& checker_;
  std::shared_ptr<const upstream::Host> host_;
  uint32_t bits_;        // Of upstream::kActiveCheckBits.
  uint32_t passes_ = 0;  // In a row.
  uint32_t failures_ = 0;
  bool checked_ = false;  // Some answer, or none in time, has come.
  event::Timer next_;
  event::Timer timeout_;
  std::unique_ptr<Probe> probe_;
};

}  // namespace proxenos::health
