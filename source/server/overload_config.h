// OverloadConfig: the overload manager as it is configured:
// envoy.config.overload.v3.OverloadManager.
//
// Actions and load-shed points differ in name alone: both are rules, which triggers turn on by
// degrees.
// Thread: any (immutable once made).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/overload/v3/overload.pb.h"
#include "source/base/clock.h"
#include "source/base/overload.h"
#include "source/config/errors.h"

namespace proxenos::server {

struct OverloadMonitor {
  enum class Kind : uint8_t { kHeap, kHostCpu, kContainerCpu, kContainerMemory, kFile };
  std::string name;
  Kind kind = Kind::kHeap;
  uint64_t most_bytes = 0;  // Of kHeap; of kContainerMemory, 0: what the container may have.
  std::string file = {};    // Of kFile.
};

enum class OverloadAction : uint8_t {
  kStopAcceptingRequests,
  kStopAcceptingConnections,
  kRejectIncomingConnections,
  kDisableKeepalive,
  kShrinkHeap,
  kReduceTimeouts,
  kResetHeavyStreams,
  kShedLoad,  // At a load-shed point.
};

struct OverloadTrigger {
  size_t monitor = 0;  // Its place in OverloadConfig::monitors.
  double from = 0;     // Below it nothing happens.
  double whole = 0;    // From here on all of it.

  // How much of the action this pressure asks for, of 10000.
  uint32_t Wanted(double pressure) const;
};

// Of kReduceTimeouts: how short that timeout may become.
struct LeastTimeout {
  base::Overload::Timeout timeout = base::Overload::kConnectionIdle;
  base::Nanos least = 0;
  double part = 0;  // Of what is configured, 0..1; `least` is 0 then.
};

struct OverloadRule {
  // Streams are told apart by so many powers of two of what they hold, as in Envoy.
  static constexpr uint32_t kWeights = 8;

  std::string name;
  OverloadAction action;
  std::vector<OverloadTrigger> triggers = {};
  base::LoadShedPoint base::Overload::*point = nullptr;  // Of kShedLoad.
  std::vector<LeastTimeout> timeouts = {};               // Of kReduceTimeouts.
  base::Nanos every = 10 * base::kSecond;                // Of kShrinkHeap.
  uint32_t least_power = 0;  // Of kResetHeavyStreams: the lightest hold two to the power of it.

  // Of kResetHeavyStreams: what a stream must hold to be reset, when so much is wanted (not 0).
  uint64_t HeavyBytes(uint32_t wanted) const;
};

struct OverloadConfig {
  base::Nanos interval = base::kSecond;
  std::vector<OverloadMonitor> monitors;
  std::vector<OverloadRule> rules;
};

// What is wrong is an error at its place below `path`.
OverloadConfig CompileOverload(const envoy::config::overload::v3::OverloadManager& proto,
                               config::Errors& errors, const config::Path& path);

}  // namespace proxenos::server
