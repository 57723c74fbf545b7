// Connections that carry many requests at once, through a whole proxy: HTTP/1.1 clients, one HTTP/2
// origin on the same loop. After each test, no count is left behind.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/http2_origin.h"
#include "test/support/proxy_loop.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;
using http2::ErrorCode;
using testing::Http2Origin;
using testing::Http2OriginStream;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kGet[] = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kPost[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

class Http2PoolTest : public ::testing::Test {
 protected:
  Http2PoolTest() : origin_(proxy_.loop()) {
    proxy_.cluster->protocol = HttpProtocol::kHttp2;
    proxy_.cluster->http2.options.max_concurrent_streams = 1024;
  }
  void Start() {
    proxy_.Start();
    proxy_.SetHosts({origin_.port()});
  }
  Peer Ask(const char* request = kGet) {
    Peer client = proxy_.Connect();
    client.Send(request);
    return client;
  }
  bool Gets(Peer& peer, const std::string& text) {
    return proxy_.Until([&] { return peer.Got(text); });
  }
  // Waits until `count` requests have come in all; the last of them.
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
    EXPECT_EQ(proxy_.counts().connections.count(), stats().upstream_cx_active.value());
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }

  ProxyLoop proxy_;
  Http2Origin origin_;
};

TEST_F(Http2PoolTest, ManyRequestsShareOneConnection) {
  Start();
  origin_.on_request = [](Http2OriginStream& stream) {
    stream.Reply(200, {{"x-path", std::string(stream.head().path)}}, "body");
  };
  std::vector<Peer> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Ask());
  for (Peer& client : clients) {
    EXPECT_TRUE(Gets(client, "body"));
    EXPECT_TRUE(client.Got("HTTP/1.1 200 OK"));
    EXPECT_TRUE(client.Got("x-path: /path"));
  }
  EXPECT_EQ(origin_.connections().size(), 1u);
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_http2_total.value(), 1u);
  EXPECT_EQ(stats().upstream_rq_total.value(), 20u);
  EXPECT_EQ(origin_.stream(0).head().authority, "a");
  EXPECT_EQ(origin_.stream(0).head().scheme, "http");
  ExpectNothingLeft();
}

