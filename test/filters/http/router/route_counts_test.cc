// Groups of virtual clusters and routes: one each, and bounded however many names come and go.
#include "source/filters/http/router/route_counts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/stats/registry.h"
#include "test/route/request.h"

namespace proxenos::filters::router {
namespace {

// What the scope's counter reads; -1: there is no such scope.
int64_t Total(stats::Registry& registry, const std::string& prefix) {
  for (const stats::ScopeReading& scope : registry.Read()) {
    if (scope.name.prefix() != prefix) continue;
    for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
      if (scope.schema->stats[i].name != "upstream_rq_total") continue;
      return static_cast<int64_t>(scope.total.values[i]);
    }
  }
  return -1;
}

constexpr char kTable[] = R"pb(
  virtual_hosts {
    name: "v.h"
    domains: "*"
    routes {
      match { prefix: "/" }
      route { cluster: "c" }
      stat_prefix: "r"
    }
    virtual_clusters {
      name: "posts"
      headers {
        name: ":method"
        string_match { exact: "POST" }
      }
    }
  }
  virtual_hosts {
    name: "plain"
    domains: "plain"
    routes {
      match { prefix: "/" }
      route { cluster: "c" }
    }
  }
)pb";

TEST(RouteCountsTest, CountsByVirtualClusterAndRoute) {
  stats::Registry registry;
  RouteCounts counts(registry);
  const auto table = route::Compile(kTable);
  const auto ask = [&](const route::Request& request) {
    RequestCounts one;
    const route::Route* route = table->Match(request.Input());
    const absl::string_view name = one.Begin(&counts, *route, request.head);
    one.Inc(&stats::RouteStats::upstream_rq_total);
    one.CountStatus(503);
    one.RecordTime(7);
    return name;
  };
  EXPECT_EQ(ask(route::Request("/", "h", {}, "POST")), "posts");
  EXPECT_EQ(ask(route::Request("/", "h", {}, "POST")), "posts");
  EXPECT_EQ(ask(route::Request("/")), "");  // "other" has no name but in stats.
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_EQ(ask(route::Request("/", "plain")), "");
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_EQ(Total(registry, "vhost.v.h.vcluster.posts."), 2);
  EXPECT_EQ(Total(registry, "vhost.v.h.vcluster.other."), 1);
  EXPECT_EQ(Total(registry, "vhost.v.h.route.r."), 3);
}

TEST(RouteCountsTest, NamesWithoutARegistryStillShow) {
  const auto table = route::Compile(kTable);
  const route::Request request("/", "h", {}, "POST");
  RequestCounts one;
  EXPECT_EQ(one.Begin(nullptr, *table->Match(request.Input()), request.head), "posts");
  one.Inc(&stats::RouteStats::upstream_rq_total);
}

TEST(RouteCountsTest, NamesThatAreNotUsedAreLetGo) {
  stats::Registry registry;
  RouteCounts counts(registry);
  const auto held = counts.OfVirtualCluster("v", "held");
  for (int i = 0; i < 20 * 1000; ++i) {
    counts.OfVirtualCluster("v", absl::StrCat(i));
    counts.OfVirtualCluster("v", "often")->stats->upstream_rq_total.Inc();
  }
  EXPECT_LE(counts.size(), 2 * RouteCounts::kKept);
  EXPECT_EQ(Total(registry, "vhost.v.vcluster.often."), 20 * 1000);
  EXPECT_EQ(Total(registry, "vhost.v.vcluster.held."), 0);  // A request still counts into it.
}

}  // namespace
}  // namespace proxenos::filters::router
