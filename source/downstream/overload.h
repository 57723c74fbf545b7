// Overload: what the overload manager asks of the workers at the moment. Each is a share of ten
// thousand: that of new requests, or connections, that it is done to.
//
// Owner: the server. Thread: the main thread writes, workers read.
#pragma once

#include <atomic>
#include <cstdint>

#include "source/base/random.h"

namespace proxenos::downstream {

class OverloadShare {
 public:
  static constexpr uint32_t kWhole = 10'000;

  void Set(uint32_t of_10000) { share_.store(of_10000, std::memory_order_relaxed); }
  uint32_t get() const { return share_.load(std::memory_order_relaxed); }
  // Whether this one is among them. One load where none is.
  bool Hits(base::Random& random) const {
    const uint32_t share = get();
    return share != 0 && (share >= kWhole || random.Below(kWhole) < share);
  }

 private:
  std::atomic<uint32_t> share_{0};
};

struct Overload {
  OverloadShare refuse_requests;     // stop_accepting_requests
  OverloadShare refuse_connections;  // reject_incoming_connections
  OverloadShare end_connections;     // disable_http_keepalive
};

}  // namespace proxenos::downstream
