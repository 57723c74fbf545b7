// PickRequest: what a request asks of balancing: which hosts it would rather not, or only, be sent
// to. Looked at while a host is picked, and never kept.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/net/address.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

class Host;

struct PickRequest {
  // Of hashing policies; without one any host will do.
  std::optional<uint64_t> hash;

  // Hosts that were tried: another is looked for, `attempts` times. (previous_hosts)
  absl::Span<const Host* const> avoided;
  // Hosts whose envoy.lb metadata has these are avoided likewise. (omit_host_metadata)
  const FlatStruct* avoided_metadata = nullptr;
  uint32_t attempts = 1;
  // Priorities that were tried, a bit each: others are preferred. (previous_priorities)
  uint64_t avoided_priorities = 0;

  // Of ORIGINAL_DST: where the client wanted to go; null where that is not known.
  const net::Address* destination = nullptr;

  bool picky() const { return !avoided.empty() || avoided_metadata != nullptr; }
};

}  // namespace proxenos::upstream
