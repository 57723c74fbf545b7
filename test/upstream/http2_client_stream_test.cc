// Single exchanges over HTTP/2: bodies, flow control, resets, upgrades. After each test, no count
// is left behind.
#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "test/upstream/http2_pool_fixture.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;
using http2::ErrorCode;
using testing::Http2OriginStream;
using testing::Peer;

class Http2ClientStreamTest : public Http2PoolFixture {};

TEST_F(Http2ClientStreamTest, BodiesAndTrailersBothWays) {
  proxy_.cluster->response_trailers = true;
  Start();
  Peer client =
      Ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n"
          "5\r\nhello\r\n0\r\n\r\n");
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  ASSERT_TRUE(proxy_.Until([&] { return stream->complete(); }));
  EXPECT_EQ(stream->body(), "hello");
  stream->Reply(200, {}, "world", {{"x-end", "yes"}});
  EXPECT_TRUE(Gets(client, "0\r\n"));
  EXPECT_TRUE(client.Got("5\r\nworld\r\n"));
  ExpectNothingLeft();
}

// A request the host has surely not begun with is sent again, whatever its method.
TEST_F(Http2ClientStreamTest, RefusedStreamIsSentAgainOnce) {
  Start();
  origin_.refuse_all = true;
  Peer client = Ask(kPost);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_TRUE(client.Got("remote refused stream reset"));
  EXPECT_EQ(stats().upstream_rq_total.value(), 2u);
  client.Forget();
  // The second try succeeds.
  int refused = 0;
  origin_.refuse_all = false;
  origin_.on_request = [&refused](Http2OriginStream& stream) {
    if (refused++ == 0) {
      stream.Reset(ErrorCode::kRefusedStream);
    } else {
      stream.Reply(200, {}, "second");
    }
  };
  client.Send(kPost);
  EXPECT_TRUE(Gets(client, "second"));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

// The host breaks off while a request waits to be written: it cannot have seen it.
TEST_F(Http2ClientStreamTest, RequestThatNeverLeftGoesToAnotherConnection) {
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "answer"); };
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "answer"));
  client.Forget();
  client.Send(kPost);  // Both are there in one turn, the request first.
  origin_.connections()[0]->Close();
  EXPECT_TRUE(Gets(client, "answer"));
  EXPECT_TRUE(client.Got("HTTP/1.1 200 OK"));
  EXPECT_EQ(stats().upstream_cx_total.value(), 2u);
  EXPECT_EQ(origin_.stream_count(), 2u);
  ExpectNothingLeft();
}

// Other resets are no invitation to do it again.
TEST_F(Http2ClientStreamTest, ResetByTheHost) {
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reset(ErrorCode::kInternalError); };
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_TRUE(client.Got("reset reason: remote reset"));
  EXPECT_EQ(origin_.stream_count(), 1u);
  EXPECT_EQ(stats().upstream_rq_rx_reset.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_active.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(Http2ClientStreamTest, ResetForAProtocolError) {
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reset(ErrorCode::kProtocolError); };
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "HTTP/1.1 502"));
  EXPECT_TRUE(client.Got("reset reason: protocol error"));
  EXPECT_EQ(stats().upstream_rq_rx_reset.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_protocol_error.value(), 0u) << "the host kept to the protocol";
  ExpectNothingLeft();
}

constexpr char kRetryRoutes[] = R"(
  name: "r"
  virtual_hosts {
    name: "all" domains: "*"
    routes { match { prefix: "/" }
             route { cluster: "origin"
                     retry_policy { retry_on: "reset" num_retries { value: 3 } } } }
  })";

TEST_F(Http2ClientStreamTest, ResetIsRetriedWhereThePolicySaysSo) {
  proxy_.routes = kRetryRoutes;
  Start();
  int resets = 0;
  origin_.on_request = [&resets](Http2OriginStream& stream) {
    if (resets++ < 2) {
      stream.Reset(ErrorCode::kInternalError);
    } else {
      stream.Reply(200, {}, "third");
    }
  };
  Peer client = Ask();
  for (uint64_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == i; }));
    proxy_.Advance(kSecond);
  }
  EXPECT_TRUE(Gets(client, "third"));
  ExpectNothingLeft();
}

