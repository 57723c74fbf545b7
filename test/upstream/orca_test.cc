// What hosts report of themselves: names of metrics, the weights that follow, sums for load
// reports.
#include <map>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/load_metrics.h"
#include "source/upstream/orca_rules.h"
#include "source/upstream/orca_sink.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;

OrcaReport Report() {
  OrcaReport report;
  report.cpu_utilization = 0.5;
  report.mem_utilization = 0.25;
  report.rps_fractional = 1000;
  report.eps = 100;
  report.entries = {{OrcaReport::Map::kNamedMetrics, "queue", 7},
                    {OrcaReport::Map::kNamedMetrics, "lag", 3},
                    {OrcaReport::Map::kUtilization, "disk", 0.8},
                    {OrcaReport::Map::kRequestCost, "queue", 9}};
  return report;
}

std::map<std::string, double> Visited(const std::string& name) {
  std::map<std::string, double> visited;
  OrcaMetric::Named(name)->Visit(Report(), [&visited](absl::string_view metric, double value) {
    visited[std::string(metric)] = value;
  });
  return visited;
}

TEST(OrcaMetricTest, NamesWhatReportsHave) {
  using Values = std::map<std::string, double>;
  EXPECT_EQ(Visited("cpu_utilization"), (Values{{"cpu_utilization", 0.5}}));
  EXPECT_EQ(Visited("application_utilization"), (Values{{"application_utilization", 0}}))
      << "what was not told is 0";
  EXPECT_EQ(Visited("eps"), (Values{{"eps", 100}}));
  EXPECT_EQ(Visited("named_metrics.queue"), (Values{{"named_metrics.queue", 7}}));
  EXPECT_EQ(Visited("named_metrics.*"),
            (Values{{"named_metrics.lag", 3}, {"named_metrics.queue", 7}}));
  EXPECT_EQ(Visited("utilization.disk"), (Values{{"utilization.disk", 0.8}}));
  EXPECT_EQ(Visited("request_cost.queue"), (Values{{"request_cost.queue", 9}}));
  EXPECT_EQ(Visited("utilization.queue"), Values());
}

TEST(OrcaMetricTest, OtherNamesAreNone) {
  for (const char* name : {"", "cpu", "rps", "named_metrics", "named_metrics.", "other.x", "*"}) {
    EXPECT_FALSE(OrcaMetric::Named(name).has_value()) << name;
  }
}

TEST(OrcaWeightingTest, RequestsByUtilizationAndErrors) {
  OrcaWeighting weighting;
  weighting.error_penalty = 0;
  EXPECT_DOUBLE_EQ(*weighting.WeightOf(Report()), 2000) << "cpu_utilization, as there is no other";
  weighting.error_penalty = 2;
  EXPECT_DOUBLE_EQ(*weighting.WeightOf(Report()), 1000 / 0.7);
  OrcaReport report = Report();
  report.application_utilization = 0.1;
  EXPECT_DOUBLE_EQ(*weighting.WeightOf(report), 1000 / 0.3) << "it comes before that of the CPU";
  weighting.utilization.push_back(*OrcaMetric::Named("named_metrics.none"));
  EXPECT_DOUBLE_EQ(*weighting.WeightOf(report), 1000 / 0.3);
  weighting.utilization.push_back(*OrcaMetric::Named("utilization.*"));
  weighting.utilization.push_back(*OrcaMetric::Named("mem_utilization"));
  EXPECT_DOUBLE_EQ(*weighting.WeightOf(report), 1000.0) << "the greatest that is named comes first";
}

TEST(OrcaWeightingTest, WhatSaysNothing) {
  OrcaWeighting weighting;
  OrcaReport report;
  EXPECT_FALSE(weighting.WeightOf(report).has_value());
  report.cpu_utilization = 0.5;
  EXPECT_FALSE(weighting.WeightOf(report).has_value()) << "no requests";
  report.cpu_utilization = 0;
  report.rps_fractional = 5;
  EXPECT_FALSE(weighting.WeightOf(report).has_value()) << "no utilization";
}

TEST(OrcaWeightingTest, StaysWithinLimits) {
  OrcaWeighting weighting;
  OrcaReport report;
  report.rps_fractional = 1e300;
  report.cpu_utilization = 1e-300;
  EXPECT_EQ(*weighting.WeightOf(report), static_cast<double>(UINT32_MAX));
  report.rps_fractional = 1e-300;
  report.eps = 1e300;
  EXPECT_EQ(*weighting.WeightOf(report), 1);
}

OrcaRules Weighted() {
  OrcaRules rules;
  rules.weighting.emplace();
  return rules;
}

TEST(OrcaSinkTest, AWeightCountsAfterTheBlackout) {
  const OrcaRules rules = Weighted();
  OrcaSink sink(rules, nullptr);
  EXPECT_FALSE(sink.WeightOf(1, 1000 * kSecond).has_value());
  sink.Take(1, Report(), 1000 * kSecond);
  EXPECT_FALSE(sink.WeightOf(1, 1010 * kSecond - 1).has_value());
  EXPECT_TRUE(sink.WeightOf(1, 1010 * kSecond).has_value());
  EXPECT_FALSE(sink.WeightOf(2, 1010 * kSecond).has_value());
  OrcaReport report = Report();
  report.rps_fractional = 0;
  sink.Take(1, report, 1011 * kSecond);
  EXPECT_TRUE(sink.WeightOf(1, 1011 * kSecond).has_value()) << "the last that said something";
}

