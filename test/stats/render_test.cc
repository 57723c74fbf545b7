// Rendering: whole outputs against golden files, the options, and the forms that names must take.
//
// The golden files were written by this program (PROXENOS_WRITE_GOLDEN=folder), then checked
// against what Envoy 1.40 says for the same stats: names, labels, order and layout are its own.
// The CDS scope and our own `ignored_fields` came later, by the same rules.
#include "source/stats/render.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/stats/bucket_rules.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/http_stats.h"
#include "source/stats/listener_stats.h"
#include "source/stats/registry.h"
#include "source/stats/request_origin.h"
#include "source/stats/server_stats.h"

namespace proxenos::stats {
namespace {

// A histogram without labels of its own.
#define PX_STARTUP_STATS(X) X(Histogram, initialization_time_ms)
PX_STATS(StartupStats, PX_STARTUP_STATS);

// A small process: two clusters, one of them idle and oddly named, a listener, some fixed scopes.
class RenderTest : public testing::Test {
 protected:
  RenderTest() {
    cluster_->upstream_cx_total.Add(2);
    cluster_->upstream_cx_active.Set(1);
    cluster_->upstream_rq_active.Inc();
    cluster_->upstream_rq_active.Dec();
    for (const uint32_t status : {200u, 200u, 404u, 503u}) cluster_->upstream_rq.Inc(status);
    for (const uint64_t ms : {0u, 1u, 20u, 41u, 43u, 47u, 160u, 1500u}) {
      cluster_->upstream_rq_time.Record(ms);
    }
    registry_.FlushIntervals();
    registry_.FlushIntervals();
    cluster_->upstream_rq_time.Record(25);
    worker_->downstream_cx_total.Inc();
    CountDownstreamResponse(*listener_http_, 404);
    server_->live.Set(1);
    fields_->static_ignored_fields.Set(3);
    control_plane_->identifier.Set("cp \"7\"\n");
    registry_.FlushIntervals();
  }

  std::vector<ScopeReading> Read() { return registry_.Read(); }

