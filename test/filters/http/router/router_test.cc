// The router between an HTTP/1.1 client and an HTTP/2 origin: responses that break off, limits on
// how long a try may take, retries of gRPC calls.
#include "source/filters/http/router/router.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "source/stats/request_origin.h"
#include "test/support/http2_origin.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using base::kSecond;
using http2::ErrorCode;
using testing::Http2Origin;
using testing::Http2OriginStream;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Routes to the origin without a timeout, with more of RouteAction, as text proto.
std::string Routes(const std::string& action) {
  return R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
      match { prefix: "/" }
      route { cluster: "origin" timeout { seconds: 0 } )" +
         action + "}}}";
}

// Puts fields into requests, which of clients none but trusted ones may.
class AskerFactory final : public filter::FilterFactory {
 public:
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    class Asker final : public filter::HttpFilter {
      filter::Verdict OnRequestHeaders(http::RequestHead& head, bool) override {
        head.headers.Add("x-envoy-upstream-rq-timeout-ms", "100");
        head.headers.Add("x-envoy-upstream-rq-timeout-alt-response", "any");
        head.headers.Add("x-envoy-upstream-alt-stat-name", "other");
        return filter::Verdict::kContinue;
      }
    };
    return std::make_unique<Asker>();
  }
};

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() : origin_(proxy_.loop()) {
    proxy_.cluster->protocol = upstream::HttpProtocol::kHttp2;
  }
  void Start(const std::string& action = "") {
    proxy_.routes = Routes(action);
    proxy_.Start();
    proxy_.SetHosts({origin_.port()});
  }
  Peer Ask(const std::string& request = kGet) {
    Peer client = proxy_.Connect();
    client.Send(request);
    return client;
  }
  bool Gets(Peer& client, const std::string& text) {
    return proxy_.Until([&] { return client.Got(text); });
  }
  bool Ends(Peer& client) {
    return proxy_.Until([&] { return client.Ended(); });
  }
  // Waits until `count` requests have come to the origin in all; the last of them.
  Http2OriginStream* Stream(size_t count) {
    const bool came = proxy_.Until(
        [&] { return origin_.stream_count() >= count && origin_.stream(count - 1).has_head(); });
    EXPECT_TRUE(came);
    return came ? &origin_.stream(count - 1) : nullptr;
  }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }

  ProxyLoop proxy_;
  Http2Origin origin_;
};

// Body and RST_STREAM in one read: the client gets the one before it notices the other.
TEST_F(RouterTest, WhatComesWithAResetIsDelivered) {
  Start();
  Peer client = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  stream->SendHead(200, {}, false);
  ASSERT_TRUE(Gets(client, "HTTP/1.1 200 OK"));
  stream->SendBody("the last words", false);
  stream->connection().session().ResetWhenSent(stream->id(), ErrorCode::kInternalError);
  stream->connection().Flush();
  ASSERT_TRUE(Ends(client));
  EXPECT_TRUE(client.Got("the last words"));
  EXPECT_EQ(stats().upstream_rq_rx_reset.value(), 1u);
  ExpectNothingLeft();
}

// The head too.
TEST_F(RouterTest, WhatComesWithAResetIsDeliveredFromTheHeadOn) {
  Start();
  Peer client = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  stream->SendHead(200, {}, false);
  stream->SendBody("all there is", false);
  stream->connection().session().ResetWhenSent(stream->id(), ErrorCode::kInternalError);
  stream->connection().Flush();
  ASSERT_TRUE(Ends(client));
  EXPECT_TRUE(client.Got("HTTP/1.1 200 OK"));
  EXPECT_TRUE(client.Got("\r\nall there is\r\n"));
  EXPECT_FALSE(client.Got("\r\n0\r\n")) << "the response is not complete, and must not look so";
  ExpectNothingLeft();
}

// More than the client takes at once: nothing of it is lost.
TEST_F(RouterTest, SlowClientGetsAllThatCameBeforeAReset) {
  proxy_.downstream_buffer_bytes = 4096;
  proxy_.downstream_send_bytes = 4096;
  Start();
  Peer client = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  const std::string body(60000, 'z');
  stream->SendHead(200, {}, false);
  stream->SendBody(body, false);
  stream->connection().session().ResetWhenSent(stream->id(), ErrorCode::kInternalError);
  stream->connection().Flush();
  for (int turns = 0; turns < 200; ++turns) proxy_.Turn();  // While the client does not read.
  ASSERT_TRUE(Ends(client));
  const std::string& all = client.Received();
  const auto begin = all.begin() + static_cast<ptrdiff_t>(all.find("\r\n\r\n"));
  EXPECT_EQ(std::count(begin, all.end(), 'z'), static_cast<ptrdiff_t>(body.size()));
  ExpectNothingLeft();
}