// A client that goes away costs its stream, not the connection.
TEST_F(Http2ClientStreamTest, ClientGoesAway) {
  Start();
  Peer gone = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  Peer stays = Ask();
  ASSERT_NE(Stream(2), nullptr);
  gone.Close();
  ASSERT_TRUE(proxy_.Until([&] { return stream->reset().has_value(); }));
  EXPECT_EQ(stream->reset(), ErrorCode::kCancel);
  origin_.stream(1).Reply(200, {}, "still");
  EXPECT_TRUE(Gets(stays, "still"));
  EXPECT_EQ(stats().upstream_cx_destroy.value(), 0u);
  EXPECT_EQ(stats().upstream_rq_tx_reset.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(Http2ClientStreamTest, ClientGoesAwayBeforeTheConnectionIsMade) {
  Start();
  Peer gone = Ask();
  while (proxy_.cluster_stats().upstream_rq_pending_total.value() == 0) proxy_.Turn();
  gone.Close();
  proxy_.Settle();
  EXPECT_EQ(origin_.stream_count(), 0u);
  origin_.on_request = [](Http2OriginStream& other) { other.Reply(200, {}, "next"); };
  Peer next = Ask();
  EXPECT_TRUE(Gets(next, "next"));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

// The response is complete before the request is: the rest of the request is not wanted.
TEST_F(Http2ClientStreamTest, EarlyResponse) {
  Start();
  origin_.on_head = true;
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(413, {}, "too large"); };
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
  EXPECT_TRUE(Gets(client, "too large"));
  Http2OriginStream& stream = origin_.stream(0);
  EXPECT_TRUE(proxy_.Until([&] { return stream.reset().has_value(); }));
  ExpectNothingLeft();
  EXPECT_EQ(stats().upstream_cx_active.value(), 1u);
}

TEST_F(Http2ClientStreamTest, InterimResponsesPass) {
  Start();
  Peer client = Ask();
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  stream->SendInformational(103, {{"link", "</style.css>; rel=preload"}});
  EXPECT_TRUE(Gets(client, "HTTP/1.1 103"));
  EXPECT_TRUE(client.Got("link: </style.css>; rel=preload"));
  stream->SendInformational(103, {{"link", "</two.css>"}});
  stream->Reply(200, {}, "final");
  EXPECT_TRUE(Gets(client, "final"));
  EXPECT_TRUE(client.Got("</two.css>"));
  EXPECT_EQ(client.Received().find("two.css"), client.Received().rfind("two.css"));
  ExpectNothingLeft();
}

// A client that does not read holds its stream's window and no more; another one is not disturbed.
TEST_F(Http2ClientStreamTest, SlowReaderHoldsItsWindowOnly) {
  proxy_.cluster->http2.Mutable().options.initial_stream_window = 65535;
  Start();
  const std::string large(32 << 20, 'x');
  origin_.on_request = [&large](Http2OriginStream& stream) {
    stream.Reply(200, {}, stream.head().path == "/large" ? large : "small");
  };
  Peer slow = Ask("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_NE(Stream(1), nullptr);
  uint64_t held;
  do {  // Until the kernel's buffers are full.
    held = stats().upstream_cx_rx_bytes_total.value();
    proxy_.Settle();
  } while (stats().upstream_cx_rx_bytes_total.value() != held);
  EXPECT_LT(held, large.size() * 3 / 4) << "the proxy does not hold the body";
  Peer other = Ask();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(Gets(other, "small"));
    other.Forget();
    other.Send(kGet);
  }
  EXPECT_TRUE(Gets(other, "small"));
  size_t got = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    got += slow.Received().size();
    slow.Forget();
    return got >= large.size();
  }));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

// The same the other way: a host that gives no credit holds the client back.
TEST_F(Http2ClientStreamTest, SlowHostHoldsTheClientBack) {
  Start();
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n");
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  stream->hold_credit = true;
  const std::string piece(1 << 16, 'y');
  size_t left = 32 << 20;
  const auto feed = [&] {
    left -= client.Send(absl::string_view(piece).substr(0, std::min(left, piece.size())));
  };
  for (int i = 0; i < 2000; ++i) {
    feed();
    proxy_.Turn();
  }
  EXPECT_GT(left, 16u << 20) << "the proxy does not hold the body";
  EXPECT_LE(stream->body().size(), origin_.options.initial_stream_window);
  stream->hold_credit = false;
  stream->GiveCredit(stream->body().size());
  ASSERT_TRUE(proxy_.Until([&] {
    if (left > 0) feed();
    return stream->complete();
  }));
  EXPECT_EQ(stream->body().size(), 32u << 20);
  stream->Reply(200, {}, "took it");
  EXPECT_TRUE(Gets(client, "took it"));
  ExpectNothingLeft();
}

constexpr char kUpgrade[] =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// An upgrade is an extended CONNECT there (RFC 8441).
TEST_F(Http2ClientStreamTest, UpgradeBecomesExtendedConnect) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.cluster->http2.Mutable().options.allow_connect = true;
  origin_.options.allow_connect = true;
  Start();
  Peer client = Ask(kUpgrade);
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->head().upgrade, "websocket");
  EXPECT_EQ(stream->head().path, "/chat");
  stream->SendHead(101, {}, false);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 101"));
  EXPECT_TRUE(client.Got("upgrade: websocket"));
  EXPECT_TRUE(client.Got("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) << "ours to say";
  client.Send("ping");
  EXPECT_TRUE(proxy_.Until([&] { return stream->body() == "ping"; }));
  stream->SendBody("pong", false);
  EXPECT_TRUE(Gets(client, "pong"));
  client.Close();
  EXPECT_TRUE(proxy_.Until([&] { return stream->complete(); }));
  stream->SendBody("", true);
  EXPECT_TRUE(proxy_.Until([&] { return stream->closed(); }));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

// What says that the host takes it comes behind the first request to it.
TEST_F(Http2ClientStreamTest, UpgradeWaitsForTheSettings) {
  proxy_.http.upgrades = {"websocket"};
  origin_.options.allow_connect = true;
  Start();
  Peer client = Ask(kUpgrade);
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->head().upgrade, "websocket");
  stream->SendHead(101, {}, false);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 101"));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  client.Close();
  EXPECT_TRUE(proxy_.Until([&] { return stream->complete(); }));
  stream->SendBody("", true);
  EXPECT_TRUE(proxy_.Until([&] { return stream->closed(); }));
  ExpectNothingLeft();
}

TEST_F(Http2ClientStreamTest, SettingsThatSayNothingOfExtendedConnect) {
  proxy_.http.upgrades = {"websocket"};
  Start();
  Peer client = Ask(kUpgrade);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_TRUE(client.Got("local reset"));
  EXPECT_EQ(origin_.stream_count(), 0u);
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(Http2ClientStreamTest, HostWithoutExtendedConnect) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.cluster->http2.Mutable().options.allow_connect = true;
  Start();
  Peer client = Ask(kUpgrade);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_TRUE(client.Got("local reset"));
  EXPECT_EQ(origin_.stream_count(), 0u);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::upstream
