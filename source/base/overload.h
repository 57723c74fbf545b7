// Overload: what the overload manager asks of the workers at the moment. Shares are of ten
// thousand: that of new requests, connections or whatever else it is done to.
//
// Owner: the server. Thread: the main thread writes, workers read.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "source/base/clock.h"
#include "source/base/random.h"

namespace proxenos::base {

class OverloadShare {
 public:
  static constexpr uint32_t kWhole = 10'000;

  void Set(uint32_t of_10000) { share_.store(of_10000, std::memory_order_relaxed); }
  uint32_t get() const { return share_.load(std::memory_order_relaxed); }
  // Whether this one is among them. One load where none is.
  bool Hits(Random& random) const {
    const uint32_t share = get();
    return share != 0 && (share >= kWhole || random.Below(kWhole) < share);
  }

 private:
  std::atomic<uint32_t> share_{0};
};

// A place in the life of a connection or a request at which load is shed: LoadShedPoint of
// OverloadManager.
class LoadShedPoint {
 public:
  OverloadShare share;

  // Whether this one is; counted.
  bool Sheds(Random& random) const {
    if (!share.Hits(random)) return false;
    shed_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  // How many were, by all workers.
  uint64_t shed() const { return shed_.load(std::memory_order_relaxed); }

 private:
  mutable std::atomic<uint64_t> shed_{0};
};

// How far a kind of timeouts is reduced: from what is configured, at no pressure, down to the
// least, at the whole of it. From ScaleTimersOverloadActionConfig.
class ScaledTimeout {
 public:
  OverloadShare share;

  // Before the workers start. The least is so long, or such a part of what is configured.
  void SetLeast(Nanos least) { least_ = least; }
  void SetLeastPart(double part) { least_part_ = part; }

  // 0 stays 0: no timeout. What was one stays one, however short.
  Nanos Of(Nanos full) const {
    const uint32_t reduced = share.get();
    if (reduced == 0 || full == 0) return full;
    const auto whole = static_cast<double>(full);
    const double least = std::min(whole, static_cast<double>(least_) + whole * least_part_);
    const double cut = (whole - least) * reduced / OverloadShare::kWhole;
    return std::max<Nanos>(full - static_cast<Nanos>(cut), 1);
  }

 private:
  Nanos least_ = 0;
  double least_part_ = 0;  // 0..1.
};

struct Overload {
  enum Timeout : size_t {
    kConnectionIdle,
    kStreamIdle,
    kTransportConnect,
    kConnectionDuration,
    kStreamFlush,
    kTimeouts,
  };

  OverloadShare refuse_requests;     // stop_accepting_requests
  OverloadShare refuse_connections;  // reject_incoming_connections
  OverloadShare end_connections;     // disable_http_keepalive

  LoadShedPoint accept;         // tcp_listener_accept
  LoadShedPoint codec;          // hcm_ondata_creating_codec
  LoadShedPoint http1_abort;    // http1_server_abort_dispatch
  LoadShedPoint go_away;        // http2_server_go_away_on_dispatch
  LoadShedPoint go_away_close;  // http2_server_go_away_and_close_on_dispatch
  LoadShedPoint request_head;   // http_connection_manager_decode_headers
  LoadShedPoint router;         // http_downstream_filter_check
  LoadShedPoint connect;        // connection_pool_new_connection

  std::array<ScaledTimeout, kTimeouts> timeouts;
};

// A timeout as it is now; null: nobody watches.
inline Nanos Scaled(const Overload* overload, Overload::Timeout kind, Nanos full) {
  return overload == nullptr ? full : overload->timeouts[kind].Of(full);
}

}  // namespace proxenos::base
