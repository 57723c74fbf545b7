// Host: one address that requests can be sent to.
//
// Invariant: all but the health bits is immutable. A Host keeps its identity (the same object, the
// same id) through updates that leave its address, hostname and transport_match alone, so that
// connection pools and health survive them. What an update may change (weight, priority, locality)
// lies in the HostSet.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "source/net/address.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// Why a host is not in rotation; what checkers on the main thread found out by themselves. What
// discovery says stands in the HostSet.
enum HealthBit : uint32_t {
  kFailedActiveCheck = 1u << 0,
  kFailedOutlierCheck = 1u << 1,
  kDegradedActiveCheck = 1u << 2,
  kPendingActiveCheck = 1u << 3,
};

// Owner: the HostSets it is in, and streams under way. Thread: any. One of the three kinds of
// shared mutable state (docs/ARCHITECTURE.md): the health bits, written by the main thread.
class Host {
 public:
  Host(uint64_t id, net::Address address, std::string hostname, std::string logical_name,
       FlatStruct transport_match = {})
      : id_(id),
        address_(std::move(address)),
        hostname_(std::move(hostname)),
        logical_name_(std::move(logical_name)),
        transport_match_(std::move(transport_match)) {}

  // Unique in the process. A LOGICAL_DNS host whose name gets a new address becomes a new Host with
  // the same id: its pool lives on, and new connections go to the new address.
  uint64_t id() const { return id_; }
  const net::Address& address() const { return address_; }
  // For rewriting Host, and for display; may be empty.
  const std::string& hostname() const { return hostname_; }
  // "name:port" of a LOGICAL_DNS host; else empty.
  const std::string& logical_name() const { return logical_name_; }

  // What a cluster's transport_socket_matches look at.
  const FlatStruct& transport_match() const { return transport_match_; }

  uint32_t health_bits() const { return health_bits_.load(std::memory_order_relaxed); }
  // Thread: main. Takes effect on balancing with the next HostSet.
  void SetHealthBits(uint32_t bits) const {
    health_bits_.fetch_or(bits, std::memory_order_relaxed);
  }
  void ClearHealthBits(uint32_t bits) const {
    health_bits_.fetch_and(~bits, std::memory_order_relaxed);
  }

 private:
  const uint64_t id_;
  const net::Address address_;
  const std::string hostname_;
  const std::string logical_name_;
  const FlatStruct transport_match_;
  mutable std::atomic<uint32_t> health_bits_{0};
};

}  // namespace proxenos::upstream
