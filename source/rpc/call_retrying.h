// What a call keeps while it may have to be made again. Internal to this folder.
#pragma once

#include <optional>
#include <string>

#include "source/rpc/call.h"

namespace proxenos::rpc {

// Owner: the call. Holds one of the cluster's max_retries from the decision for another try to the
// end of that.
struct Call::Retrying {
  Retrying(upstream::WorkerCluster& called, const CallRetries& wanted)
      : cluster(called), rules(wanted) {}
  ~Retrying() { Release(); }
  Retrying(const Retrying&) = delete;
  Retrying& operator=(const Retrying&) = delete;

  // A message that was sent.
  void Keep(absl::string_view message);
  bool Acquire();
  void Release();

  upstream::WorkerCluster& cluster;
  const CallRetries rules;
  buffer::Buffer sent;  // Framed.
  uint32_t tries = 1;
  bool over = false;     // No more tries.
  bool counted = false;  // Holds one of the cluster's max_retries.
  std::optional<event::Timer> pause;
};

}  // namespace proxenos::rpc
