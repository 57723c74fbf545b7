// MetadataMatch: which hosts of a cluster with subsets a request asks for: envoy.lb of
// RouteAction.metadata_match (with a weighted cluster's own over it), and what filters left in
// envoy.lb of the request's dynamic metadata over both.
//
// Invariant: immutable once compiled; fields are by rising name, values are serialized
// google.protobuf.Values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "source/json/value.h"

namespace proxenos::route {

using MetadataFields = std::vector<std::pair<std::string, std::string>>;

struct MetadataMatch {
  // As given, with fallback_list as a field like the others.
  MetadataFields fields;
  // The elements of fallback_list that are objects.
  std::vector<MetadataFields> alternatives;
  // For clusters with FALLBACK_LIST: what is asked for, one after the other: each of these is the
  // fields but for fallback_list, with an alternative over them. Empty where there is no
  // fallback_list; of one without alternatives, the fields without it.
  std::vector<MetadataFields> fallbacks;
};

inline constexpr char kLbMetadata[] = "envoy.lb";
inline constexpr char kFallbackList[] = "fallback_list";

// The fields of both; where both have one, that of `over`.
MetadataFields MergeFields(const MetadataFields& under, const MetadataFields& over);

// Fills in `fallbacks` from the rest.
void SetFallbacks(MetadataMatch& match);

// What `request`, the envoy.lb of a stream's dynamic metadata, asks for over `match` (may be null).
// A fallback_list is the route's alone.
MetadataMatch MergeMatch(const MetadataMatch* match, const json::Object& request);

}  // namespace proxenos::route
