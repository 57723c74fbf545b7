// lb_subset_config and the typed policy: what they compile to, and what is refused.
#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/subset_rules.h"

namespace proxenos::upstream {
namespace {

std::string errors_of_last;

std::shared_ptr<const ClusterConfig> Compile(const std::string& yaml) {
  envoy::config::cluster::v3::Cluster proto;
  config::Errors errors;
  config::ParseYaml("name: c\ntype: STATIC\n" + yaml, proto, errors);
  EXPECT_TRUE(errors.ok());
  auto compiled = CompileCluster(proto, errors, config::Path("c"));
  errors_of_last.clear();
  for (const config::Error& error : errors.list()) errors_of_last += error.ToString() + "\n";
  return compiled;
}

void ExpectError(const std::string& yaml, const std::string& part) {
  EXPECT_EQ(Compile(yaml), nullptr);
  EXPECT_NE(errors_of_last.find(part), std::string::npos) << errors_of_last;
}

std::string Typed(const std::string& name, const std::string& fields) {
  return "{policies: [{typed_extension_config: {name: x, typed_config: {\"@type\": "
         "type.googleapis.com/envoy.extensions.load_balancing_policies." +
         name + (fields.empty() ? "" : ", ") + fields + "}}}]}";
}

TEST(SubsetConfigTest, AllFields) {
  const std::string fields =
      "fallback_policy: DEFAULT_SUBSET, default_subset: {b: x, a: 1}, panic_mode_any: true, "
      "list_as_any: true, scale_locality_weight: true, metadata_fallback_policy: FALLBACK_LIST, "
      "subset_selectors: [{keys: [z, a], fallback_policy: KEYS_SUBSET, fallback_keys_subset: "
      "[z]}, {keys: [q], single_host_per_subset: true, fallback_policy: NO_FALLBACK}, "
      "{keys: [a, z], fallback_policy: ANY_ENDPOINT}, {keys: []}]";
  const auto legacy = Compile("lb_subset_config: {" + fields + "}");
  const auto typed = Compile(
      "load_balancing_policy: " +
      Typed("subset.v3.Subset", "allow_redundant_keys: true, " + fields +
                                    ", subset_lb_policy: " + Typed("random.v3.Random", "")));
  ASSERT_NE(legacy, nullptr);
  ASSERT_NE(typed, nullptr) << errors_of_last;
  EXPECT_EQ(typed->lb_policy, LbPolicy::kRandom);
  EXPECT_FALSE(legacy->subsets->allow_redundant_keys);
  EXPECT_TRUE(typed->subsets->allow_redundant_keys);
  for (const auto& config : {legacy, typed}) {
    const SubsetRules& rules = *config->subsets;
    EXPECT_EQ(rules.fallback, SubsetFallback::kDefault);
    ASSERT_EQ(rules.default_subset.size(), 2u);
    EXPECT_EQ(rules.default_subset[0].first, "a");
    EXPECT_TRUE(rules.panic_mode_any && rules.list_as_any && rules.uses_fallbacks &&
                rules.scale_locality_weight);
    EXPECT_FALSE(rules.locality_weight_aware);
    ASSERT_EQ(rules.selectors.size(), 2u);
    EXPECT_EQ(rules.selectors[0].keys, (std::vector<std::string>{"a", "z"}));
    EXPECT_EQ(rules.selectors[0].fallback, SubsetFallback::kKeys);
    EXPECT_EQ(rules.selectors[0].fallback_keys, std::vector<std::string>{"z"});
    EXPECT_TRUE(rules.selectors[1].single_host);
    EXPECT_EQ(rules.selectors[1].fallback, SubsetFallback::kNone);
  }
}

TEST(SubsetConfigTest, WithoutSelectorsItIsNotThere) {
  const auto config = Compile("lb_subset_config: {fallback_policy: ANY_ENDPOINT}");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->subsets, nullptr);
}

TEST(SubsetConfigTest, WhatIsRefused) {
  const auto selector = [](const std::string& fields) {
    return "lb_subset_config: {subset_selectors: [{" + fields + "}]}";
  };
  for (const char* keys : {"", ", fallback_keys_subset: [a, b]", ", fallback_keys_subset: [c]"}) {
    ExpectError(selector(std::string("keys: [a, b], fallback_policy: KEYS_SUBSET") + keys),
                "c.lb_subset_config.subset_selectors[0].fallback_keys_subset");
  }
  ExpectError("lb_subset_config: {locality_weight_aware: true, subset_selectors: [{keys: [a]}]}",
              "common_lb_config.locality_weighted_lb_config");
  ExpectError(selector("keys: [a]") + "\nload_balancing_policy: " + Typed("random.v3.Random", ""),
              "c.lb_subset_config: cannot stand beside load_balancing_policy");
  const std::string inner =
      Typed("subset.v3.Subset", "subset_lb_policy: " + Typed("random.v3.Random", ""));
  ExpectError("load_balancing_policy: " + Typed("subset.v3.Subset", "subset_lb_policy: " + inner),
              "there are no subsets of subsets");
}

}  // namespace
}  // namespace proxenos::upstream
