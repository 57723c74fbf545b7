// HostReports: the way from a worker that found something out about a host to the main thread,
// which decides what comes of it. Rare: a threshold was met, or a host asked to be left out.
//
// Owner: the main thread's store of clusters; shared with the workers. Thread: Send from any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "source/event/event_loop.h"

namespace proxenos::upstream {

enum class HostReport : uint8_t {
  k5xxInARow,
  kGatewayFailuresInARow,
  kLocalFailuresInARow,
  kImmediateFailure,  // x-envoy-immediate-health-check-fail
  kDegraded,          // x-envoy-degraded
};

class HostReports {
 public:
  // Called on the main thread; the cluster or the host may be gone by then.
  using OnReport =
      absl::AnyInvocable<void(const std::string& cluster, uint64_t host_id, HostReport)>;

  HostReports(event::EventLoop& main_loop, OnReport on_report)
      : main_loop_(main_loop), on_report_(std::move(on_report)) {}

  void Send(const std::string& cluster, uint64_t host_id, HostReport report) const {
    main_loop_.Post([this, cluster, host_id, report] { on_report_(cluster, host_id, report); });
  }

 private:
  event::EventLoop& main_loop_;
  mutable OnReport on_report_;  // Thread: main.
};

}  // namespace proxenos::upstream