  Registry registry_;
  Group<ClusterStats> cluster_ = registry_.Open<ClusterStats>(ClusterScope("a"));
  ScopePin idle_ = registry_.Pin<ClusterMembershipStats>(ClusterScope("we\"ird\\na.me:x"));
  ScopePin membership_ = registry_.Pin<ClusterMembershipStats>(ClusterScope("a"));
  Group<ListenerWorkerStats> worker_ =
      registry_.Open<ListenerWorkerStats>(ListenerWorkerScope("127.0.0.1:80", 1));
  Group<ListenerHttpStats> listener_http_ =
      registry_.Open<ListenerHttpStats>(ListenerHttpScope("127.0.0.1:80", "ingress"));
  ScopePin cds_ = registry_.Pin<SubscriptionStats>(ScopeName(kCdsScope, {}));
  Group<ServerStats> server_ = registry_.Open<ServerStats>(ScopeName(kServerScope, {}));
  ScopePin startup_ = registry_.Pin<StartupStats>(ScopeName(kServerScope, {}));
  Group<ConfigFieldStats> fields_ = registry_.Open<ConfigFieldStats>(ScopeName(kServerScope, {}));
  Group<ControlPlaneStats> control_plane_ =
      registry_.Open<ControlPlaneStats>(ScopeName(kControlPlaneScope, {}));
};

TEST(MayShowTest, LooksAtEveryNameOfTheScope) {
  RenderOptions options;
  const ScopeName scope = ClusterScope("a");
  const Schema& schema = ClusterMembershipStats::schema();
  EXPECT_TRUE(MayShow(options, scope, schema));
  options.accepts = [](absl::string_view name) { return name == "cluster.a.membership_healthy"; };
  EXPECT_TRUE(MayShow(options, scope, schema));
  EXPECT_FALSE(MayShow(options, ClusterScope("b"), schema));
  // Codes may be named anything.
  EXPECT_TRUE(MayShow(options, ClusterScope("b"), ClusterStats::schema()));
}

void ExpectGolden(const std::string& name, const std::string& actual) {
  if (const char* folder = std::getenv("PROXENOS_WRITE_GOLDEN"); folder != nullptr) {
    std::ofstream(absl::StrCat(folder, "/", name)) << actual;
    return;
  }
  std::ifstream file(absl::StrCat("test/stats/testdata/", name));
  ASSERT_TRUE(file.good()) << name;
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(expected.str(), actual) << name;
}

TEST_F(RenderTest, Text) { ExpectGolden("stats.txt", RenderText(Read(), {})); }

TEST_F(RenderTest, Json) { ExpectGolden("stats.json", RenderJson(Read(), {})); }

TEST_F(RenderTest, Prometheus) { ExpectGolden("stats.prom", RenderPrometheus(Read(), {})); }

TEST_F(RenderTest, HistogramViewsAsText) {
  std::string all;
  for (const HistogramView view :
       {HistogramView::kCumulative, HistogramView::kDisjoint, HistogramView::kDetailed}) {
    RenderOptions options;
    options.type = StatType::kHistogram;
    options.histograms = view;
    options.accepts = [](absl::string_view name) {
      return absl::EndsWith(name, "upstream_rq_time") || absl::EndsWith(name, "cx_length_ms");
    };
    all += RenderText(Read(), options);
  }
  ExpectGolden("histograms.txt", all);
}

TEST_F(RenderTest, HistogramViewsAsJson) {
  std::string all;
  for (const HistogramView view :
       {HistogramView::kCumulative, HistogramView::kDisjoint, HistogramView::kDetailed}) {
    RenderOptions options;
    options.type = StatType::kHistogram;
    options.histograms = view;
    options.used_only = true;
    absl::StrAppend(&all, RenderJson(Read(), options), "\n");
  }
  ExpectGolden("histograms.json", all);
}

TEST_F(RenderTest, BoundsOfTheConfiguration) {
  BucketRules rules;
  rules.Add([](absl::string_view name) { return name == "cluster.a.upstream_rq_time"; },
            {1000, 45, 2.5});
  rules.Add([](absl::string_view) { return true; }, {7});
  RenderOptions options;
  options.used_only = true;
  options.type = StatType::kHistogram;
  options.histograms = HistogramView::kCumulative;
  options.buckets = &rules;
  EXPECT_THAT(RenderText(Read(), options),
              testing::HasSubstr("cluster.a.upstream_rq_time: B2.5(0,2) B45(1,6) B1000(1,8)\n"));
  EXPECT_THAT(RenderJson(Read(), options),
              testing::HasSubstr(R"("buckets":[{"upper_bound":2.5,"interval":0,"cumulative":2},)"));
  PrometheusOptions prometheus;
  prometheus.common = std::move(options);
  EXPECT_THAT(RenderPrometheus(Read(), prometheus),
              testing::HasSubstr(
                  "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"a\",le=\"2.5\"} 2\n"
                  "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"a\",le=\"45\"} 6\n"
                  "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"a\",le=\"1000\"} 8\n"
                  "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"a\",le=\"+Inf\"} "
                  "9\n"));
}

TEST_F(RenderTest, UsedOnlyShowsWhatWasEverChanged) {
  RenderOptions options;
  options.used_only = true;
  const std::string text = RenderText(Read(), options);
  EXPECT_TRUE(absl::StrContains(text, "cluster.a.upstream_rq_active: 0\n")) << text;
  EXPECT_TRUE(absl::StrContains(text, "cluster.a.upstream_rq_503: 1\n"));
  EXPECT_FALSE(absl::StrContains(text, "upstream_cx_overflow"));
  EXPECT_FALSE(absl::StrContains(text, "No recorded values"));
  EXPECT_FALSE(absl::StrContains(text, "version_text"));
  EXPECT_FALSE(absl::StrContains(text, "ird"));
}

TEST_F(RenderTest, TypeAndFilterNarrow) {
  RenderOptions options;
  options.type = StatType::kGauge;
  options.accepts = [](absl::string_view name) {
    return absl::StartsWith(name, "cluster.a.upstream");
  };
  EXPECT_EQ(RenderText(Read(), options),
            "cluster.a.upstream_cx_active: 1\n"
            "cluster.a.upstream_rq_active: 0\n"
            "cluster.a.upstream_rq_pending_active: 0\n");
  EXPECT_EQ(RenderPrometheus(Read(), {std::move(options), false, false}),
            "# TYPE envoy_cluster_upstream_cx_active gauge\n"
            "envoy_cluster_upstream_cx_active{envoy_cluster_name=\"a\"} 1\n"
            "# TYPE envoy_cluster_upstream_rq_active gauge\n"
            "envoy_cluster_upstream_rq_active{envoy_cluster_name=\"a\"} 0\n"
            "# TYPE envoy_cluster_upstream_rq_pending_active gauge\n"
            "envoy_cluster_upstream_rq_pending_active{envoy_cluster_name=\"a\"} 0\n");
}

TEST_F(RenderTest, NothingToShow) {
  RenderOptions options;
  options.accepts = [](absl::string_view) { return false; };
  EXPECT_EQ(RenderText(Read(), options), "");
  EXPECT_EQ(RenderJson(Read(), options), "{\"stats\":[]}");
  EXPECT_EQ(RenderPrometheus(Read(), {std::move(options), false, true}), "");
}

TEST_F(RenderTest, PrometheusSummaryAndTextReadouts) {
  PrometheusOptions options;
  options.summaries = true;
  options.text_readouts = true;
  options.common.accepts = [](absl::string_view name) {
    return name == "cluster.a.upstream_rq_time" || name == "control_plane.identifier";
  };
  const std::string out = RenderPrometheus(Read(), options);
  EXPECT_TRUE(absl::StartsWith(out,
                               "# TYPE envoy_control_plane_identifier gauge\n"
                               "envoy_control_plane_identifier{text_value=\"cp \\\"7\\\"\\n\"} 0\n"
                               "# TYPE envoy_cluster_upstream_rq_time summary\n"
                               "envoy_cluster_upstream_rq_time{envoy_cluster_name=\"a\",quantile="
                               "\"0\"} 25\n"))
      << out;
  EXPECT_TRUE(absl::EndsWith(out,
                             "envoy_cluster_upstream_rq_time_sum{envoy_cluster_name=\"a\"} 1837\n"
                             "envoy_cluster_upstream_rq_time_count{envoy_cluster_name=\"a\"} 9\n"))
      << out;
}

// Sums over all origins but repeated tries, and each origin under a name of its own.
TEST(RenderOriginTest, CodesByOrigin) {
  Registry registry;
  Group<ClusterStats> cluster = registry.Open<ClusterStats>(ClusterScope("a"));
  for (const uint32_t status : {200u, 200u, 404u}) {
    cluster->upstream_rq.Inc(StatusOf(RequestOrigin::kExternal, status));
  }
  cluster->upstream_rq.Inc(StatusOf(RequestOrigin::kInternal, 200));
  cluster->upstream_rq.Inc(StatusOf(RequestOrigin::kRetried, 503));
  cluster->upstream_rq.Inc(429);
  RenderOptions used;
  used.used_only = true;
  EXPECT_EQ(RenderText(registry.Read(), used),
            "cluster.a.external.upstream_rq_200: 2\n"
            "cluster.a.external.upstream_rq_2xx: 2\n"
            "cluster.a.external.upstream_rq_404: 1\n"
            "cluster.a.external.upstream_rq_4xx: 1\n"
            "cluster.a.external.upstream_rq_completed: 3\n"
            "cluster.a.internal.upstream_rq_200: 1\n"
            "cluster.a.internal.upstream_rq_2xx: 1\n"
            "cluster.a.internal.upstream_rq_completed: 1\n"
            "cluster.a.retry.upstream_rq_503: 1\n"
            "cluster.a.retry.upstream_rq_5xx: 1\n"
            "cluster.a.retry.upstream_rq_completed: 1\n"
            "cluster.a.upstream_rq_200: 3\n"
            "cluster.a.upstream_rq_2xx: 3\n"
            "cluster.a.upstream_rq_404: 1\n"
            "cluster.a.upstream_rq_429: 1\n"
            "cluster.a.upstream_rq_4xx: 2\n"
            "cluster.a.upstream_rq_completed: 5\n");
  PrometheusOptions external;
  external.common.accepts = [](absl::string_view name) {
    return absl::StrContains(name, ".external.");
  };
  EXPECT_EQ(RenderPrometheus(registry.Read(), external),
            "# TYPE envoy_cluster_external_upstream_rq counter\n"
            "envoy_cluster_external_upstream_rq{envoy_response_code=\"200\",envoy_cluster_name="
            "\"a\"} 2\n"
            "envoy_cluster_external_upstream_rq{envoy_response_code=\"404\",envoy_cluster_name="
            "\"a\"} 1\n"
            "# TYPE envoy_cluster_external_upstream_rq_completed counter\n"
            "envoy_cluster_external_upstream_rq_completed{envoy_cluster_name=\"a\"} 3\n"
            "# TYPE envoy_cluster_external_upstream_rq_xx counter\n"
            "envoy_cluster_external_upstream_rq_xx{envoy_response_code_class=\"2\","
            "envoy_cluster_name=\"a\"} 2\n"
            "envoy_cluster_external_upstream_rq_xx{envoy_response_code_class=\"4\","
            "envoy_cluster_name=\"a\"} 1\n");
}

// A cluster's name cannot forge a line, whatever it holds.
TEST(RenderForgeryTest, ControlCharactersDoNotBreakLines) {
  Registry registry;
  const ScopePin pin =
      registry.Pin<ClusterMembershipStats>(ClusterScope("x\nserver.live: 0\r\ny\"} 7\n"));
  const std::vector<ScopeReading> readings = registry.Read();
  const size_t stats = ClusterMembershipStats::schema().stats.size();
  const std::vector<std::string> text = absl::StrSplit(RenderText(readings, {}), '\n');
  EXPECT_EQ(text.size(), stats + 1);
  const std::vector<std::string> metrics = absl::StrSplit(RenderPrometheus(readings, {}), '\n');
  EXPECT_EQ(metrics.size(), 2 * stats + 1);
}

// Of Prometheus's rules: one TYPE line a family, its series together, no series twice.
TEST_F(RenderTest, PrometheusFamiliesAreWhole) {
  ScopePin more = registry_.Pin<ClusterStats>(ClusterScope("zz"));
  std::set<std::string> families;
  std::set<std::string> series;
  std::string current;
  for (const absl::string_view line : absl::StrSplit(RenderPrometheus(Read(), {}), '\n')) {
    if (line.empty()) continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words[0] == "#") {
      current = std::string(words[2]);
      EXPECT_TRUE(families.insert(current).second) << line;
    } else {
      EXPECT_TRUE(absl::StartsWith(words[0], current)) << line;
      EXPECT_TRUE(series.insert(std::string(line.substr(0, line.rfind(' ')))).second) << line;
    }
  }
  EXPECT_GT(families.size(), 60u);
}

// Ten thousand clusters are shown by name, in order, each once.
TEST(RenderScaleTest, ManyClusters) {
  Registry registry;
  std::vector<ScopePin> pins;
  for (int i = 0; i < 10000; ++i) {
    const ScopeName scope = ClusterScope(absl::StrCat("cluster-", i));
    pins.push_back(registry.Pin<ClusterMembershipStats>(scope));
    pins.push_back(registry.Pin<ClusterEdsStats>(scope));
  }
  const std::vector<ScopeReading> readings = registry.Read();
  RenderOptions counters;
  counters.type = StatType::kCounter;
  std::string last;
  size_t lines = 0;
  for (const absl::string_view line : absl::StrSplit(RenderText(readings, counters), '\n')) {
    if (line.empty()) continue;
    ++lines;
    EXPECT_LT(last, line);
    last = std::string(line);
  }
  EXPECT_EQ(lines, 10000u * (6 + 2));
  const std::string metrics = RenderPrometheus(readings, {});
  EXPECT_TRUE(absl::StrContains(metrics, "{envoy_cluster_name=\"cluster-9999\"} 0\n"));
}

}  // namespace
}  // namespace proxenos::stats
