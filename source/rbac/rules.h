// Rules: envoy.config.rbac.v3.RBAC, compiled: who may do what. Used by the network filter of that
// name, and by whatever else grants access by such rules.
//
// Thread: any (immutable after construction).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "source/rbac/condition.h"

namespace proxenos::rbac {

// Policy: matches where one of its permissions and one of its principals does.
struct Policy {
  std::string name;
  Condition permission;
  Condition principal;

  bool Matches(const Access& access) const {
    return permission.Holds(access) && principal.Holds(access);
  }
};

class Rules {
 public:
  enum class Action : uint8_t {
    kAllow,  // Those whom a policy matches.
    kDeny,   // Those whom none does are allowed.
    kLog,    // Everybody is allowed; who matches is to be logged.
  };
  struct Decision {
    bool allowed = true;
    // The first that matches, in order of their names; null when none does.
    const Policy* policy = nullptr;
  };

  // `policies` by rising name.
  Rules(Action action, std::vector<Policy> policies)
      : action_(action), policies_(std::move(policies)) {}

  Decision Decide(const Access& access) const;
  Action action() const { return action_; }
  const std::vector<Policy>& policies() const { return policies_; }

 private:
  const Action action_;
  const std::vector<Policy> policies_;
};

// "rbac_access_denied_matched_policy[NAME]", as response details and connection termination details
// say it; no policy is "none".
std::string DenialDetails(absl::string_view policy);

}  // namespace proxenos::rbac
