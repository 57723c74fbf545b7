// Readings as OpenTelemetry's messages, read back field by field.
#include "source/stat_sinks/otlp_metrics.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/rpc/wire.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/registry.h"

namespace proxenos::stat_sinks {
namespace {

using rpc::WireReader;

constexpr base::WallTime kStart = 1'000'000;
constexpr base::WallTime kNow = 3'000'000;

// The bytes of the first field of that number; empty when there is none.
std::string Field(absl::string_view message, uint32_t number) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == number) return std::string(reader.bytes());
  }
  return "";
}

uint64_t Number(absl::string_view message, uint32_t number) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == number) return reader.number();
  }
  return 0;
}

// The metrics of a message by name.
std::map<std::string, std::string> MetricsOf(const std::string& message) {
  std::map<std::string, std::string> metrics;
  const std::string scope = Field(Field(message, 1), 2);
  WireReader reader(scope);
  while (reader.Next()) {
    if (reader.field() == 2) metrics[Field(reader.bytes(), 1)] = std::string(reader.bytes());
  }
  return metrics;
}

class OtlpMetricsTest : public ::testing::Test {
 protected:
  OtlpMetricsTest() {
    cluster_->upstream_rq_total.Add(7);
    cluster_->upstream_cx_active.Set(2);
    cluster_->upstream_rq_time.Record(3);
    cluster_->upstream_rq_time.Record(700);
  }

  std::vector<std::string> Encode(OtlpMetrics& metrics, base::WallTime now = kNow) {
    return metrics.Encode(registry_.Read(), now);
  }
  std::map<std::string, std::string> Only(const OtlpOptions& options) {
    OtlpMetrics metrics(options, stats::StatView::Plain(), kStart);
    const std::vector<std::string> messages = Encode(metrics);
    EXPECT_EQ(messages.size(), 1u);
    return MetricsOf(messages.front());
  }

  stats::Registry registry_;
  stats::Group<stats::ClusterStats> cluster_ =
      registry_.Open<stats::ClusterStats>(stats::ClusterScope("a.b"));
};

TEST_F(OtlpMetricsTest, ACounterIsASum) {
  auto metrics = Only({});
  const std::string sum = Field(metrics.at("cluster.upstream_rq_total"), 7);
  EXPECT_EQ(Number(sum, 2), 2u);  // Cumulative,
  EXPECT_EQ(Number(sum, 3), 1u);  // and only growing.
  const std::string point = Field(sum, 1);
  EXPECT_EQ(Number(point, 2), 1'000'000'000u);
  EXPECT_EQ(Number(point, 3), 3'000'000'000u);
  EXPECT_EQ(Number(point, 6), 7u);
  const std::string attribute = Field(point, 7);
  EXPECT_EQ(Field(attribute, 1), "envoy.cluster_name");
  EXPECT_EQ(Field(Field(attribute, 2), 1), "a.b");
}

TEST_F(OtlpMetricsTest, AGaugeIsAGauge) {
  auto metrics = Only({});
  const std::string point = Field(Field(metrics.at("cluster.upstream_cx_active"), 5), 1);
  EXPECT_EQ(Number(point, 6), 2u);
}

TEST_F(OtlpMetricsTest, AHistogramHasBoundsAndOneCountMore) {
  auto metrics = Only({});
  const std::string histogram = Field(metrics.at("cluster.upstream_rq_time"), 9);
  EXPECT_EQ(Number(histogram, 2), 2u);
  const std::string point = Field(histogram, 1);
  EXPECT_EQ(Number(point, 4), 2u);
  EXPECT_EQ(Field(point, 6).size(), Field(point, 7).size() + 8);
}

TEST_F(OtlpMetricsTest, WhatWasNeverUsedIsLeftOut) {
  EXPECT_FALSE(Only({}).contains("cluster.upstream_rq_cancelled"));
}

TEST_F(OtlpMetricsTest, DeltasAreWhatCameSince) {
  OtlpMetrics metrics({.counters_as_deltas = true}, stats::StatView::Plain(), kStart);
  const auto count = [](const std::string& message) {
    const std::string sum = Field(MetricsOf(message).at("cluster.upstream_rq_total"), 7);
    EXPECT_EQ(Number(sum, 2), 1u);
    return Number(Field(sum, 1), 6);
  };
  EXPECT_EQ(count(Encode(metrics).front()), 7u);
  cluster_->upstream_rq_total.Add(2);
  const std::string second = Encode(metrics, kNow + 1'000'000).front();
  EXPECT_EQ(count(second), 2u);
  const std::string sum = Field(MetricsOf(second).at("cluster.upstream_rq_total"), 7);
  EXPECT_EQ(Number(Field(sum, 1), 2), 3'000'000'000u);  // Since the last ones.
  EXPECT_EQ(count(Encode(metrics).front()), 0u);
}

TEST_F(OtlpMetricsTest, NamesAndAttributesAsAskedFor) {
  auto metrics = Only({.tags_as_attributes = false, .short_names = false, .prefix = "edge."});
  const std::string point = Field(Field(metrics.at("edge.cluster.a.b.upstream_rq_total"), 7), 1);
  EXPECT_EQ(Field(point, 7), "");
}

TEST_F(OtlpMetricsTest, TheResourceIsNamed) {
  OtlpMetrics metrics({.resource = {{"service.name", "edge"}}}, stats::StatView::Plain(), kStart);
  const std::string resource = Field(Field(Encode(metrics).front(), 1), 1);
  EXPECT_EQ(Field(Field(resource, 1), 1), "service.name");
}

TEST_F(OtlpMetricsTest, MessagesHaveALimitOfPoints) {
  OtlpMetrics metrics({.max_points = 1}, stats::StatView::Plain(), kStart);
  const auto messages = Encode(metrics);
  EXPECT_EQ(messages.size(), 3u);
  for (const std::string& message : messages) EXPECT_EQ(MetricsOf(message).size(), 1u);
}

TEST_F(OtlpMetricsTest, MessagesHaveALimitOfBytes) {
  std::vector<stats::Group<stats::ClusterStats>> many;
  for (int i = 0; i < 15000; ++i) {
    many.push_back(registry_.Open<stats::ClusterStats>(
        stats::ClusterScope(absl::StrCat("cluster_with_a_long_name_that_takes_room_", i))));
    many.back()->upstream_rq_total.Inc();
  }
  OtlpMetrics metrics({}, stats::StatView::Plain(), kStart);
  const auto messages = Encode(metrics);
  EXPECT_GT(messages.size(), 1u);
  for (const std::string& message : messages) {
    EXPECT_LT(message.size(), OtlpMetrics::kMessageBytes + 4096);
  }
}

TEST_F(OtlpMetricsTest, StatsThatDoNotExistAreNotSent) {
  stats::StatView view;
  view.exists = [](absl::string_view name) { return absl::EndsWith(name, "_active"); };
  OtlpMetrics metrics({}, view, kStart);
  EXPECT_EQ(MetricsOf(Encode(metrics).front()).size(), 1u);
}

}  // namespace
}  // namespace proxenos::stat_sinks
