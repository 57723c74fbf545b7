// One policy after another.
#include "source/rbac/rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace proxenos::rbac {

Rules::Decision Rules::Decide(const Access& access) const {
  Decision decision;
  const auto found =
      std::find_if(policies_.begin(), policies_.end(),
                   [&access](const Policy& policy) { return policy.Matches(access); });
  if (found != policies_.end()) decision.policy = &*found;
  if (action_ == Action::kAllow) decision.allowed = decision.policy != nullptr;
  if (action_ == Action::kDeny) decision.allowed = decision.policy == nullptr;
  return decision;
}

std::string DenialDetails(absl::string_view policy) {
  std::string details = absl::StrCat("rbac_access_denied_matched_policy[",
                                     policy.empty() ? absl::string_view("none") : policy, "]");
  // Details are one word of a log line.
  std::replace_if(
      details.begin(), details.end(),
      [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }, '_');
  return details;
}

}  // namespace proxenos::rbac
