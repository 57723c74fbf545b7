// How long the router waits, and what it tells the origin of that.
#include "source/filters/http/router/timeouts.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/route/request.h"

namespace proxenos::filters::router {
namespace {

using base::kMillisecond;
using base::kSecond;
using route::Request;

class TimeoutsTest : public ::testing::Test {
 protected:
  // A request to a route with those fields of RouteAction, as text proto.
  void Read(const std::string& action, const Request::Fields& fields = {}, bool grpc = false,
            base::Nanos per_try = 0) {
    const auto table = route::Compile(R"(name: "r" virtual_hosts { name: "v" domains: "*" routes {
        match { prefix: "/" } route { cluster: "c" )" +
                                      action + "}}}");
    request_ = std::make_unique<Request>("/", "host", fields);
    const route::Route* route = table->Match(request_->Input());
    ASSERT_NE(route, nullptr);
    timeouts_ = Timeouts();
    timeouts_.Read(*route->forward(), grpc, per_try, respect_expected_, request_->head.headers);
  }
  std::string Announced(base::Nanos elapsed = 0) {
    timeouts_.Announce(elapsed, true, request_->head.headers);
    return Field("x-envoy-expected-rq-timeout-ms");
  }
  std::string Field(const std::string& name) {
    const http::Header* field = request_->head.headers.Find(name);
    return field == nullptr ? "none" : std::string(field->value());
  }

