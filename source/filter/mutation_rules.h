// MutationRules: which fields somebody outside (a processor, an authorization service) may change:
// config.common.mutation_rules.v3.HeaderMutationRules, compiled.
//
// Thread: any (immutable).
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "source/match/regex.h"

namespace proxenos::filter {

struct MutationRules {
  bool allow_routing = false;  // host, :authority, :scheme, :method.
  bool allow_envoy = false;    // x-envoy-...
  bool disallow_system = false;
  bool disallow_all = false;
  bool disallowed_is_error = false;
  std::optional<match::Regex> allowed;     // Whatever the rest says, but for
  std::optional<match::Regex> disallowed;  // these.

  // Whether a field of that name may be set or added.
  bool MaySet(absl::string_view lower_case_name) const;
  // Neither ":..." nor "host" is ever removed.
  bool MayRemove(absl::string_view lower_case_name) const;
};

}  // namespace proxenos::filter
