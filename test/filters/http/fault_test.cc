// Faults on purpose: whom they befall, how long they take, what is said of them.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using base::kMillisecond;
using base::kSecond;
using Proto = envoy::extensions::filters::http::fault::v3::HTTPFault;

constexpr char kAlways[] = "percentage { numerator: 100 } ";

class FaultTest : public ::testing::Test {
 protected:
  void Configure(const std::string& text) { factory_ = MakeFactory(Pack<Proto>(text)); }
  std::unique_ptr<FilterHarness> Open(const RequestLine& line = {}) {
    auto stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& context) {
          FillRequest(line, context.request, context.arena);
          if (routes_ == nullptr) return;
          context.routes = routes_.get();
          context.route = routes_->Match(route::MatchInput{context.request});
        });
    stream->SendRequest(true);
    return stream;
  }
  void Begin(const RequestLine& line = {}) { stream_ = Open(line); }
  bool Passed() const { return stream_->request_out.head; }
  // Time goes by and its timers fire.
  void Wait(base::Nanos time) {
    stream_->Advance(time);
    stream_->Turn();
    stream_->Run();
  }

  std::shared_ptr<const filter::FilterFactory> factory_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(FaultTest, NothingIsAskedForNothingHappens) {
  Configure("");
  Begin();
  EXPECT_TRUE(Passed());
}

TEST_F(FaultTest, Aborts) {
  Configure(std::string("abort { http_status: 418 ") + kAlways +
            "} filter_metadata { fields { "
            "key: 'why' value { string_value: 'test' } } }");
  Begin();
  EXPECT_EQ(ResponseText(*stream_), "418 fault filter abort");
  EXPECT_EQ(stream_->info.flags, filter::kFaultInjected);
  EXPECT_EQ(stream_->info.details, "fault_filter_abort");
  EXPECT_EQ(stream_->Stat("http.test.fault.aborts_injected"), 1u);
  EXPECT_EQ(*stream_->info.metadata.Find("f", {"why"})->text(), "test");
  Configure(std::string("abort { grpc_status: 14 response_body: 'no' ") + kAlways + "}");
  Begin({.fields = {{"content-type", "application/grpc"}}});
  EXPECT_EQ(stream_->response.status, 200);
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "14");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-message"), "no");
  Configure("abort { http_status: 418 }");  // Of no request.
  Begin();
  EXPECT_TRUE(Passed());
}

TEST_F(FaultTest, DelaysThenAborts) {
  Configure(std::string("delay { fixed_delay { seconds: 2 } ") + kAlways + "}");
  Begin();
  EXPECT_FALSE(Passed());
  EXPECT_EQ(stream_->Stat("http.test.fault.active_faults"), 1u);
  Wait(1900 * kMillisecond);
  EXPECT_FALSE(Passed());
  Wait(200 * kMillisecond);
  EXPECT_TRUE(Passed());
  EXPECT_EQ(stream_->info.flags, filter::kDelayInjected);
  EXPECT_EQ(stream_->Stat("http.test.fault.active_faults"), 0u);
  EXPECT_EQ(stream_->Stat("http.test.fault.delays_injected"), 1u);
  Configure(std::string("delay { fixed_delay { nanos: 1 } ") + kAlways +
            "} abort { http_status: 503 " + kAlways + "}");
  Begin();
  EXPECT_EQ(ResponseText(*stream_), "none");
  Wait(2 * kMillisecond);
  EXPECT_EQ(ResponseText(*stream_), "503 fault filter abort");
  EXPECT_EQ(stream_->info.flags, filter::kDelayInjected | filter::kFaultInjected);
}

TEST_F(FaultTest, StreamsThatEndWhileTheyWait) {
  Configure(std::string("delay { fixed_delay { seconds: 2 } ") + kAlways +
            "} max_active_faults { value: 1 }");
  Begin();
  auto other = Open();
  EXPECT_TRUE(other->request_out.head);
  EXPECT_EQ(other->Stat("http.test.fault.faults_overflow"), 1u);
  stream_->EndStream();
  EXPECT_EQ(stream_->Stat("http.test.fault.active_faults"), 0u);
  EXPECT_FALSE(Open()->request_out.head);
}