  std::unique_ptr<Request> request_;
  Timeouts timeouts_;
  bool respect_expected_ = false;
};

TEST_F(TimeoutsTest, OfTheRouteAndItsDefault) {
  Read("");
  EXPECT_EQ(timeouts_.whole(), 15 * kSecond);
  EXPECT_EQ(Announced(), "15000");
  Read("timeout { seconds: 3 }");
  EXPECT_EQ(timeouts_.whole(), 3 * kSecond);
  Read("timeout { seconds: 0 }");
  EXPECT_EQ(timeouts_.whole(), 0);
  EXPECT_EQ(Announced(), "none");
}

TEST_F(TimeoutsTest, OfTheRequestsOwnField) {
  Read("timeout { seconds: 3 }", {{"x-envoy-upstream-rq-timeout-ms", "250"}});
  EXPECT_EQ(timeouts_.whole(), 250 * kMillisecond);
  EXPECT_EQ(Field("x-envoy-upstream-rq-timeout-ms"), "none");
  EXPECT_EQ(Announced(), "250");
  for (const char* no_number : {"-5", "5x", ""}) {
    Read("timeout { seconds: 3 }", {{"x-envoy-upstream-rq-timeout-ms", no_number}});
    EXPECT_EQ(timeouts_.whole(), 3 * kSecond) << no_number;
    EXPECT_EQ(Field("x-envoy-upstream-rq-timeout-ms"), "none") << "it is for this proxy alone";
  }
}

TEST_F(TimeoutsTest, OfTheProxyBefore) {
  const Request::Fields fields = {{"x-envoy-expected-rq-timeout-ms", "100"},
                                  {"x-envoy-upstream-rq-timeout-ms", "250"}};
  Read("timeout { seconds: 3 }", fields);
  EXPECT_EQ(timeouts_.whole(), 250 * kMillisecond);
  respect_expected_ = true;
  Read("timeout { seconds: 3 }", fields);
  EXPECT_EQ(timeouts_.whole(), 100 * kMillisecond);
  EXPECT_EQ(Announced(), "100");
  Read("timeout { seconds: 3 }", {{"x-envoy-upstream-rq-timeout-ms", "250"}});
  EXPECT_EQ(timeouts_.whole(), 250 * kMillisecond);
  Read("timeout { seconds: 3 }", {{"x-envoy-expected-rq-timeout-ms", "soon"}});
  EXPECT_EQ(timeouts_.whole(), 3 * kSecond);
}

TEST_F(TimeoutsTest, TryShorterThanTheWhole) {
  Read("timeout { seconds: 3 }", {}, false, kSecond);
  EXPECT_EQ(timeouts_.per_try(), kSecond);
  EXPECT_EQ(Announced(), "1000");
  Read("timeout { seconds: 3 }", {}, false, 3 * kSecond);
  EXPECT_EQ(timeouts_.per_try(), 0);
  EXPECT_EQ(Announced(), "3000");
  Read("timeout { seconds: 0 }", {}, false, 3 * kSecond);
  EXPECT_EQ(timeouts_.per_try(), 3 * kSecond);
}

TEST_F(TimeoutsTest, RetriesAreToldWhatIsLeft) {
  Read("timeout { seconds: 3 }", {}, false, kSecond);
  EXPECT_EQ(Announced(kSecond), "1000");
  EXPECT_EQ(Announced(2500 * kMillisecond), "500");
  EXPECT_EQ(Announced(5 * kSecond), "1") << "0 would mean without end";
}

// The end of its time is not the end of a try that is hedged.
TEST_F(TimeoutsTest, HedgedTriesAreToldWhatTheWholeHasLeft) {
  Read("timeout { seconds: 3 }", {}, false, kSecond);
  timeouts_.Hedge();
  EXPECT_EQ(Announced(), "3000");
  EXPECT_EQ(Announced(kSecond), "2000");
  EXPECT_EQ(timeouts_.per_try(), kSecond);
  Read("timeout { seconds: 0 }", {}, false, kSecond);
  timeouts_.Hedge();
  EXPECT_EQ(Announced(), "none");
}

TEST_F(TimeoutsTest, MaxStreamDurationTakesTheirPlace) {
  Read("timeout { seconds: 3 } max_stream_duration {}");
  EXPECT_EQ(timeouts_.whole(), 0);
  EXPECT_EQ(Announced(), "none");
  Read("max_stream_duration { grpc_timeout_header_max { seconds: 2 } }", {{"grpc-timeout", "1S"}},
       true);
  EXPECT_EQ(timeouts_.whole(), 0);
  EXPECT_EQ(Announced(), "none");
  EXPECT_EQ(Field("grpc-timeout"), "1S") << "that is the stream's business";
  // What the request's sender asks for counts all the same.
  Read("max_stream_duration {}", {{"x-envoy-upstream-rq-timeout-ms", "250"}});
  EXPECT_EQ(timeouts_.whole(), 250 * kMillisecond);
}

TEST_F(TimeoutsTest, MaxGrpcTimeoutOfGrpcCalls) {
  constexpr char kAction[] = "timeout { seconds: 3 } max_grpc_timeout { seconds: 2 }";
  Read(kAction, {{"grpc-timeout", "1S"}}, true);
  EXPECT_EQ(timeouts_.whole(), kSecond);
  EXPECT_EQ(Announced(), "1000");
  EXPECT_EQ(Field("grpc-timeout"), "1000m");
  Read(kAction, {{"grpc-timeout", "1M"}}, true);
  EXPECT_EQ(timeouts_.whole(), 2 * kSecond);
  Announced();
  EXPECT_EQ(Field("grpc-timeout"), "2000m");
  Read(kAction, {}, true);  // None is without end, which is above the cap.
  EXPECT_EQ(timeouts_.whole(), 2 * kSecond);
  Read(kAction, {{"grpc-timeout", "1S"}}, false);  // No gRPC call.
  EXPECT_EQ(timeouts_.whole(), 3 * kSecond);
  Announced();
  EXPECT_EQ(Field("grpc-timeout"), "1S");
  Read("max_grpc_timeout { seconds: 0 }", {{"grpc-timeout", "1M"}}, true);
  EXPECT_EQ(timeouts_.whole(), 60 * kSecond);
  Read("max_grpc_timeout { seconds: 0 }", {}, true);
  EXPECT_EQ(timeouts_.whole(), 0);
}

TEST_F(TimeoutsTest, GrpcTimeoutOffset) {
  constexpr char kAction[] =
      "max_grpc_timeout { seconds: 0 } grpc_timeout_offset { nanos: 100000000 }";
  Read(kAction, {{"grpc-timeout", "1S"}}, true);
  EXPECT_EQ(timeouts_.whole(), 900 * kMillisecond);
  Read(kAction, {{"grpc-timeout", "100m"}}, true);
  EXPECT_EQ(timeouts_.whole(), 100 * kMillisecond) << "nothing would be left";
}

}  // namespace
}  // namespace proxenos::filters::router
