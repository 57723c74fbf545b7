// The pages about stats: what each parameter does, and how wrong ones are refused.
#include "source/admin/stats_handler.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "re2/re2.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/registry.h"

namespace proxenos::admin {
namespace {

class StatsHandlerTest : public testing::Test {
 protected:
  StatsHandlerTest() {
    AddStatsEndpoints(table_, registry_);
    cluster_->upstream_rq_total.Add(7);
    cluster_->upstream_cx_active.Inc();
    cluster_->upstream_rq_time.Record(3);
  }

  Response Call(const std::string& path, const std::string& query,
                const std::string& method = "GET") {
    Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.params = Params(query);
    return table_.Serve(request);
  }
  std::string Body(const std::string& path, const std::string& query) {
    const Response response = Call(path, query);
    EXPECT_EQ(response.status, 200) << response.body;
    return response.body;
  }

  stats::Registry registry_;
  stats::Group<stats::ClusterStats> cluster_ =
      registry_.Open<stats::ClusterStats>(stats::ClusterScope("a"));
  EndpointTable table_;
};

TEST_F(StatsHandlerTest, TextIsTheDefault) {
  const Response response = Call("/stats", "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; charset=UTF-8");
  EXPECT_TRUE(absl::StrContains(response.body, "cluster.a.upstream_rq_total: 7\n"));
  EXPECT_EQ(response.body, Body("/stats", "format=text"));
  EXPECT_EQ(response.body, Body("/stats", "format="));
}

TEST_F(StatsHandlerTest, Json) {
  const Response response = Call("/stats", "format=json&filter=rq_total");
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"stats":[{"name":"cluster.a.upstream_rq_total","value":7}]})");
}

TEST_F(StatsHandlerTest, PrometheusByPathOrFormat) {
  const std::string body = Body("/stats/prometheus", "filter=rq_total$");
  EXPECT_EQ(body,
            "# TYPE envoy_cluster_upstream_rq_total counter\n"
            "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"a\"} 7\n");
  EXPECT_EQ(Body("/stats", "format=prometheus&filter=rq_total$"), body);
}

TEST_F(StatsHandlerTest, UsedOnlyTypeAndFilters) {
  EXPECT_EQ(Body("/stats", "usedonly&type=Counters"), "cluster.a.upstream_rq_total: 7\n");
  EXPECT_EQ(Body("/stats", "usedonly&type=Gauges"), "cluster.a.upstream_cx_active: 1\n");
  EXPECT_EQ(Body("/stats", "usedonly&type=Counters&filter=rq&invert_filter"), "");
  EXPECT_EQ(Body("/stats", "usedonly=0&type=All&filter=%5Ecluster%5C.a%5C.upstream_cx"),
            "cluster.a.upstream_cx_active: 1\n");
  EXPECT_TRUE(absl::StrContains(Body("/stats", "type=Histograms"), "No recorded values"));
  EXPECT_EQ(Body("/stats", "usedonly&type=Counters&hidden=include"),
            "cluster.a.upstream_rq_total: 7\n");
  EXPECT_EQ(Body("/stats", "hidden=only"), "") << "none is hidden";
}

// Scopes that a filter cannot match are passed over without a look at their stats: it must not
// show.
TEST_F(StatsHandlerTest, AnchoredFiltersMatchWhatTheyMatchUnanchored) {
  std::vector<stats::Group<stats::ClusterStats>> groups;
  for (const char* name : {"b", "ab", "a.b", "a~", "A", "\xc3\xa4"}) {
    groups.push_back(registry_.Open<stats::ClusterStats>(stats::ClusterScope(name)));
  }
  const std::vector<std::string> lines = absl::StrSplit(Body("/stats", ""), '\n');
  for (const char* pattern :
       {"^cluster.a.upstream_rq_total", "^cluster\\.a\\.", "^cluster.a$", "^c", "^",
        "^cluster.(b|a)", "^(?i)CLUSTER.A", "^cluster.\xc3\xa4.upstream_rq_total",
        "^cluster.b.upstream_rq_total$", "^x", "^[a-c]luster.a~", "^clusters?.b", "^cluster\\.a*.b",
        "^cluster-*", "^clus{0,1}ter", "^cluster+\\.", "^cluster.a.upstream_rq_[0-9x]*",
        "upstream_rq_total", "^b|a.b.up"}) {
    const RE2 regex(pattern);
    std::string expected;
    for (const std::string& line : lines) {
      const std::string name = line.substr(0, line.find(": "));
      if (!line.empty() && RE2::PartialMatch(name, regex)) absl::StrAppend(&expected, line, "\n");
    }
    std::string query = "filter=";
    for (const char* c = pattern; *c != '\0'; ++c) {
      absl::StrAppend(&query, "%", absl::Hex(static_cast<unsigned char>(*c), absl::kZeroPad2));
    }
    EXPECT_EQ(Body("/stats", query), expected) << pattern;
  }
}

TEST_F(StatsHandlerTest, HistogramBuckets) {
  EXPECT_TRUE(
      absl::StartsWith(Body("/stats", "usedonly&type=Histograms&histogram_buckets=disjoint"),
                       "cluster.a.upstream_rq_time: B0.5(0,0) B1(0,0) B5(0,1) B10(0,0)"));
  EXPECT_TRUE(absl::StartsWith(Body("/stats", "usedonly&type=Histograms&histogram_buckets=none"),
                               "cluster.a.upstream_rq_time: P0(nan,3) "));
  EXPECT_TRUE(absl::StrContains(Body("/stats/prometheus", "usedonly&histogram_buckets=summary"),
                                "# TYPE envoy_cluster_upstream_rq_time summary\n"));
}

TEST_F(StatsHandlerTest, WrongValuesAreRefused) {
  for (const char* query :
       {"format=html", "type=counters", "histogram_buckets=bogus", "filter=[", "hidden=some"}) {
    EXPECT_EQ(Call("/stats", query).status, 400) << query;
  }
  EXPECT_EQ(Call("/stats", "filter=[").body, "Invalid re2 regex: missing ]: [\n");
  EXPECT_EQ(Call("/stats/prometheus", "histogram_buckets=disjoint").status, 400);
  EXPECT_EQ(Call("/stats/prometheus", "histogram_buckets=bogus").status, 400);
  EXPECT_EQ(Call("/stats/prometheus", "filter=(").status, 400);
}

TEST_F(StatsHandlerTest, ResetCountersTakesPostOnly) {
  EXPECT_EQ(Call("/reset_counters", "").status, 405);
  EXPECT_TRUE(absl::StrContains(Body("/stats", ""), "upstream_rq_total: 7\n"));
  const Response response = Call("/reset_counters", "", "POST");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "OK\n");
  const std::string body = Body("/stats", "usedonly");
  EXPECT_TRUE(absl::StrContains(body, "upstream_rq_total: 0\n")) << body;
  EXPECT_TRUE(absl::StrContains(body, "upstream_cx_active: 1\n"));
}

}  // namespace
}  // namespace proxenos::admin
