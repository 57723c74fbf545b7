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
  // Of dynamic forward proxies: whom the request is for, as its authority says.
  absl::string_view authority;

  // Of clusters with subsets: what hosts should have in their envoy.lb metadata; null: anything.
  const FlatStruct* subset = nullptr;
  // What they should have where no host has that, in this order (fallback_list).
  absl::Span<const FlatStruct> subset_fallbacks;

  // Hosts by address ("10.0.0.1:80", separated by commas) that come before what balancing says, as
  // long as they can be used; empty: none does.
  absl::string_view override_hosts;
  bool override_strict = false;  // Where they cannot be used, no other can.

  // Only hosts of this priority, and of these the degraded ones: of clusters that stand in an
  // aggregate one, which has chosen among their priorities.
  static constexpr uint8_t kAnyPriority = 255;
  uint8_t only_priority = kAnyPriority;
  bool only_degraded = false;

  bool picky() const { return !avoided.empty() || avoided_metadata != nullptr; }
};

}  // namespace proxenos::upstream
