// Bodies at a rate: the arithmetic of sharing it, and streams that wait for their turn.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/bandwidth_limit/filter.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using bandwidth_limit::Pace;
using base::kMillisecond;
using base::kSecond;
using Proto = envoy::extensions::filters::http::bandwidth_limit::v3::BandwidthLimit;

TEST(PaceTest, ASecondsWorthGoesAtOnce) {
  Pace pace(1000);
  base::MonoTime now = 100 * kSecond;
  EXPECT_EQ(pace.Enter(600, now), 0);
  EXPECT_EQ(pace.Enter(400, now), 0);
  EXPECT_EQ(pace.Enter(500, now), 500 * kMillisecond);
  EXPECT_EQ(pace.Enter(500, now), kSecond);
  now += 3600 * kSecond;  // Nothing more is saved up.
  EXPECT_EQ(pace.Enter(1000, now), 0);
  EXPECT_EQ(pace.Enter(100, now), 100 * kMillisecond);
}

class BandwidthLimitTest : public ::testing::Test {
 protected:
  void Configure(const std::string& text) {
    factory_ = MakeFactory(Pack<Proto>("stat_prefix: 'p' " + text));
  }
  void Begin() {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest({}, stream.request, stream.arena);
          if (routes_ == nullptr) return;
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
        });
    stream_->SendRequest(false);
  }
  void Wait(base::Nanos time) {
    stream_->Advance(time);
    stream_->Turn();
    stream_->Run();
  }

  std::shared_ptr<const filter::FilterFactory> factory_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(BandwidthLimitTest, BothDirectionsWait) {
  Configure("enable_mode: REQUEST_AND_RESPONSE limit_kbps { value: 1 }");
  Begin();
  stream_->SendRequestBody(std::string(1024, 'a'), false);
  EXPECT_EQ(stream_->request_out.body.size(), 1024u);
  stream_->SendRequestBody(std::string(512, 'b'), true);
  EXPECT_EQ(stream_->request_out.body.size(), 1024u);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.request_pending"), 1u);
  Wait(490 * kMillisecond);
  EXPECT_FALSE(stream_->request_out.end);
  Wait(20 * kMillisecond);
  EXPECT_TRUE(stream_->request_out.end);
  EXPECT_EQ(stream_->request_out.body.size(), 1536u);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.request_pending"), 0u);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.request_enforced"), 1u);
  stream_->SendResponse(200, std::string(2048, 'c'), true);
  EXPECT_TRUE(stream_->response_out.body.empty());
  Wait(1010 * kMillisecond);
  EXPECT_TRUE(stream_->response_out.end);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.response_incoming_total_size"), 2048u);
}

TEST_F(BandwidthLimitTest, OffUnlessItSaysOtherwise) {
  for (const char* text :
       {"limit_kbps { value: 1 }", "enable_mode: REQUEST limit_kbps { value: 1 }",
        "enable_mode: RESPONSE limit_kbps { value: 1 } runtime_enabled { "
        "default_value { value: false } runtime_key: 'k' }"}) {
    Configure(text);
    Begin();
    stream_->SendResponse(200, std::string(50'000, 'a'), true);
    EXPECT_TRUE(stream_->response_out.end) << text;
  }
}

TEST_F(BandwidthLimitTest, StreamsThatEndGiveTheirPlaceUp) {
  Configure("enable_mode: RESPONSE limit_kbps { value: 1 }");
  Begin();
  stream_->SendResponse(200, std::string(50'000, 'a'), true);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.response_pending"), 1u);
  stream_->EndStream();
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.response_pending"), 0u);
}

TEST_F(BandwidthLimitTest, RoutesHaveTheirOwn) {
  Configure("");
  auto config = RouteToOrigin();
  auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
  (*route->mutable_typed_per_filter_config())["f"] =
      Pack<Proto>("stat_prefix: 'r' enable_mode: RESPONSE limit_kbps { value: 1 }");
  routes_ = MakeRoutes(config);
  Begin();
  stream_->SendResponse(200, std::string(50'000, 'a'), true);
  EXPECT_FALSE(stream_->response_out.end);
}

TEST_F(BandwidthLimitTest, NeedsALimit) {
  for (const filter::FilterKind& kind : server::BuiltinFilters()) {
    if (kind.type != Proto::descriptor()->full_name()) continue;
    config::Errors errors;
    kind.create(Pack<Proto>("stat_prefix: 'p' enable_mode: RESPONSE"), config::Path("f"), errors);
    EXPECT_EQ(errors.count(), 1u);
  }
}

}  // namespace
}  // namespace proxenos::filters
