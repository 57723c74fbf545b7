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