// Responses of more than small buffers hold, within three seconds.
class SlowClientTest : public RouterTest {
 protected:
  SlowClientTest() {
    proxy_.downstream_buffer_bytes = 4096;
    proxy_.downstream_send_bytes = 4096;
  }
  // A client that has taken nothing yet of a body of `size` bytes, with which the host is done as
  // far as there was room.
  Peer Begin(size_t size) {
    proxy_.routes = R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
        match { prefix: "/" } route { cluster: "origin" timeout { seconds: 3 } } } })";
    proxy_.Start();
    proxy_.SetHosts({origin_.port()});
    Peer client = Ask();
    Http2OriginStream* stream = Stream(1);
    if (stream == nullptr) return client;
    stream->Reply(200, {{"content-length", std::to_string(size)}}, std::string(size, 'z'));
    SomeTurns();
    return client;
  }
  void SomeTurns() {
    for (int turns = 0; turns < 200; ++turns) proxy_.Turn();
  }
  // How much of the body the client has; the rest are the head and what frames chunks.
  static size_t Taken(Peer& client) {
    const std::string& all = client.Received();
    return static_cast<size_t>(std::count(all.begin(), all.end(), 'z'));
  }
};

// A host that has said all in time was not late, however slowly the client takes it.
TEST_F(SlowClientTest, TimesEndWithTheHostsResponse) {
  proxy_.cluster->max_stream_duration = 5 * kSecond;
  Peer client = Begin(60000);
  proxy_.Advance(10 * kSecond);
  SomeTurns();
  EXPECT_TRUE(proxy_.Until([&] { return Taken(client) == 60000; }));
  EXPECT_EQ(stats().upstream_rq_timeout.value(), 0u);
  EXPECT_EQ(stats().upstream_rq_max_duration_reached.value(), 0u);
  ExpectNothingLeft();
}

// Nor is one that waits for a client which goes on taking.
TEST_F(SlowClientTest, HostThatWaitsForTheClientIsNotLate) {
  constexpr size_t kSize = 2'000'000;
  Peer client = Begin(kSize);
  for (int i = 0; i < 1000 && Taken(client) < kSize; ++i) {
    SomeTurns();  // Room for more.
    proxy_.Advance(4 * kSecond);
    SomeTurns();
  }
  EXPECT_EQ(Taken(client), kSize);
  EXPECT_EQ(stats().upstream_rq_timeout.value(), 0u);
  ExpectNothingLeft();
}

TEST_F(SlowClientTest, ClientThatTakesNothingIsCutOff) {
  Peer client = Begin(20'000'000);
  proxy_.Advance(4 * kSecond);  // It has taken what its buffers hold.
  SomeTurns();
  EXPECT_EQ(stats().upstream_rq_timeout.value(), 0u);
  proxy_.Advance(4 * kSecond);
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_timeout.value() == 1; }));
  EXPECT_TRUE(Ends(client));
  ExpectNothingLeft();
}

