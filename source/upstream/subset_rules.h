// SubsetRules: by which metadata a cluster's hosts are told apart, and where a request goes that
// asks for hosts that there are none of: compiled from Cluster.lb_subset_config or
// envoy.extensions.load_balancing_policies.subset.v3.Subset.
//
// Invariant: immutable once compiled; no two selectors have the same keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

enum class SubsetFallback : uint8_t {
  kNone,     // There is no host.
  kAny,      // Any host of the cluster.
  kDefault,  // One of default_subset.
  kKeys,     // One that has some of what was asked for: fallback_keys.
};

struct SubsetSelector {
  std::vector<std::string> keys;           // By rising name.
  std::optional<SubsetFallback> fallback;  // Not given: that of the rules.
  std::vector<std::string> fallback_keys;  // Of kKeys: fewer than `keys`, all of them among those.
  bool single_host = false;                // Of hosts with the same value one is used.
};

struct SubsetRules {
  std::vector<SubsetSelector> selectors;
  SubsetFallback fallback = SubsetFallback::kNone;  // Never kKeys.
  FlatStruct default_subset;
  bool allow_redundant_keys = false;
  bool locality_weight_aware = false;
  bool scale_locality_weight = false;
  bool panic_mode_any = false;
  bool list_as_any = false;     // A host whose value is a list has every value in it.
  bool uses_fallbacks = false;  // metadata_fallback_policy: FALLBACK_LIST

  // The selector with just these keys; null: there is none.
  const SubsetSelector* Find(const FlatStruct& wanted) const;
  // With allow_redundant_keys: the selector with the most keys of those that `wanted` has all keys
  // of, the first of several; null: there is none.
  const SubsetSelector* FindWidest(const FlatStruct& wanted) const;
};

// The fields of `from` under these keys, which are sorted.
FlatStruct Keep(const FlatStruct& from, const std::vector<std::string>& keys);

}  // namespace proxenos::upstream
