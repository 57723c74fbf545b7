// Rules: who may do what: envoy.config.rbac.v3.RBAC, or a tree of the unified matcher API whose
// leaves are envoy.config.rbac.v3.Action, compiled. Used by the filters of that name.
//
// Thread: any (immutable after construction).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/cel/expression.h"
#include "source/filter/matcher_tree.h"
#include "source/rbac/condition.h"

namespace proxenos::rbac {

// Policy: matches where one of its permissions and one of its principals does, and what it has of
// expressions is true.
struct Policy {
  std::string name;
  Condition permission;
  Condition principal;
  std::shared_ptr<const cel::Expression> condition{};  // Null: it has none.

  // `in_doubt`: what is taken for the outcome of a condition that costs too much to be known.
  bool Matches(const Access& access, bool in_doubt) const;
};

class Rules {
 public:
  enum class Action : uint8_t {
    kAllow,  // Those whom a policy matches.
    kDeny,   // Those whom none does are allowed.
    kLog,    // Everybody is allowed; who matches is to be logged.
  };
  struct NamedAction {
    std::string name;
    Action action;
    friend bool operator==(const NamedAction&, const NamedAction&) = default;
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Decision {
    bool allowed = true;
    // Of the policy that matches first (in order of their names), or of the tree's action; kNone
    // when none does.
    uint32_t policy = kNone;
    // Whether the access is to be logged, where the rules have an opinion.
    std::optional<bool> log{};
  };

  // `policies` by rising name.
  Rules(Action action, std::vector<Policy> policies);
  // The tree's actions are indices into `actions`. Who reaches none is denied.
  Rules(filter::MatcherTree tree, std::vector<NamedAction> actions);

  Decision Decide(const Access& access) const;

  // The policies (or the tree's actions) by number.
  size_t size() const { return names_.size(); }
  const std::string& name(uint32_t policy) const { return names_[policy]; }
  // "rbac_access_denied_matched_policy[NAME]", as response details and connection termination
  // details say it. Takes kNone too.
  const std::string& denial_details(uint32_t policy) const {
    return policy == kNone ? no_policy_ : denials_[policy];
  }

 private:
  void Name(const std::string& name);

  const Action action_ = Action::kAllow;
  const std::vector<Policy> policies_;
  const std::unique_ptr<const filter::MatcherTree> tree_;  // Null: the policies.
  const std::vector<NamedAction> actions_;
  bool logs_ = false;  // One of the tree's actions is kLog.
  std::vector<std::string> names_;
  std::vector<std::string> denials_;
  const std::string no_policy_;
};

// No policy is "none".
std::string DenialDetails(absl::string_view policy);

}  // namespace proxenos::rbac
