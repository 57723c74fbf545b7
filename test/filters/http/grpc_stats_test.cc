// Counters of gRPC calls.
#include <string>

#include "envoy/extensions/filters/http/grpc_stats/v3/config.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/grpc_stats/stats.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

std::unique_ptr<FilterHarness> Stream(const std::string& type) {
  return MakeStream(Pack<envoy::extensions::filters::http::grpc_stats::v3::FilterConfig>(""),
                    {.fields = {{"content-type", type}}});
}

grpc_stats::GrpcStats& StatsOf(FilterHarness& stream) {
  return static_cast<grpc_stats::ClusterGrpcStats*>(stream.worker_parts[0].get())->Of("c");
}

TEST(GrpcStatsTest, CountsCallsMessagesAndStatuses) {
  auto stream = Stream("application/grpc");
  stream->SendRequest(false);
  stream->SendRequestBody(Frame("one") + Frame("two").substr(0, 3), false);
  stream->info.upstream_cluster = "c";
  stream->SendRequestBody(Frame("two").substr(3), true);
  grpc_stats::GrpcStats& stats = StatsOf(*stream);
  EXPECT_EQ(stats.request_message_count.value(), 2u);
  stream->SendResponse(200, Frame("a") + Frame("b") + Frame("c"), false);
  EXPECT_EQ(stats.response_message_count.value(), 3u);
  stream->SendResponseTrailers({{"grpc-status", "14"}});
  EXPECT_EQ(stats.total.value(), 0u);
  stream->Complete();
  EXPECT_EQ(stats.total.value(), 1u);
  EXPECT_EQ(stats.failure.value(), 1u);
  EXPECT_EQ(stats.success.value(), 0u);
  EXPECT_EQ(stats.status[14].value(), 1u);
}

TEST(GrpcStatsTest, MessagesAreToldByFilterState) {
  constexpr char kState[] = "envoy.filters.http.grpc_stats";
  for (const bool emits : {true, false}) {
    auto stream = MakeStream(Pack<envoy::extensions::filters::http::grpc_stats::v3::FilterConfig>(
                                 emits ? "emit_filter_state: true" : ""),
                             {.fields = {{"content-type", "application/grpc"}}});
    stream->SendRequest(false);
    EXPECT_EQ(stream->info.state.Find(kState), nullptr);
    stream->SendRequestBody(Frame("one") + Frame("two").substr(0, 3), false);
    stream->info.upstream_cluster = "c";
    stream->SendRequestBody(Frame("two").substr(3) + Frame(""), true);
    stream->SendResponse(200, Frame("a") + Frame("b"), false);
    const std::string* told = stream->info.state.Find(kState);
    ASSERT_EQ(told != nullptr, emits);
    if (emits) {
      EXPECT_EQ(*told, "3,2");
    }
  }
}

TEST(GrpcStatsTest, TrailersOnlyAndOddStatuses) {
  for (const std::string status : {"0", "99"}) {
    auto stream = Stream("application/grpc+proto");
    stream->info.upstream_cluster = "c";
    stream->SendRequest(true);
    stream->response.headers.Add("grpc-status", status);
    stream->SendResponse(200, "", true);
    stream->Complete();
    EXPECT_EQ(StatsOf(*stream).total.value(), 1u);
    EXPECT_EQ(StatsOf(*stream).success.value(), status == "0" ? 1u : 0u);
  }
}

TEST(GrpcStatsTest, OthersAreNotCounted) {
  auto stream = Stream("application/json");
  stream->info.upstream_cluster = "c";
  stream->SendRequest(true);
  stream->response.headers.Add("grpc-status", "0");
  stream->SendResponse(200, "", true);
  stream->Complete();
  EXPECT_EQ(StatsOf(*stream).total.value(), 0u);
}

