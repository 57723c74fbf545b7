// Override hosts: hosts that a request names by address and that come before what balancing says:
// because a filter knows the session's host (stateful_session), or since the cluster's policy reads
// them from a field or metadata (envoy.extensions.load_balancing_policies.override_host.v3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/net/address.h"
#include "source/upstream/host_set.h"

namespace proxenos::upstream {

class HostsByAddress;

// One place to read addresses from, or to leave one at. A field, or a path in dynamic metadata.
struct OverrideHostPlace {
  std::string header;  // Lower case; empty: metadata.
  std::string space;
  std::vector<std::string> path;
};

// Immutable once compiled.
struct OverrideHostRules {
  std::vector<OverrideHostPlace> sources;  // The first that says something counts.
  OverrideHostPlace selected;              // selected_host_key; without `space`: none.
};

// The filter state (of one stream) by which a filter names the host of the request's session.
inline constexpr absl::string_view kSessionHost = "proxenos.session_host";
// The same, where no other host will do.
inline constexpr absl::string_view kStrictSessionHost = "proxenos.strict_session_host";

// "10.0.0.1:80" or "[::1]:80"; of no family when it is neither.
net::Address ParseHostAddress(absl::string_view text);

// The first of `list` (addresses separated by commas) that is a host of `hosts` and in one of
// `states` (bits by EndpointHealth); kNoHost: none is. `by_address` is of `hosts`.
HostIndex FirstUsable(const HostSet& hosts, const HostsByAddress& by_address, uint8_t states,
                      absl::string_view list);

// What of `list` is behind `address`; all of it where that is not in it.
absl::string_view Behind(absl::string_view list, absl::string_view address);

}  // namespace proxenos::upstream
