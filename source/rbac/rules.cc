// One policy after another, or down the tree.
#include "source/rbac/rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/filter/stream_attributes.h"

namespace proxenos::rbac {

namespace {

// How much there is to look at is the client's choice: it must not be a way past a rule.
bool IsTrue(const cel::Expression& expression, const Access& access, bool in_doubt) {
  cel::Memory memory;
  const bool is_true = expression.Evaluate(filter::StreamAttributes(access), memory).IsTrue();
  const bool ran_out = !memory.Step();
  return ran_out ? in_doubt : is_true;
}

}  // namespace

bool Policy::Matches(const Access& access, bool in_doubt) const {
  return permission.Holds(access) && principal.Holds(access) &&
         (condition == nullptr || IsTrue(*condition, access, in_doubt));
}

Rules::Rules(Action action, std::vector<Policy> policies)
    : action_(action), policies_(std::move(policies)), no_policy_(DenialDetails("")) {
  for (const Policy& policy : policies_) Name(policy.name);
}

Rules::Rules(filter::MatcherTree tree, std::vector<NamedAction> actions)
    : tree_(std::make_unique<const filter::MatcherTree>(std::move(tree))),
      actions_(std::move(actions)),
      no_policy_(DenialDetails("")) {
  for (const NamedAction& action : actions_) {
    Name(action.name);
    logs_ |= action.action == Action::kLog;
  }
}

void Rules::Name(const std::string& name) {
  names_.push_back(name);
  denials_.push_back(DenialDetails(name));
}

Rules::Decision Rules::Decide(const Access& access) const {
  Decision decision;
  if (tree_ != nullptr) {
    const match::Found found = tree_->Find(access);
    const bool any = found.state == match::Found::State::kAction;
    decision.allowed = any && actions_[found.action].action != Action::kDeny;
    if (any) decision.policy = found.action;
    if (logs_) decision.log = any && actions_[found.action].action == Action::kLog;
    return decision;
  }
  const bool in_doubt = action_ == Action::kDeny;
  const auto found = std::find_if(
      policies_.begin(), policies_.end(),
      [&access, in_doubt](const Policy& policy) { return policy.Matches(access, in_doubt); });
  const bool matched = found != policies_.end();
  if (matched) decision.policy = static_cast<uint32_t>(found - policies_.begin());
  if (action_ == Action::kAllow) decision.allowed = matched;
  if (action_ == Action::kDeny) decision.allowed = !matched;
  if (action_ == Action::kLog) decision.log = matched;
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
