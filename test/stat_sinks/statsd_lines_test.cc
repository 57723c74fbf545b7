// Readings as lines, in each form.
#include "source/stat_sinks/statsd_lines.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/registry.h"

namespace proxenos::stat_sinks {
namespace {

class StatsdLinesTest : public ::testing::Test {
 protected:
  std::set<std::string> Encode(StatsdLines& lines) {
    std::set<std::string> all;
    lines.Encode(registry_.Read(), [&all](absl::string_view line) { all.emplace(line); });
    return all;
  }
  std::set<std::string> Only(StatsdForm form,
                             const stats::StatView& view = stats::StatView::Plain()) {
    StatsdLines lines(form, "edge", view);
    return Encode(lines);
  }

  stats::Registry registry_;
  stats::Group<stats::ClusterStats> cluster_ =
      registry_.Open<stats::ClusterStats>(stats::ClusterScope("a|b"));
};

TEST_F(StatsdLinesTest, PlainNamesAreWholeAndHarmless) {
  cluster_->upstream_rq_total.Add(7);
  cluster_->upstream_cx_active.Set(2);
  cluster_->upstream_rq.Inc(503);
  EXPECT_EQ(Only(StatsdForm::kPlain),
            (std::set<std::string>{
                "edge.cluster.a_b.upstream_rq_total:7|c", "edge.cluster.a_b.upstream_cx_active:2|g",
                "edge.cluster.a_b.upstream_rq_503:1|c", "edge.cluster.a_b.upstream_rq_5xx:1|c",
                "edge.cluster.a_b.upstream_rq_completed:1|c"}));
}

TEST_F(StatsdLinesTest, TagsStandBehindTheTypeOrInTheName) {
  cluster_->upstream_rq_total.Add(7);
  EXPECT_EQ(Only(StatsdForm::kDog),
            (std::set<std::string>{"edge.cluster.upstream_rq_total:7|c|#envoy.cluster_name:a_b"}));
  EXPECT_EQ(Only(StatsdForm::kGraphite),
            (std::set<std::string>{"edge.cluster.upstream_rq_total;envoy.cluster_name=a_b:7|c"}));
}

TEST_F(StatsdLinesTest, FixedTagsFollow) {
  stats::StatView view;
  view.tags.AddFixed("site", "a,b:c");
  cluster_->upstream_rq_total.Add(1);
  EXPECT_EQ(Only(StatsdForm::kDog, view),
            (std::set<std::string>{
                "edge.cluster.upstream_rq_total:1|c|#envoy.cluster_name:a_b,site:a_b:c"}));
}

TEST_F(StatsdLinesTest, WhatTheMatcherLeavesOutIsNotSent) {
  stats::StatView view;
  view.exists = [](absl::string_view name) { return name == "cluster.a|b.upstream_cx_total"; };
  cluster_->upstream_rq_total.Add(1);
  cluster_->upstream_cx_total.Add(1);
  EXPECT_EQ(Only(StatsdForm::kPlain, view),
            (std::set<std::string>{"edge.cluster.a_b.upstream_cx_total:1|c"}));
}

TEST_F(StatsdLinesTest, CountersAreWhatCameSince) {
  StatsdLines lines(StatsdForm::kPlain, "edge", stats::StatView::Plain());
  cluster_->upstream_rq_total.Add(7);
  EXPECT_TRUE(Encode(lines).contains("edge.cluster.a_b.upstream_rq_total:7|c"));
  EXPECT_TRUE(Encode(lines).contains("edge.cluster.a_b.upstream_rq_total:0|c"));
  cluster_->upstream_rq_total.Add(2);
  EXPECT_TRUE(Encode(lines).contains("edge.cluster.a_b.upstream_rq_total:2|c"));
}

TEST_F(StatsdLinesTest, AHistogramIsItsIntervalsBuckets) {
  for (int i = 0; i < 4; ++i) cluster_->upstream_rq_time.Record(3);
  cluster_->upstream_rq_time.Record(40);
  registry_.FlushIntervals();
  EXPECT_EQ(
      Only(StatsdForm::kDog),
      (std::set<std::string>{"edge.cluster.upstream_rq_time:3|ms|@0.25|#envoy.cluster_name:a_b",
                             "edge.cluster.upstream_rq_time:40|ms|#envoy.cluster_name:a_b"}));
  registry_.FlushIntervals();
  EXPECT_TRUE(Only(StatsdForm::kDog).empty());
}

TEST_F(StatsdLinesTest, AMillionValuesAreFewLines) {
  for (uint64_t i = 0; i < 1'000'000; ++i) cluster_->upstream_rq_time.Record(i);
  registry_.FlushIntervals();
  EXPECT_LT(Only(StatsdForm::kPlain).size(), 600u);
}

}  // namespace
}  // namespace proxenos::stat_sinks