TEST(OrcaSinkTest, AWeightExpiresAndHasToComeForAWhileAgain) {
  const OrcaRules rules = Weighted();
  OrcaSink sink(rules, nullptr);
  sink.Take(1, Report(), 1000 * kSecond);
  EXPECT_TRUE(sink.WeightOf(1, 1180 * kSecond).has_value());
  EXPECT_FALSE(sink.WeightOf(1, 1180 * kSecond + 1).has_value());
  sink.Take(1, Report(), 1200 * kSecond);
  EXPECT_FALSE(sink.WeightOf(1, 1209 * kSecond).has_value());
  EXPECT_TRUE(sink.WeightOf(1, 1210 * kSecond).has_value());
}

TEST(OrcaSinkTest, ForgetsHostsThatLeft) {
  const OrcaRules rules = Weighted();
  OrcaSink sink(rules, nullptr);
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  const auto hosts = BuildHostSet(config, testing::Of({testing::At("10.0.0.1")}), nullptr).hosts;
  const uint64_t stays = hosts->host(0).id();
  sink.Take(stays, Report(), 1000 * kSecond);
  sink.Take(stays + 1, Report(), 1000 * kSecond);
  sink.Keep(*hosts);
  EXPECT_TRUE(sink.WeightOf(stays, 1020 * kSecond).has_value());
  EXPECT_FALSE(sink.WeightOf(stays + 1, 1020 * kSecond).has_value());
}

// Two workers read what the main thread was told; responses add what requests cost, and no more.
TEST(OrcaSinkTest, OutOfBand) {
  OrcaRules rules = Weighted();
  OrcaOutOfBand out_of_band;
  out_of_band.weights = std::make_shared<const HostWeights>();
  const HostWeights& weights = *out_of_band.weights;
  rules.weighting->out_of_band = std::make_shared<const OrcaOutOfBand>(std::move(out_of_band));
  rules.reported.push_back(*OrcaMetric::Named("request_cost.queue"));
  rules.reported.push_back(*OrcaMetric::Named("eps"));
  const LoadMetrics metrics;
  OrcaSink one(rules, &metrics), two(rules, &metrics);
  one.Take(1, Report(), 1000 * kSecond);
  EXPECT_FALSE(one.WeightOf(1, 1020 * kSecond).has_value());
  weights.Set(1, 7, 1020 * kSecond);
  EXPECT_FALSE(one.WeightOf(1, 1029 * kSecond).has_value());
  EXPECT_EQ(one.WeightOf(1, 1030 * kSecond), 7);
  EXPECT_EQ(two.WeightOf(1, 1030 * kSecond), 7);
  EXPECT_FALSE(two.WeightOf(1, 1300 * kSecond).has_value());
  auto taken = metrics.Take();
  ASSERT_EQ(taken[1].size(), 1u);
  EXPECT_EQ(taken[1]["request_cost.queue"].total, 9);
}

TEST(LoadMetricsTest, SumsOfAllWorkersAreTakenOnce) {
  OrcaRules rules;
  rules.reported.push_back(*OrcaMetric::Named("named_metrics.queue"));
  rules.reported.push_back(*OrcaMetric::Named("cpu_utilization"));
  const LoadMetrics metrics;
  auto first = std::make_unique<OrcaSink>(rules, &metrics);
  OrcaSink second(rules, &metrics);
  first->Take(1, Report(), 1000 * kSecond);
  second.Take(1, Report(), 1000 * kSecond);
  second.Take(2, OrcaReport(), 1000 * kSecond);
  first.reset();  // A worker may let go before anybody asks.
  auto taken = metrics.Take();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[1]["named_metrics.queue"].requests, 2u);
  EXPECT_EQ(taken[1]["named_metrics.queue"].total, 14);
  EXPECT_EQ(taken[1]["cpu_utilization"].total, 1);
  EXPECT_EQ(taken[2].size(), 1u);
  EXPECT_EQ(taken[2]["cpu_utilization"].requests, 1u);
  EXPECT_TRUE(metrics.Take().empty());
  second.Take(3, Report(), 1000 * kSecond);
  EXPECT_EQ(metrics.Take().size(), 1u);
}

TEST(LoadMetricsTest, NamesHaveALimit) {
  const LoadMetrics metrics;
  const auto part = metrics.AddPart();
  for (uint64_t host = 0; host < 200; ++host) {
    for (size_t i = 0; i < LoadMetrics::kMaxNamesPerHost + 5; ++i) {
      part->Add(host, std::to_string(i), 1);
    }
  }
  size_t names = 0;
  const auto taken = metrics.Take();
  for (const auto& [host, sums] : taken) {
    EXPECT_LE(sums.size(), LoadMetrics::kMaxNamesPerHost);
    names += sums.size();
  }
  EXPECT_EQ(names, LoadMetrics::kMaxNames);
  // Nor do hosts that nothing is kept of take any room.
  EXPECT_EQ(taken.size(), LoadMetrics::kMaxNames / LoadMetrics::kMaxNamesPerHost);
  part->Add(1, "again", 1);
  EXPECT_EQ(metrics.Take().size(), 1u) << "a report makes room";
}

}  // namespace
}  // namespace proxenos::upstream
