// RetryingCall: an HTTP call of a filter's own that is made again as a core.v3.RetryPolicy says,
// all its tries together within the service's timeout.
//
// Owner: the filter, as a member: the destructor cancels. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "source/event/timer_wheel.h"
#include "source/filter/environment.h"
#include "source/rpc/call_retries.h"
#include "source/rpc/http_call.h"
#include "source/rpc/service.h"

namespace proxenos::filter {

class RetryingCall {
 public:
  // Fills the head of one try, and returns its body.
  using Fill = absl::AnyInvocable<buffer::Buffer(rpc::HttpCall& call)>;

  struct Target {
    const rpc::HttpService& service;  // Outlives the call, as does the next.
    const rpc::CallRetries& retries;
    uint64_t max_body_bytes = 0;
  };

  // Both callbacks capture nothing but the owner; `on_done` is called once, never before Start has
  // returned.
  RetryingCall(const Environment& environment, const Target& target, Fill fill,
               absl::AnyInvocable<void()> on_done);
  RetryingCall(const RetryingCall&) = delete;
  RetryingCall& operator=(const RetryingCall&) = delete;

  // False: there is no such cluster, and nobody will be told.
  bool Start();
  // Of the last try. REQUIRES: on_done was called.
  rpc::HttpCall& call() { return *call_; }

 private:
  void OnAnswer();
  bool TriesAgain();

  const Environment& environment_;
  const Target target_;
  Fill fill_;
  absl::AnyInvocable<void()> on_done_;

  std::unique_ptr<rpc::HttpCall> call_;
  std::optional<event::Timer> again_;  // The pause before the next try.
  base::MonoTime began_ = 0;
  uint32_t tries_ = 0;
};

}  // namespace proxenos::filter
