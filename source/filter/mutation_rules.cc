// The order of the rules is that of their precedence.
#include "source/filter/mutation_rules.h"

#include "absl/strings/match.h"

namespace proxenos::filter {
namespace {

bool IsRouting(absl::string_view name) {
  return name == "host" || name == ":authority" || name == ":scheme" || name == ":method";
}

bool IsSystem(absl::string_view name) { return absl::StartsWith(name, ":"); }

}  // namespace

bool MutationRules::MaySet(absl::string_view name) const {
  if (disallowed.has_value() && disallowed->FullMatch(name)) return false;
  if (allowed.has_value() && allowed->FullMatch(name)) return true;
  if (disallow_all || (disallow_system && IsSystem(name))) return false;
  return (allow_routing || !IsRouting(name)) &&
         (allow_envoy || !absl::StartsWith(name, "x-envoy-"));
}

bool MutationRules::MayRemove(absl::string_view name) const {
  return !IsSystem(name) && name != "host" && MaySet(name);
}

}  // namespace proxenos::filter
