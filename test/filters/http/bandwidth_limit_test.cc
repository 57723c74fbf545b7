// Bodies at a rate, in counted time: what goes at once, what goes bit by bit, who shares.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/bandwidth_limit/filter.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using base::kMillisecond;
using Proto = envoy::extensions::filters::http::bandwidth_limit::v3::BandwidthLimit;

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

TEST_F(BandwidthLimitTest, BothDirectionsGoBitByBit) {
  Configure("enable_mode: REQUEST_AND_RESPONSE limit_kbps { value: 1 }");
  Begin();
  stream_->SendRequestBody(std::string(256, 'a'), true);
  Wait(0);
  EXPECT_EQ(stream_->request_out.body.size(), 51u) << "what comes in the first interval";
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.request_pending"), 1u);
  Wait(100 * kMillisecond);
  EXPECT_EQ(stream_->request_out.body.size(), 153u);
  EXPECT_FALSE(stream_->request_out.end);
  Wait(110 * kMillisecond);
  EXPECT_TRUE(stream_->request_out.end);
  EXPECT_EQ(stream_->request_out.body.size(), 256u);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.request_pending"), 0u);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.request_enforced"), 1u);
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.request_incoming_total_size"), 256u);
  Wait(10'000 * kMillisecond);
  stream_->SendResponse(200, std::string(2048, 'c'), true);
  Wait(0);
  EXPECT_EQ(stream_->response_out.body.size(), 51u) << "the other direction has a rate of its own";
  EXPECT_EQ(stream_->Stat("p.http_bandwidth_limit.response_incoming_total_size"), 2048u);
  for (int ticks = 0; ticks < 38; ++ticks) Wait(50 * kMillisecond);
  EXPECT_FALSE(stream_->response_out.end);
  for (int ticks = 0; ticks < 3; ++ticks) Wait(50 * kMillisecond);
  EXPECT_TRUE(stream_->response_out.end);
}

TEST_F(BandwidthLimitTest, StreamsShareTheRate) {
  Configure("enable_mode: RESPONSE limit_kbps { value: 2 } fill_interval { nanos: 100000000 }");
  Begin();
  auto first = std::move(stream_);
  Begin();
  first->SendResponse(200, std::string(100'000, 'a'), true);
  first->Turn();
  stream_->SendResponse(200, std::string(100'000, 'b'), true);
  EXPECT_EQ(first->response_out.body.size(), 204u);
  for (int ticks = 0; ticks < 100; ++ticks) {
    first->Advance(100 * kMillisecond);
    first->Turn();
    Wait(100 * kMillisecond);
  }
  const uint64_t sent = first->response_out.body.size() + stream_->response_out.body.size();
  EXPECT_LE(sent, 2048u * 10 + 204 + 2);
  EXPECT_GE(sent, 2048u * 10 - 204);
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

TEST_F(BandwidthLimitTest, TrailersTellHowLongItTook) {
  const std::string text =
      "enable_mode: REQUEST_AND_RESPONSE limit_kbps { value: 1 } enable_response_trailers: true ";
  const auto told = [this] {
    std::string all;
    if (stream_->response_out.trailers == nullptr) return all;
    for (const http::Header& field : *stream_->response_out.trailers) {
      absl::StrAppend(&all, field.name(), "=", field.value(), ";");
    }
    return all;
  };
  Configure(text + "response_trailer_prefix: 'Pre'");
  Begin();
  stream_->SendRequestBody(std::string(151, 'a'), true);
  for (int ticks = 0; ticks < 2; ++ticks) Wait(50 * kMillisecond);
  ASSERT_TRUE(stream_->request_out.end);
  Wait(1000 * kMillisecond);
  stream_->SendResponse(200, std::string(51, 'b'), false);
  Wait(10 * kMillisecond);
  stream_->SendResponseBody(std::string(100, 'b'), true);
  for (int ticks = 0; ticks < 4; ++ticks) Wait(50 * kMillisecond);
  ASSERT_TRUE(stream_->response_out.end);
  EXPECT_EQ(stream_->response_out.body.size(), 151u);
  EXPECT_EQ(told(),
            "pre-bandwidth-request-delay-ms=100;pre-bandwidth-request-filter-delay-ms=100;"
            "pre-bandwidth-response-delay-ms=110;pre-bandwidth-response-filter-delay-ms=100;");
  // Trailers that there are get them too.
  Configure(text);
  Begin();
  stream_->SendRequestBody("", true);
  stream_->SendResponse(200, std::string(100, 'b'), false);
  Wait(50 * kMillisecond);
  stream_->SendResponseTrailers({{"x-own", "1"}});
  EXPECT_EQ(told(),
            "x-own=1;bandwidth-response-delay-ms=50;bandwidth-response-filter-delay-ms=50;");
  // Nothing to tell, no trailers.
  Configure(text);
  Begin();
  stream_->SendRequestBody("", true);
  stream_->SendResponse(200, "short", true);
  EXPECT_TRUE(stream_->response_out.end);
  EXPECT_EQ(stream_->response_out.trailers, nullptr);
}

TEST_F(BandwidthLimitTest, WhatIsRefused) {
  for (const auto& [text, error] : std::vector<std::pair<std::string, std::string>>{
           {"", "f.limit_kbps: expected a limit where enable_mode has a direction"},
           {"limit_kbps { value: 0 }", "f.limit_kbps: expected 1 or more"},
           {"limit_kbps { value: 1 } fill_interval { nanos: 1000000 }",
            "f.fill_interval: expected 0.02s to 1s"},
           {"limit_kbps { value: 1 } enable_response_trailers: true response_trailer_prefix: 'a b'",
            "f.response_trailer_prefix: value a b: expected the beginning of a name"}}) {
    config::Errors errors;
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (kind.type != Proto::descriptor()->full_name()) continue;
      kind.create(Pack<Proto>("stat_prefix: 'p' enable_mode: RESPONSE " + text), config::Path("f"),
                  errors);
    }
    EXPECT_EQ(errors.ToStatus().message(), error);
  }
}

}  // namespace
}  // namespace proxenos::filters
