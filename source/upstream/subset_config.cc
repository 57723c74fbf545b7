// Both messages have the same fields, with enums of the same numbers.
#include "source/upstream/subset_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/json/flat_struct_config.h"

namespace proxenos::upstream {
namespace {

using LegacyRules = envoy::config::cluster::v3::Cluster::LbSubsetConfig;
using Subset = envoy::extensions::load_balancing_policies::subset::v3::Subset;

template <typename Keys>
std::vector<std::string> Sorted(const Keys& keys) {
  std::vector<std::string> sorted(keys.begin(), keys.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

std::optional<SubsetFallback> SelectorFallback(int policy) {
  switch (policy) {
    case LegacyRules::LbSubsetSelector::NO_FALLBACK:
      return SubsetFallback::kNone;
    case LegacyRules::LbSubsetSelector::ANY_ENDPOINT:
      return SubsetFallback::kAny;
    case LegacyRules::LbSubsetSelector::DEFAULT_SUBSET:
      return SubsetFallback::kDefault;
    case LegacyRules::LbSubsetSelector::KEYS_SUBSET:
      return SubsetFallback::kKeys;
    default:
      return std::nullopt;
  }
}

template <typename SelectorProto>
SubsetSelector CompileSelector(const SelectorProto& proto, config::Errors& errors,
                               const config::Path& path) {
  SubsetSelector selector;
  selector.keys = Sorted(proto.keys());
  selector.single_host = proto.single_host_per_subset();
  selector.fallback = SelectorFallback(static_cast<int>(proto.fallback_policy()));
  if (selector.fallback != SubsetFallback::kKeys) return selector;
  selector.fallback_keys = Sorted(proto.fallback_keys_subset());
  const auto& keys = selector.keys;
  const auto& fewer = selector.fallback_keys;
  if (fewer.empty() || fewer.size() >= keys.size() ||
      !std::includes(keys.begin(), keys.end(), fewer.begin(), fewer.end())) {
    errors.Add(path.Field("fallback_keys_subset"),
               "expected some of the keys, but not all of them, with KEYS_SUBSET");
  }
  return selector;
}

template <typename RulesProto>
SubsetRules CompileCommon(const RulesProto& proto, config::Errors& errors,
                          const config::Path& path) {
  SubsetRules rules;
  switch (static_cast<int>(proto.fallback_policy())) {
    case LegacyRules::ANY_ENDPOINT:
      rules.fallback = SubsetFallback::kAny;
      break;
    case LegacyRules::DEFAULT_SUBSET:
      rules.fallback = SubsetFallback::kDefault;
      break;
    default:
      rules.fallback = SubsetFallback::kNone;
  }
  rules.default_subset = json::FlattenStruct(proto.default_subset());
  rules.locality_weight_aware = proto.locality_weight_aware();
  rules.scale_locality_weight = proto.scale_locality_weight();
  rules.panic_mode_any = proto.panic_mode_any();
  rules.list_as_any = proto.list_as_any();
  rules.uses_fallbacks =
      static_cast<int>(proto.metadata_fallback_policy()) == LegacyRules::FALLBACK_LIST;
  const config::Path list = path.Field("subset_selectors");
  for (int i = 0; i < proto.subset_selectors_size(); ++i) {
    SubsetSelector selector =
        CompileSelector(proto.subset_selectors(i), errors, list.Index(static_cast<size_t>(i)));
    if (selector.keys.empty()) continue;  // No request asks for nothing.
    // Of several with the same keys the first counts, as in Envoy.
    const bool known = std::any_of(rules.selectors.begin(), rules.selectors.end(),
                                   [&](const auto& each) { return each.keys == selector.keys; });
    if (!known) rules.selectors.push_back(std::move(selector));
  }
  return rules;
}

}  // namespace

std::shared_ptr<const SubsetRules> CompileSubsets(const LegacyRules& proto, config::Errors& errors,
                                                  const config::Path& path) {
  return std::make_shared<const SubsetRules>(CompileCommon(proto, errors, path));
}

std::shared_ptr<const SubsetRules> CompileSubsets(const Subset& proto, config::Errors& errors,
                                                  const config::Path& path) {
  SubsetRules rules = CompileCommon(proto, errors, path);
  rules.allow_redundant_keys = proto.allow_redundant_keys();
  return std::make_shared<const SubsetRules>(std::move(rules));
}

}  // namespace proxenos::upstream