// Which of these prefixes a call to `path` is counted under, once; the filter has `config`.
std::string Counted(const std::string& config, const std::string& path, const std::string& method) {
  auto stream =
      MakeStream(Pack<envoy::extensions::filters::http::grpc_stats::v3::FilterConfig>(config),
                 {.path = path, .fields = {{"content-type", "application/grpc"}}});
  stream->info.upstream_cluster = "c";
  stream->SendRequest(true);
  stream->response.headers.Add("grpc-status", "0");
  stream->SendResponse(200, "", true);
  stream->Complete();
  std::string found;
  for (const std::string& prefix : {std::string(), method}) {
    if (stream->Stat(absl::StrCat("cluster.c.grpc.", prefix, "total")) != 1) continue;
    absl::StrAppend(&found, "cluster.c.grpc.", prefix);
  }
  return found;
}

TEST(GrpcStatsTest, EachMethodHasCountersWhereThatIsAskedFor) {
  EXPECT_EQ(Counted("", "/a.B/C", "a.B.C."), "cluster.c.grpc.");
  EXPECT_EQ(Counted("stats_for_all_methods { value: false }", "/a.B/C", "a.B.C."),
            "cluster.c.grpc.");
  const std::string all = "stats_for_all_methods { value: true }";
  EXPECT_EQ(Counted(all, "/a.B/C", "a.B.C."), "cluster.c.grpc.a.B.C.");
  EXPECT_EQ(Counted(all, "/a.B/C?x", "a.B.C."), "cluster.c.grpc.a.B.C.");
  EXPECT_EQ(Counted(all + " replace_dots_in_grpc_service_name: true", "/a.b.C/D", "a_b_C.D."),
            "cluster.c.grpc.a_b_C.D.");
}

TEST(GrpcStatsTest, ListedMethodsHaveCounters) {
  const std::string listed =
      "individual_method_stats_allowlist { services { name: 'a.B' method_names: ['C', 'D'] } }";
  EXPECT_EQ(Counted(listed, "/a.B/D", "a.B.D."), "cluster.c.grpc.a.B.D.");
  EXPECT_EQ(Counted(listed, "/a.B/E", "a.B.E."), "cluster.c.grpc.");
  EXPECT_EQ(Counted(listed, "/a.X/C", "a.X.C."), "cluster.c.grpc.");
}

TEST(GrpcStatsTest, WhatIsNoNameHasNoCounters) {
  const std::string all = "stats_for_all_methods { value: true }";
  for (const std::string& path :
       std::vector<std::string>{"/", "/a", "/a/", "//b", "/a/b/c", "/a/b.c", "/a%20b/c", "/a|b/c",
                                "/a/" + std::string(300, 'm')}) {
    EXPECT_EQ(Counted(all, path, "a.b."), "cluster.c.grpc.") << path;
  }
}

TEST(GrpcStatsTest, MethodsHaveALimit) {
  stats::Registry registry;
  grpc_stats::ClusterGrpcStats part(registry);
  for (size_t i = 0; i < grpc_stats::ClusterGrpcStats::kMaxMethods; ++i) {
    part.Of("c", absl::StrCat("S.M", i)).total.Inc();
  }
  EXPECT_EQ(&part.Of("c", "S.new"), &part.Of("c"));
  EXPECT_EQ(&part.Of("d", "S.M1"), &part.Of("d"));
  EXPECT_NE(&part.Of("c", "S.M1"), &part.Of("c"));
  EXPECT_EQ(registry.scope_count(), grpc_stats::ClusterGrpcStats::kMaxMethods + 3);
  uint64_t reached = 0;
  for (const stats::ScopeReading& reading : registry.Read()) {
    if (reading.name.prefix() == "grpc_stats.") reached = reading.total.values[0];
  }
  EXPECT_EQ(reached, 2u);
}

TEST(GrpcStatsTest, NamesOfTheSchema) {
  std::string names;
  for (const stats::StatSpec& spec : grpc_stats::GrpcStats::schema().stats) {
    absl::StrAppend(&names, spec.name, " ");
  }
  EXPECT_EQ(names,
            "success failure total request_message_count response_message_count upstream_rq_time "
            "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 ");
  grpc_stats::GrpcStats stats;
  stats.status[16].Inc();
  EXPECT_EQ(
      stats::StatAt<stats::Counter>(&stats, grpc_stats::GrpcStats::schema().stats[22]).value(), 1u);
}

}  // namespace
}  // namespace proxenos::filters
