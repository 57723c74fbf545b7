// Taking names apart by rules: what a regular expression takes out, what the defaults do beside it,
// and the same in Prometheus's text.
#include "source/stats/tag_rules.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/http_stats.h"
#include "source/stats/registry.h"
#include "source/stats/render.h"

namespace proxenos::stats {
namespace {

// The stat of that name in a scope.
TaggedStat Take(const TagRules& rules, const ScopeName& scope, absl::string_view name) {
  Stat stat;
  stat.name = stat.family = name;
  return rules.Take(scope, stat);
}

TagRules WithRegex(absl::string_view tag, absl::string_view pattern) {
  TagRules rules;
  const absl::Status added = rules.AddRegex(tag, pattern);
  EXPECT_TRUE(added.ok()) << added.message();
  return rules;
}

TEST(TagRulesTest, DefaultsAreTheScopesAndTheCodes) {
  const TagRules rules;
  EXPECT_TRUE(rules.plain());
  Stat stat;
  stat.name = "upstream_rq_503";
  stat.family = "upstream_rq";
  stat.tag = "envoy.response_code";
  stat.tag_value = "503";
  const TaggedStat code = rules.Take(ClusterScope("a.b"), stat);
  EXPECT_EQ(code.family, "cluster.upstream_rq");
  EXPECT_EQ(code.tags,
            (std::vector<Tag>{{"envoy.response_code", "503"}, {"envoy.cluster_name", "a.b"}}));
  stat.name = "upstream_rq_5xx";
  stat.family = "upstream_rq_xx";
  stat.tag = "envoy.response_code_class";
  stat.tag_value = "5";
  const TaggedStat of_class = rules.Take(ClusterScope("a"), stat);
  EXPECT_EQ(of_class.family, "cluster.upstream_rq_xx");
  EXPECT_EQ(Take(rules, ListenerWorkerScope("l", 3), "x").family, "listener.worker.x");
  EXPECT_EQ(Take(rules, ListenerHttpScope("l", "h"), "x").family, "listener.http.x");
  EXPECT_EQ(Take(rules, ClusterTlsAgreementScope("c", TlsAgreement::kCipher, "AES"), "").family,
            "cluster.ssl.ciphers");
}

TEST(TagRulesTest, TwoTagsMayStandInOnePlace) {
  static constexpr ScopeShape kMethod{"grpc.$.", "grpc.", {"service method"}};
  const TagRules rules;
  const TaggedStat stat = Take(rules, ScopeName(kMethod, {"a.b.C"}), "total");
  EXPECT_EQ(stat.family, "grpc.total");
  EXPECT_EQ(stat.tags, (std::vector<Tag>{{"method", "C"}, {"service", "a.b"}}));
  EXPECT_EQ(Take(rules, ScopeName(kMethod, {"alone"}), "total").tags,
            (std::vector<Tag>{{"service", "alone"}}));
}

TEST(TagRulesTest, TheFirstGroupGoesAndTheSecondIsTheValue) {
  const TagRules rules = WithRegex("priority", R"(circuit_breakers\.((.+?)\.).+)");
  const TaggedStat taken = Take(rules, CircuitBreakerScope("c"), "cx_open");
  EXPECT_EQ(taken.family, "cluster.circuit_breakers.cx_open");
  EXPECT_EQ(taken.tags, (std::vector<Tag>{{"priority", "default"}, {"envoy.cluster_name", "c"}}));
  EXPECT_TRUE(rules.MayConcern("cluster.c.circuit_breakers.default.cx_open"));
  EXPECT_FALSE(rules.MayConcern("cluster.c.upstream_rq_total"));
}

TEST(TagRulesTest, ASingleGroupIsBoth) {
  const TaggedStat taken =
      Take(WithRegex("shadow", R"((\.shadow_allowed))"), HttpScope("h"), "rbac.shadow_allowed");
  EXPECT_EQ(taken.family, "http.rbac");
  EXPECT_EQ(taken.tags[0], (Tag{"shadow", ".shadow_allowed"}));
}

TEST(TagRulesTest, OwnTagsTakeThePlaceOfDefaultsOfThatName) {
  const TaggedStat taken = Take(WithRegex("envoy.cluster_name", R"(^cluster\.((.+?)_blue\.))"),
                                ClusterScope("x_blue"), "n");
  EXPECT_EQ(taken.family, "cluster.n");
  EXPECT_EQ(taken.tags, (std::vector<Tag>{{"envoy.cluster_name", "x"}}));
}

TEST(TagRulesTest, WithoutDefaultsNamesStayWhole) {
  TagRules rules;
  rules.ShowDefaults(false);
  EXPECT_FALSE(rules.plain());
  EXPECT_EQ(Take(rules, ClusterScope("c"), "n").family, "cluster.c.n");
  EXPECT_TRUE(rules.ShowDefault("envoy.cluster_name").ok());
  EXPECT_EQ(Take(rules, ClusterScope("c"), "n").family, "cluster.n");
  EXPECT_FALSE(rules.ShowDefault("envoy.no_such_tag").ok());
}

TEST(TagRulesTest, ALookaheadOfOneCharacterIsUnderstood) {
  const TagRules rules = WithRegex("prefix", R"(^listener(?=\.).*?\.http\.(((?:[a-z]*))\.))");
  EXPECT_EQ(Take(rules, ListenerHttpScope("addr", "web"), "x").tags[0], (Tag{"prefix", "web"}));
  // The dot looked at may be that of ".http" itself.
  EXPECT_EQ(
      Take(WithRegex("p", R"(^listener(?=\.).*?\.(http)\.)"), ListenerHttpScope("a", "b"), "x")
          .tags[0],
      (Tag{"p", "http"}));
  TagRules none;
  EXPECT_FALSE(none.AddRegex("p", R"(^listener(?!\.).*(x))").ok());
}

TEST(TagRulesTest, WhatCannotBeARule) {
  TagRules rules;
  EXPECT_FALSE(rules.AddRegex("a", "((").ok());
  EXPECT_FALSE(rules.AddRegex("a", "no group").ok());
  for (size_t i = 0; i < TagRules::kMaxRules; ++i) EXPECT_TRUE(rules.AddRegex("a", "(x)").ok());
  EXPECT_FALSE(rules.AddRegex("a", "(x)").ok());
}

TEST(TagRulesTest, EveryMatchHasTheLiteralThatIsLookedForFirst) {
  // Alternatives, optional parts, classes and repetitions have none that could be relied on.
  for (const char* pattern :
       {R"(abc|(cluster))", R"(clusterx?(\.))", R"(clusterz*(\.))", R"([xyz]luster|(c))",
        R"(cluste[r](\.))", R"(cluster\d{0,2}(\.))", R"(cluster(?:zzz)?(\.))"}) {
    EXPECT_FALSE(Take(WithRegex("t", pattern), ClusterScope("c"), "n").tags.size() < 2) << pattern;
  }
}

TEST(TagRulesTest, LongNamesKeepTheDefaults) {
  const std::string longest(TagRules::kMaxNameBytes, 'c');
  const TaggedStat taken = Take(WithRegex("t", "(c+)"), ClusterScope(longest), "n");
  EXPECT_EQ(taken.family, "cluster.n");
  EXPECT_EQ(taken.tags.size(), 1u);
}

TEST(TagRulesTest, PrometheusShowsFamiliesTogether) {
  Registry registry;
  auto a = registry.Open<CircuitBreakerStats>(CircuitBreakerScope("a"));
  auto b = registry.Open<CircuitBreakerStats>(HighCircuitBreakerScope("a"));
  a->cx_open.Set(1);
  b->cx_open.Set(0);
  TagRules rules = WithRegex("priority", R"(circuit_breakers\.((.+?)\.).+)");
  rules.AddFixed("zone", "z");
  PrometheusOptions options;
  options.tags = &rules;
  const std::string page = RenderPrometheus(registry.Read(), options);
  EXPECT_TRUE(absl::StrContains(
      page,
      "# TYPE envoy_cluster_circuit_breakers_cx_open gauge\n"
      "envoy_cluster_circuit_breakers_cx_open{priority=\"default\",envoy_cluster_name=\"a\",zone="
      "\"z\"} 1\n"
      "envoy_cluster_circuit_breakers_cx_open{priority=\"high\",envoy_cluster_name=\"a\",zone="
      "\"z\"} 0\n"))
      << page;
  EXPECT_FALSE(absl::StrContains(page, "breakers_default"));
}

}  // namespace
}  // namespace proxenos::stats
