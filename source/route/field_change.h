// FieldChange: envoy.config.common.mutation_rules.v3.HeaderMutation: one change of a head's or
// a trailer section's fields. A list of them is applied in order: each sees what those before it
// have made.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/http/header_map.h"
#include "source/match/string_matcher.h"
#include "source/route/header_mutations.h"

namespace proxenos::route {

// Gives the text of a format, by HeaderAddition::format_index; it lives as long as the head.
using RenderFormat = absl::FunctionRef<absl::string_view(uint32_t format)>;

// One of its three kinds.
struct FieldChange {
  HeaderMutations one;                          // A single addition or removal; or nothing, and
  std::optional<match::StringMatcher> removed;  // fields whose names match are removed.
};

void Apply(const std::vector<FieldChange>& changes, http::HeaderMap& headers, RenderFormat render);

}  // namespace proxenos::route
