// Health checks of the proxy: answered, passed, failed.
#include <string>

#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

constexpr char kMatch[] = "headers { name: ':path' string_match { exact: '/health' } } ";

std::unique_ptr<FilterHarness> Stream(const std::string& config, const std::string& path,
                                      bool failing = false) {
  auto stream = MakeStream(
      Pack<envoy::extensions::filters::http::health_check::v3::HealthCheck>(kMatch + config),
      {.method = "GET", .path = path});
  stream->SetFailingHealth(failing);
  return stream;
}

constexpr char kAnswers[] = "pass_through_mode { value: false }";
constexpr char kPasses[] = "pass_through_mode { value: true }";

TEST(HealthCheckTest, IsAnsweredOrPasses) {
  auto check = Stream(kAnswers, "/health");
  check->SendRequest(true);
  EXPECT_EQ(ResponseText(*check), "200 ");
  EXPECT_TRUE(check->info.health_check);
  EXPECT_EQ(Value(check->response.headers, "x-envoy-upstream-healthchecked-cluster"), "");
  EXPECT_EQ(Value(check->response.headers, "x-envoy-immediate-health-check-fail"), "-");
  auto other = Stream(kAnswers, "/else");
  other->SendRequest(true);
  EXPECT_TRUE(other->request_out.head);
  EXPECT_FALSE(other->info.health_check);
  other->SendResponse(200, "", true);
  EXPECT_EQ(Value(other->response.headers, "x-envoy-upstream-healthchecked-cluster"), "-");
  auto passed = Stream(kPasses, "/health");
  passed->SendRequest(true);
  EXPECT_TRUE(passed->request_out.head);
  EXPECT_TRUE(passed->info.health_check);
}

TEST(HealthCheckTest, FailsWhenTold) {
  for (const char* mode : {kAnswers, kPasses}) {
    auto check = Stream(mode, "/health", true);
    check->SendRequest(true);
    EXPECT_EQ(ResponseText(*check), "503 ");
    EXPECT_EQ(check->info.flags, filter::kFailedLocalHealthCheck);
    EXPECT_EQ(Value(check->response.headers, "x-envoy-immediate-health-check-fail"), "true");
    auto other = Stream(mode, "/else", true);
    other->SendRequest(true);
    other->SendResponse(200, "", true);
    EXPECT_EQ(Value(other->response.headers, "x-envoy-immediate-health-check-fail"), "true");
  }
}

TEST(HealthCheckTest, SharesOfClusters) {
  const auto ask = [](const std::string& percent, int hosts, int unhealthy = 0) {
    auto stream =
        Stream(std::string(kAnswers) +
                   " cluster_min_healthy_percentages { key: 'c' value { value: " + percent + " } }",
               "/health");
    if (hosts >= 0) {
      auto config = std::make_shared<upstream::ClusterConfig>();
      config->name = "c";
      upstream::Assignment assignment;
      assignment.localities.emplace_back();
      for (int i = 0; i < hosts; ++i) {
        auto& endpoint = assignment.localities[0].endpoints.emplace_back();
        endpoint.address = *net::Address::FromIp("127.0.0.1", static_cast<uint16_t>(i + 1));
        if (i < unhealthy) endpoint.health = upstream::EndpointHealth::kUnhealthy;
      }
      auto set = upstream::BuildHostSet(*config, assignment, nullptr).hosts;
      static_cast<filter::StreamContext&>(*stream).environment.clusters.Set(
          upstream::PublishedCluster{config, std::make_shared<upstream::CircuitBreakers>(),
                                     std::move(set)});
    }
    stream->SendRequest(true);
    return stream->response.status;
  };
  EXPECT_EQ(ask("50", -1), 503);
  EXPECT_EQ(ask("50", 0), 503);
  EXPECT_EQ(ask("0", 0), 200);
  EXPECT_EQ(ask("100", 2), 200);
  EXPECT_EQ(ask("50", 2, 1), 200);
  // A share need not be whole.
  EXPECT_EQ(ask("66.6", 3, 1), 200);
  EXPECT_EQ(ask("66.7", 3, 1), 503);
}

}  // namespace
}  // namespace proxenos::filters