TEST_F(FaultTest, HeadersAskForThem) {
  Configure(std::string("delay { header_delay {} ") + kAlways + "} abort { header_abort {} " +
            kAlways + "}");
  Begin();
  EXPECT_TRUE(Passed());
  Begin({.fields = {{"x-envoy-fault-delay-request", "50"}}});
  EXPECT_FALSE(Passed());
  Wait(51 * kMillisecond);
  EXPECT_TRUE(Passed());
  Begin({.fields = {{"x-envoy-fault-abort-request", "404"}}});
  EXPECT_EQ(stream_->response.status, 404);
  Begin({.fields = {{"x-envoy-fault-abort-request", "404"},
                    {"x-envoy-fault-abort-request-percentage", "0"}}});
  EXPECT_TRUE(Passed());
  for (const char* wrong : {"42", "x", "-1", "600", "99999999999999999999"}) {
    Begin({.fields = {{"x-envoy-fault-abort-request", wrong}}});
    EXPECT_TRUE(Passed()) << wrong;
  }
  Configure(std::string("abort { http_status: 500 ") + kAlways + "}");
  Begin({.fields = {{"x-envoy-fault-abort-request", "404"}}});
  EXPECT_EQ(stream_->response.status, 500);
}

TEST_F(FaultTest, OnlyWhomItConcerns) {
  Configure(std::string("abort { http_status: 503 ") + kAlways +
            "} headers { name: 'x-test' present_match: true } downstream_nodes: 'me'");
  Begin({.fields = {{"x-test", "1"}}});
  EXPECT_TRUE(Passed());
  Begin({.fields = {{"x-envoy-downstream-service-node", "me"}}});
  EXPECT_TRUE(Passed());
  Begin({.fields = {{"x-test", "1"}, {"x-envoy-downstream-service-node", "me"}}});
  EXPECT_FALSE(Passed());
}

TEST_F(FaultTest, RoutesAndClusters) {
  Configure("");
  auto config = RouteToOrigin();
  auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
  const auto abort_for = [&](const std::string& cluster) {
    (*route->mutable_typed_per_filter_config())["f"] =
        Pack<Proto>(std::string("abort { http_status: 503 ") + kAlways + "} upstream_cluster: '" +
                    cluster + "'");
    routes_ = MakeRoutes(config);
    Begin();
    return !Passed();
  };
  EXPECT_TRUE(abort_for("origin"));
  EXPECT_FALSE(abort_for("other"));
  EXPECT_TRUE(abort_for(""));
}

TEST_F(FaultTest, ResponsesAreSlowedDown) {
  Configure(std::string("response_rate_limit { fixed_limit { limit_kbps: 1 } ") + kAlways + "}");
  Begin();
  EXPECT_TRUE(Passed());
  stream_->SendResponse(200, std::string(512, 'a'), false);
  Wait(0);
  EXPECT_EQ(stream_->response_out.body.size(), 51u) << "an interval's worth";
  for (int ticks = 0; ticks < 9; ++ticks) Wait(50 * kMillisecond);
  EXPECT_LT(stream_->response_out.body.size(), 512u);
  Wait(50 * kMillisecond);
  EXPECT_EQ(stream_->response_out.body.size(), 512u);
  // A second that nobody used is saved, not two.
  Wait(2000 * kMillisecond);
  stream_->SendResponseBody(std::string(1536, 'b'), true);
  Wait(0);
  EXPECT_EQ(stream_->response_out.body.size(), 512u + 1024u);
  for (int ticks = 0; ticks < 9; ++ticks) Wait(50 * kMillisecond);
  EXPECT_FALSE(stream_->response_out.end);
  for (int ticks = 0; ticks < 2; ++ticks) Wait(50 * kMillisecond);
  EXPECT_TRUE(stream_->response_out.end);
  EXPECT_EQ(stream_->response_out.body.size(), 2048u);
  EXPECT_EQ(stream_->Stat("http.test.fault.response_rl_injected"), 1u);
}

}  // namespace
}  // namespace proxenos::filters
