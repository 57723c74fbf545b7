// LogNotes: what of a stream only some operators of formats ask for: where its configuration has
// one of those (access_log::AsksForNotes), each of its streams gets notes, and else none.
//
// Owner: the stream. Thread: the worker's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/json/value.h"
#include "source/net/address.h"
#include "source/net/close_type.h"
#include "source/upstream/exchange_notes.h"

namespace proxenos::filter {

struct LogNotes {
  // One try at a host.
  struct Attempt {
    net::Address address;
    std::string host_name;
    uint64_t connection_id = 0;  // 0: no connection came about.
  };
  // Those beyond are not told of.
  static constexpr size_t kMaxAttempts = 64;

  void AddAttempt(const net::Address& address, absl::string_view host_name,
                  uint64_t connection_id) {
    if (attempts.size() < kMaxAttempts) {
      attempts.push_back({address, std::string(host_name), connection_id});
    }
  }

  std::vector<Attempt> attempts;  // In their order.
  upstream::ExchangeNotes upstream;
  base::MonoTime request_head = 0;         // DS_RX_HDR_END
  base::MonoTime first_upstream_body = 0;  // US_RX_BODY_BEG
  // Of the last attempt: its begin, and when it had a connection or was refused one.
  base::MonoTime attempt_begin = 0;
  base::MonoTime pool_ready = 0;
  // Heads before HPACK; 0 where they are as on the wire.
  uint64_t request_fields = 0;
  uint64_t response_fields = 0;
  base::Nanos route_resolution_time = 0;
  uint32_t route_resolutions = 0;
  net::CloseType downstream_close = net::CloseType::kNone;
  // Static text; empty: the peer closed, or nobody has.
  absl::string_view downstream_close_reason;
  absl::string_view upstream_close_reason;
  const json::Object* route_metadata = nullptr;  // By namespace. In the route table.
};

}  // namespace proxenos::filter
