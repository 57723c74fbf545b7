// Rules by a tree of the unified matcher API.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "source/config/typed_config.h"
#include "source/filter/matcher_tree_config.h"
#include "source/rbac/rules_config.h"

namespace proxenos::rbac {

std::unique_ptr<Rules> CompileMatcher(const xds::type::matcher::v3::Matcher& proto, Subject subject,
                                      const config::Path& path, config::Errors& errors) {
  std::vector<Rules::NamedAction> actions;
  const auto compile = [&](const google::protobuf::Any& any,
                           const config::Path& at) -> std::optional<uint32_t> {
    envoy::config::rbac::v3::Action action;
    if (!config::UnpackTypedConfigTo(any, action, at, errors)) return std::nullopt;
    Rules::NamedAction named{action.name(), ActionOf(action.action())};
    const auto known = std::find(actions.begin(), actions.end(), named);
    if (known != actions.end()) return static_cast<uint32_t>(known - actions.begin());
    actions.push_back(std::move(named));
    return static_cast<uint32_t>(actions.size() - 1);
  };
  const auto time = subject == Subject::kConnection ? filter::MatchTime::kConnection
                                                    : filter::MatchTime::kRequest;
  auto tree = filter::CompileMatcherTree(proto, time, compile, path, errors);
  if (!tree) return nullptr;
  return std::make_unique<Rules>(*std::move(tree), std::move(actions));
}

}  // namespace proxenos::rbac