TEST_F(Http2PoolTest, BodiesAndTrailersBothWays) {
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

// Requests that wait for a connection on its way do not each ask for one.
TEST_F(Http2PoolTest, HostsLimitOpensAnotherConnection) {
  origin_.options.max_concurrent_streams = 2;
  Start();
  std::vector<Peer> clients;
  clients.push_back(Ask());
  ASSERT_NE(Stream(1), nullptr);
  proxy_.Settle();  // The host's SETTINGS are known.
  for (int i = 0; i < 3; ++i) clients.push_back(Ask());
  ASSERT_NE(Stream(4), nullptr);
  EXPECT_EQ(origin_.connections().size(), 2u);
  for (const auto& connection : origin_.connections()) {
    EXPECT_EQ(connection->streams().size(), 2u);
  }
  for (size_t i = 0; i < 4; ++i) origin_.stream(i).Reply(200, {}, "done");
  for (Peer& client : clients) EXPECT_TRUE(Gets(client, "done"));
  ExpectNothingLeft();
}

TEST_F(Http2PoolTest, OwnLimitAndMaxConnectionsMakeOthersWait) {
  proxy_.cluster->http2.options.max_concurrent_streams = 1;
  proxy_.cluster->thresholds[0].max_connections = 1;
  Start();
  Peer first = Ask();
  ASSERT_NE(Stream(1), nullptr);
  Peer second = Ask();
  proxy_.Settle();
  EXPECT_EQ(origin_.stream_count(), 1u);
  EXPECT_EQ(stats().upstream_rq_pending_active.value(), 1u);
  origin_.stream(0).Reply(200, {}, "one");
  EXPECT_TRUE(Gets(first, "one"));
  Http2OriginStream* stream = Stream(2);
  ASSERT_NE(stream, nullptr);
  stream->Reply(200, {}, "two");
  EXPECT_TRUE(Gets(second, "two"));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(Http2PoolTest, MaxRequestsPerConnection) {
  proxy_.cluster->max_requests_per_connection = 2;
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  std::vector<Peer> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(Ask());
    EXPECT_TRUE(Gets(clients.back(), "fine"));
  }
  EXPECT_EQ(stats().upstream_cx_total.value(), 2u);
  EXPECT_EQ(stats().upstream_cx_max_requests.value(), 2u);
  EXPECT_TRUE(proxy_.Until([&] { return origin_.connections()[0]->ended(); }));
  EXPECT_EQ(origin_.connections()[0]->goaway(), ErrorCode::kNoError);
  ExpectNothingLeft();
}

// A request the host has surely not begun with is sent again, whatever its method.
TEST_F(Http2PoolTest, RefusedStreamIsSentAgainOnce) {
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

// Other resets are no invitation to do it again.
TEST_F(Http2PoolTest, ResetByTheHost) {
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

constexpr char kRetryRoutes[] = R"(
  name: "r"
  virtual_hosts {
    name: "all" domains: "*"
    routes { match { prefix: "/" }
             route { cluster: "origin"
                     retry_policy { retry_on: "reset" num_retries { value: 3 } } } }
  })";

TEST_F(Http2PoolTest, ResetIsRetriedWhereThePolicySaysSo) {
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

// Streams that GOAWAY leaves out are sent again on another connection; those before it finish.
TEST_F(Http2PoolTest, GoAwayDrains) {
  Start();
  Peer first = Ask();
  ASSERT_NE(Stream(1), nullptr);
  origin_.connections()[0]->session().SendGoAway(ErrorCode::kNoError);
  origin_.connections()[0]->Flush();
  // Begun before the proxy knows: the GOAWAY names the first stream only.
  Peer second = Ask(kPost);
  Http2OriginStream* again = nullptr;
  ASSERT_TRUE(proxy_.Until([&] { return origin_.connections().size() == 2; }));
  ASSERT_TRUE(proxy_.Until([&] { return origin_.connections()[1]->streams().size() == 1; }));
  again = origin_.connections()[1]->streams()[0].get();
  ASSERT_TRUE(proxy_.Until([&] { return again->complete(); }));
  again->Reply(200, {}, "second");
  EXPECT_TRUE(Gets(second, "second"));
  origin_.stream(0).Reply(200, {}, "first");
  EXPECT_TRUE(Gets(first, "first"));
  EXPECT_TRUE(proxy_.Until([&] { return stats().upstream_cx_active.value() == 1; }));
  EXPECT_EQ(stats().upstream_cx_close_notify.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(Http2PoolTest, BrokenConnectionEndsAllItsStreams) {
  Start();
  Peer first = Ask(kPost);
  Peer second = Ask(kPost);
  ASSERT_NE(Stream(2), nullptr);
  origin_.connections()[0]->Close();
  for (Peer* client : {&first, &second}) {
    EXPECT_TRUE(Gets(*client, "HTTP/1.1 503"));
    EXPECT_TRUE(client->Got("connection termination"));
  }
  EXPECT_EQ(stats().upstream_cx_destroy_remote_with_active_rq.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_active.value(), 0u);
  ExpectNothingLeft();
}

// A client that goes away costs its stream, not the connection.
TEST_F(Http2PoolTest, ClientGoesAway) {
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

TEST_F(Http2PoolTest, ClientGoesAwayBeforeTheConnectionIsMade) {
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
TEST_F(Http2PoolTest, EarlyResponse) {
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

TEST_F(Http2PoolTest, InterimResponsesPass) {
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
TEST_F(Http2PoolTest, SlowReaderHoldsItsWindowOnly) {
  proxy_.cluster->http2.options.initial_stream_window = 65535;
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
TEST_F(Http2PoolTest, SlowHostHoldsTheClientBack) {
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

TEST_F(Http2PoolTest, IdleConnectionCloses) {
  proxy_.cluster->idle_timeout = 10 * kSecond;
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "fine"));
  proxy_.Advance(9 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(origin_.connections()[0]->ended());
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return origin_.connections()[0]->ended(); }));
  EXPECT_EQ(stats().upstream_cx_idle_timeout.value(), 1u);
  ExpectNothingLeft();
}

constexpr char kPatientRoutes[] = R"(
  name: "r"
  virtual_hosts {
    name: "all" domains: "*"
    routes { match { prefix: "/" } route { cluster: "origin" timeout { seconds: 0 } } }
  })";

TEST_F(Http2PoolTest, KeepalivePings) {
  proxy_.routes = kPatientRoutes;
  proxy_.cluster->idle_timeout = 0;
  proxy_.cluster->http2.keepalive.interval = 10 * kSecond;
  proxy_.cluster->http2.keepalive.timeout = 5 * kSecond;
  Start();
  Peer client = Ask();
  ASSERT_NE(Stream(1), nullptr);
  for (int i = 0; i < 5; ++i) {  // Answered each time.
    proxy_.Advance(12 * kSecond);
    proxy_.Settle();
  }
  EXPECT_EQ(stats().upstream_cx_active.value(), 1u);
  // The host is there no more, without a word.
  origin_.connections()[0]->deaf = true;
  proxy_.Advance(12 * kSecond);
  proxy_.Settle();
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_EQ(proxy_.worker_cluster().http2_stats().keepalive_timeout.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_active.value(), 0u);
  ExpectNothingLeft();
}

TEST_F(Http2PoolTest, GarbageIsAProtocolError) {
  Start();
  proxy_.SetHosts({proxy_.origin_port()});
  Peer client = Ask(kPost);
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "PRI * HTTP/2.0"));
  origin.Send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(Gets(client, "HTTP/1.1 502"));
  EXPECT_TRUE(client.Got("protocol error"));
  EXPECT_GE(stats().upstream_cx_protocol_error.value(), 1u);
  EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
  ExpectNothingLeft();
}

TEST_F(Http2PoolTest, ReplacedClusterFinishesWhatItHas) {
  Start();
  Peer busy = Ask();
  ASSERT_NE(Stream(1), nullptr);
  proxy_.PublishCluster();
  Peer other = Ask();
  ASSERT_NE(Stream(2), nullptr);
  EXPECT_EQ(origin_.connections().size(), 2u);
  origin_.stream(0).Reply(200, {}, "old");
  origin_.stream(1).Reply(200, {}, "new");
  EXPECT_TRUE(Gets(busy, "old"));
  EXPECT_TRUE(Gets(other, "new"));
  EXPECT_TRUE(proxy_.Until([&] { return origin_.connections()[0]->ended(); }));
  EXPECT_EQ(origin_.connections()[0]->goaway(), ErrorCode::kNoError);
  ExpectNothingLeft();
}

constexpr char kUpgrade[] =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

// An upgrade is an extended CONNECT there (RFC 8441).
TEST_F(Http2PoolTest, UpgradeBecomesExtendedConnect) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.cluster->http2.options.allow_connect = true;
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

// Its SETTINGS never come: the request fails instead of trying again without end.
TEST_F(Http2PoolTest, HostThatBreaksOffBeforeItsSettings) {
  proxy_.cluster->http2.options.allow_connect = true;
  Start();
  proxy_.SetHosts({proxy_.origin_port()});
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "PRI * HTTP/2.0"));
  origin.Close();
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(Http2PoolTest, HostWithoutExtendedConnect) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.cluster->http2.options.allow_connect = true;
  Start();
  Peer client = Ask(kUpgrade);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_TRUE(client.Got("local reset"));
  EXPECT_EQ(origin_.stream_count(), 0u);
  ExpectNothingLeft();
}

// use_downstream_protocol_config: what came in HTTP/1.1 goes on in it.
TEST_F(Http2PoolTest, ProtocolOfTheRequest) {
  proxy_.cluster->protocol = HttpProtocol::kDownstream;
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "GET /path HTTP/1.1"));
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(Gets(client, "ok"));
  EXPECT_EQ(stats().upstream_cx_http1_total.value(), 1u);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::upstream
