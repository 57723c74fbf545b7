// Probe: one way to ask a host how it is: HTTP, TCP or gRPC. One of the seams.
//
// Owner: the HostCheck. Thread: the main loop's. Dies when: the HostCheck does; cancels.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "source/health/check_cluster.h"
#include "source/upstream/health_check.h"
#include "source/upstream/host.h"

namespace proxenos::health {

// data.core.v3.HealthCheckFailureType, with its numbers.
enum class Failure : uint8_t { kActive, kPassive, kNetwork, kNetworkTimeout };

struct ProbeResult {
  bool passed = false;
  bool degraded = false;  // Of one that passed: x-envoy-degraded.
  Failure failure = Failure::kActive;
  bool retriable = false;       // Of a failure: only several in a row count.
  bool asks_exclusion = false;  // Of a failure: x-envoy-immediate-health-check-fail.
  uint16_t http_status = 0;

  static ProbeResult Failed(Failure failure) {
    ProbeResult result;
    result.failure = failure;
    return result;
  }
};

class Probe {
 public:
  // Called once for each Start, in a later turn or later in this one; it may Start again, but not
  // destroy the probe.
  using OnDone = absl::AnyInvocable<void(const ProbeResult&)>;

  explicit Probe(OnDone on_done) : on_done_(std::move(on_done)) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  virtual ~Probe() = default;

  // Asks once. REQUIRES: no question is under way.
  virtual void Start() = 0;
  // No answer came in time: what was being asked is of no interest any more, and the connection it
  // was asked on is not used again.
  virtual void GiveUp() = 0;

 protected:
  void Done(const ProbeResult& result) { on_done_(result); }

 private:
  OnDone on_done_;
};

// Where a check of `host` goes: the host itself, or one like it with another address.
std::shared_ptr<const upstream::Host> TargetOf(const upstream::HealthCheck& check,
                                               const std::shared_ptr<const upstream::Host>& host);

// `check` and `cluster` outlive the result.
std::unique_ptr<Probe> MakeProbe(const upstream::HealthCheck& check, CheckCluster& cluster,
                                 const std::shared_ptr<const upstream::Host>& host,
                                 Probe::OnDone on_done);

}  // namespace proxenos::health