TEST_F(RouterTest, TryThatLastsTooLongIsAnswered) {
  proxy_.cluster->max_stream_duration = 5 * kSecond;
  Start();
  Peer client = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  proxy_.Advance(4 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Got("HTTP/1.1"));
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(Gets(client, "upstream max stream duration reached"));
  EXPECT_TRUE(client.Got("HTTP/1.1 504"));
  EXPECT_TRUE(proxy_.Until([&] { return stream->reset() == ErrorCode::kCancel; }));
  EXPECT_EQ(stats().upstream_rq_max_duration_reached.value(), 1u);
  EXPECT_EQ(stats().upstream_rq_tx_reset.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(RouterTest, WhatIsLateMayBeToldByNoContent) {
  proxy_.filters.push_back(std::make_shared<const AskerFactory>());
  Start();
  Peer client = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->Header("x-envoy-upstream-rq-timeout-alt-response"), "");
  EXPECT_EQ(stream->Header("x-envoy-upstream-alt-stat-name"), "");
  proxy_.Advance(kSecond);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 204 No Content\r\n"));
  EXPECT_TRUE(Gets(client, "\r\n\r\n"));
  EXPECT_FALSE(client.Got("upstream request timeout"));
  EXPECT_EQ(stats().upstream_rq_timeout.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(RouterTest, UploadThatLastsTooLongIsTheClientsFault) {
  proxy_.cluster->max_stream_duration = 5 * kSecond;
  Start();
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_NE(Stream(1), nullptr);
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 408"));
  ExpectNothingLeft();
}

TEST_F(RouterTest, ResponseThatLastsTooLongIsCut) {
  proxy_.cluster->max_stream_duration = 5 * kSecond;
  Start();
  Peer client = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  stream->SendHead(200, {}, false);
  ASSERT_TRUE(Gets(client, "HTTP/1.1 200"));
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(Ends(client));
  EXPECT_EQ(stats().upstream_rq_max_duration_reached.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(RouterTest, EachTryHasItsOwnDuration) {
  proxy_.cluster->max_stream_duration = 5 * kSecond;
  Start("retry_policy { retry_on: \"reset\" num_retries { value: 1 } }");
  Peer client = Ask();
  ASSERT_NE(Stream(1), nullptr);
  proxy_.Advance(6 * kSecond);
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == 1; }));
  proxy_.Advance(kSecond);  // The back-off.
  Http2OriginStream* second = Stream(2);
  ASSERT_NE(second, nullptr);
  proxy_.Advance(4 * kSecond);
  second->Reply(200, {}, "in time");
  EXPECT_TRUE(Gets(client, "in time"));
  ExpectNothingLeft();
}

// An upload may last longer than a try: its time begins once the request is complete.
TEST_F(RouterTest, TriesAreTimedFromTheEndOfTheRequest) {
  Start("retry_policy { per_try_timeout { seconds: 5 } }");
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  ASSERT_NE(Stream(1), nullptr);
  proxy_.Advance(20 * kSecond);
  proxy_.Settle();
  EXPECT_EQ(stats().upstream_rq_per_try_timeout.value(), 0u);
  client.Send("cd");
  ASSERT_TRUE(proxy_.Until([&] { return origin_.stream(0).complete(); }));
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 504"));
  EXPECT_EQ(stats().upstream_rq_per_try_timeout.value(), 1u);
  ExpectNothingLeft();
}

constexpr char kCall[] =
    "POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nTE: trailers\r\n"
    "Content-Length: 5\r\n\r\nhello";

// A call that fails before it answers ("Trailers-Only") is tried again where the policy says so.
TEST_F(RouterTest, GrpcCallsAreRetriedByStatus) {
  Start("retry_policy { retry_on: \"unavailable,cancelled\" num_retries { value: 5 } }");
  int calls = 0;
  origin_.on_request = [&calls](Http2OriginStream& stream) {
    EXPECT_EQ(stream.body(), "hello") << "of call " << calls;
    const char* statuses[] = {"14", "1", "13"};
    stream.Reply(200, {{"content-type", "application/grpc"}, {"grpc-status", statuses[calls++]}});
  };
  Peer client = Ask(kCall);
  for (uint64_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == i; }));
    proxy_.Advance(kSecond);
  }
  EXPECT_TRUE(Gets(client, "grpc-status: 13")) << "INTERNAL is not among the words";
  EXPECT_EQ(calls, 3);
  const std::vector<std::pair<uint32_t, uint64_t>> counted = {
      {stats::StatusOf(stats::RequestOrigin::kRetried, 200), 2},
      {stats::StatusOf(stats::RequestOrigin::kExternal, 200), 1}};
  EXPECT_EQ(stats().upstream_rq.Read(), counted);
  ExpectNothingLeft();
}

// What was sent of a body is kept for the next try, up to the route's limit.
TEST_F(RouterTest, BodyAboveTheLimitIsSentOnce) {
  proxy_.routes = R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
      match { prefix: "/" } request_body_buffer_limit { value: 4 }
      route { cluster: "origin" retry_policy { retry_on: "5xx" } } } })";
  proxy_.Start();
  proxy_.SetHosts({origin_.port()});
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(500, {}, "no"); };
  Peer client = Ask(kCall);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 500"));
  EXPECT_EQ(origin_.stream_count(), 1u);
  EXPECT_EQ(stats().retry_or_shadow_abandoned.value(), 1u);
  EXPECT_EQ(stats().upstream_rq_retry.value(), 0u);
  ExpectNothingLeft();
}

// A large body, most of which waits while the host gives no credit, arrives whole the second time.
TEST_F(RouterTest, LargeBodyIsSentAgainWhole) {
  Start("retry_policy { retry_on: \"refused-stream,reset\" num_retries { value: 1 } }");
  std::string body;
  for (int i = 0; i < 30000; ++i) body += std::to_string(i);
  origin_.on_request = [this](Http2OriginStream& stream) {
    if (origin_.stream_count() == 1) {
      stream.Reset(ErrorCode::kInternalError);
    } else {
      stream.Reply(200, {}, "fine");
    }
  };
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n");
  size_t sent = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    sent += client.Send(absl::string_view(body).substr(sent));
    return sent == body.size() && stats().upstream_rq_retry.value() == 1;
  }));
  proxy_.Advance(kSecond);  // The back-off.
  EXPECT_TRUE(Gets(client, "fine"));
  EXPECT_EQ(origin_.stream(1).body(), body);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::filters::router
