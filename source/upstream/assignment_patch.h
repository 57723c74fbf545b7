// Assignments that differ little from the one before.
//
// A control plane sends all endpoints of a cluster when one of them changes. Parsing, checking and
// compiling a hundred thousand takes two hundred milliseconds; what stands in the very bytes that
// it stood in before is taken from what was compiled then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/upstream/assignment.h"

namespace proxenos::upstream {

// What of a serialized envoy.config.endpoint.v3.ClusterLoadAssignment was not in another one.
struct AssignmentDifference {
  // How many endpoints of a locality are as before, at its beginning and at its end, and how many
  // it had then.
  struct Kept {
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t before = 0;
  };
  // A ClusterLoadAssignment as the newer one, without the endpoints that are kept.
  std::string bytes;
  std::vector<Kept> localities;  // Of each that `bytes` has.
};

// nullopt: they differ in more than endpoints, or in so much that it is better compiled as a whole,
// or are not such messages at all. Thread: any.
std::optional<AssignmentDifference> FindDifference(absl::string_view before, absl::string_view now);

// The whole again: of `before`, compiled from the older bytes, and `changed`, compiled from the
// difference's. Null where these are not that.
std::shared_ptr<const Assignment> Patch(const Assignment& before,
                                        const AssignmentDifference& difference,
                                        const Assignment& changed);

}  // namespace proxenos::upstream
