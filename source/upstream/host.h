// Host: one address that requests can be sent to.
//
// Invariant: all but the health bits and counts is immutable. A Host stays (the same object, the
// same id) through updates that leave its identity alone, so that connection pools and health
// survive them. What an update may change (weight, priority, locality)
// lies in the HostSet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/sparse.h"
#include "source/net/address.h"
#include "source/upstream/health_check.h"
#include "source/upstream/load_counts.h"
#include "source/upstream/outlier_detection.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// Why a host is not in rotation; what checkers on the main thread found out by themselves. What
// discovery says stands in the HostSet.
enum HealthBit : uint32_t {
  kFailedActiveCheck = 1u << 0,
  kFailedOutlierCheck = 1u << 1,
  kDegradedActiveCheck = 1u << 2,
  kPendingActiveCheck = 1u << 3,
  kActiveCheckTimeout = 1u << 4,  // Besides kFailedActiveCheck: the last check had no answer.
  // It asked by x-envoy-immediate-health-check-fail to be left out, also of what panic looks at.
  kExcludedByItself = 1u << 5,
  kDegradedOutlierCheck = 1u << 6,  // It answered a request with x-envoy-degraded.
};
// Those that active checks set and clear.
inline constexpr uint32_t kActiveCheckBits = kFailedActiveCheck | kDegradedActiveCheck |
                                             kPendingActiveCheck | kActiveCheckTimeout |
                                             kExcludedByItself;

// What makes a host the one that it is.
struct HostIdentity {
  net::Address address;
  std::string hostname;      // For rewriting Host, and for display; may be empty.
  std::string logical_name;  // "name:port" of a LOGICAL_DNS host; else empty.
  // What a cluster's transport_socket_matches look at.
  FlatStruct transport_match;
  std::shared_ptr<const CheckTarget> check;              // Null: checked at its own address.
  base::Sparse<std::vector<net::Address>> further = {};  // Where it can be reached besides.
  // A serialized core.v3.Metadata, for whoever asks what the host is said to be: few do, and hosts
  // are many, so it is read when somebody asks.
  base::Sparse<std::string> metadata = {};
};

// An id that no other host of the process has. Thread: any.
uint64_t NextHostId();

// Owner: the HostSets it is in, and streams under way. Thread: any. One of the kinds of shared
// mutable state (docs/ARCHITECTURE.md): the health bits, written by the main thread, and the counts
// that outlier detection judges it by, written by workers.
class Host {
 public:
  Host(uint64_t id, HostIdentity identity) : id_(id), identity_(std::move(identity)) {}

  // Unique in the process. A LOGICAL_DNS host whose name gets a new address becomes a new Host with
  // the same id: its pool lives on, and new connections go to the new address.
  uint64_t id() const { return id_; }
  const HostIdentity& identity() const { return identity_; }
  const net::Address& address() const { return identity_.address; }
  // At most kMaxFurtherAddresses; connections try them as well (address_race.h).
  const std::vector<net::Address>& further_addresses() const { return *identity_.further; }
  const std::string& hostname() const { return identity_.hostname; }
  const std::string& logical_name() const { return identity_.logical_name; }
  const FlatStruct& transport_match() const { return identity_.transport_match; }
  // Null where nothing was said.
  const CheckTarget* check() const { return identity_.check.get(); }

  uint32_t health_bits() const { return health_bits_.load(std::memory_order_relaxed); }
  // Thread: main. Takes effect on balancing with the next HostSet.
  void SetHealthBits(uint32_t bits) const {
    health_bits_.fetch_or(bits, std::memory_order_relaxed);
  }
  void ClearHealthBits(uint32_t bits) const {
    health_bits_.fetch_and(~bits, std::memory_order_relaxed);
  }

  OutlierCounts& outlier() const { return outlier_; }
  // Connections to it of all workers; kept where the cluster limits them.
  std::atomic<uint32_t>& connections() const { return connections_; }

  // When it last came into rotation; 0: that is not known, or was long ago. Kept in clusters with a
  // slow start (slow_start.h), by the main thread.
  std::atomic<base::MonoTime>& in_rotation_since() const { return in_rotation_since_; }

  // Null where load is not reported.
  const std::shared_ptr<const LoadCounts>& load() const { return load_; }
  // Thread: main, before any worker knows the host.
  void SetLoad(std::shared_ptr<const LoadCounts> load) const { load_ = std::move(load); }

 private:
  const uint64_t id_;
  const HostIdentity identity_;
  mutable std::atomic<uint32_t> health_bits_{0};
  mutable OutlierCounts outlier_;
  mutable std::atomic<uint32_t> connections_{0};
  mutable std::atomic<base::MonoTime> in_rotation_since_{0};
  mutable std::shared_ptr<const LoadCounts> load_;
};

}  // namespace proxenos::upstream
