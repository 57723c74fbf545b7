// Readings as messages of the metrics service, read back by its own classes.
#include "source/stat_sinks/metrics_messages.h"

#include <string>
#include <utility>
#include <vector>

#include "envoy/service/metrics/v3/metrics_service.pb.h"
#include "gtest/gtest.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/registry.h"

namespace proxenos::stat_sinks {
namespace {

using envoy::service::metrics::v3::StreamMetricsMessage;
using Family = io::prometheus::client::MetricFamily;

constexpr base::WallTime kNow = 3'000'000;

class MetricsMessagesTest : public ::testing::Test {
 protected:
  std::vector<Family> Encode(MetricsMessages& messages) {
    std::vector<Family> families;
    for (const std::string& bytes : messages.Encode(registry_.Read(), kNow)) {
      StreamMetricsMessage message;
      EXPECT_TRUE(message.ParseFromString(bytes));
      for (const Family& family : message.envoy_metrics()) families.push_back(family);
    }
    return families;
  }
  std::vector<Family> Only(MetricsOptions options,
                           const stats::StatView& view = stats::StatView::Plain()) {
    MetricsMessages messages(options, view);
    return Encode(messages);
  }

  stats::Registry registry_;
  stats::Group<stats::ClusterStats> cluster_ =
      registry_.Open<stats::ClusterStats>(stats::ClusterScope("a.b"));
};

TEST_F(MetricsMessagesTest, ACounterHasItsFullName) {
  cluster_->upstream_rq_total.Add(7);
  const std::vector<Family> families = Only({});
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].name(), "cluster.a.b.upstream_rq_total");
  EXPECT_EQ(families[0].type(), io::prometheus::client::COUNTER);
  ASSERT_EQ(families[0].metric_size(), 1);
  EXPECT_EQ(families[0].metric(0).counter().value(), 7);
  EXPECT_EQ(families[0].metric(0).timestamp_ms(), 3000);
  EXPECT_EQ(families[0].metric(0).label_size(), 0);
}

TEST_F(MetricsMessagesTest, TagsAreLabelsWhereThatIsAskedFor) {
  stats::StatView view;
  view.tags.AddFixed("site", "lab");
  cluster_->upstream_cx_active.Set(3);
  const std::vector<Family> families = Only({.tags_as_labels = true}, view);
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].name(), "cluster.upstream_cx_active");
  EXPECT_EQ(families[0].type(), io::prometheus::client::GAUGE);
  const auto& metric = families[0].metric(0);
  EXPECT_EQ(metric.gauge().value(), 3);
  ASSERT_EQ(metric.label_size(), 2);
  EXPECT_EQ(metric.label(0).name(), "envoy.cluster_name");
  EXPECT_EQ(metric.label(0).value(), "a.b");
  EXPECT_EQ(metric.label(1).value(), "lab");
}

TEST_F(MetricsMessagesTest, DeltasAreWhatCameSince) {
  MetricsMessages messages({.counters_as_deltas = true}, stats::StatView::Plain());
  cluster_->upstream_rq_total.Add(7);
  EXPECT_EQ(Encode(messages)[0].metric(0).counter().value(), 7);
  cluster_->upstream_rq_total.Add(2);
  EXPECT_EQ(Encode(messages)[0].metric(0).counter().value(), 2);
}

TEST_F(MetricsMessagesTest, AHistogramIsASummaryAndAHistogramOfTheInterval) {
  cluster_->upstream_rq_time.Record(3);
  cluster_->upstream_rq_time.Record(700);
  registry_.FlushIntervals();
  const std::vector<Family> families = Only({});
  ASSERT_EQ(families.size(), 2u);
  EXPECT_EQ(families[0].type(), io::prometheus::client::SUMMARY);
  const auto& summary = families[0].metric(0).summary();
  EXPECT_EQ(summary.sample_count(), 2u);
  EXPECT_EQ(summary.quantile_size(), 10);
  EXPECT_EQ(summary.quantile(2).quantile(), 0.5);
  EXPECT_EQ(summary.quantile(2).value(), 3);
  EXPECT_EQ(families[1].type(), io::prometheus::client::HISTOGRAM);
  const auto& histogram = families[1].metric(0).histogram();
  EXPECT_EQ(histogram.sample_count(), 2u);
  EXPECT_EQ(histogram.bucket_size(), 19);
  EXPECT_EQ(histogram.bucket(2).upper_bound(), 5);
  EXPECT_EQ(histogram.bucket(2).cumulative_count(), 1u);
}

TEST_F(MetricsMessagesTest, OneKindOfHistogramAlone) {
  cluster_->upstream_rq_time.Record(3);
  std::vector<Family> families = Only({.histograms = false});
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].type(), io::prometheus::client::SUMMARY);
  families = Only({.summaries = false});
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].type(), io::prometheus::client::HISTOGRAM);
}

TEST_F(MetricsMessagesTest, ABatchHasSoManyFamilies) {
  cluster_->upstream_rq_total.Inc();
  cluster_->upstream_cx_total.Inc();
  cluster_->upstream_cx_active.Set(1);
  MetricsMessages messages({.batch_size = 2}, stats::StatView::Plain());
  EXPECT_EQ(messages.Encode(registry_.Read(), kNow).size(), 2u);
}

TEST_F(MetricsMessagesTest, ALargeReadingIsSeveralMessages) {
  std::vector<stats::Group<stats::ClusterStats>> many;
  for (int i = 0; i < 12'000; ++i) {
    many.push_back(registry_.Open<stats::ClusterStats>(
        stats::ClusterScope(std::string(100, 'x') + std::to_string(i))));
    many.back()->upstream_rq_total.Inc();
  }
  MetricsMessages messages({}, stats::StatView::Plain());
  const std::vector<std::string> all = messages.Encode(registry_.Read(), kNow);
  EXPECT_GT(all.size(), 1u);
  for (const std::string& message : all)
    EXPECT_LT(message.size(), MetricsMessages::kMessageBytes + 1000);
}

}  // namespace
}  // namespace proxenos::stat_sinks
