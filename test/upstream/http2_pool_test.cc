// Connections that carry many requests at once: how many there are, and how they end. After each
// test, no count is left behind.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/http2_pool_fixture.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;
using http2::ErrorCode;
using testing::Http2OriginStream;
using testing::Peer;

class Http2PoolTest : public Http2PoolFixture {};

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
  proxy_.cluster->http2.Mutable().options.max_concurrent_streams = 1;
  proxy_.cluster->thresholds.Mutable()[0].max_connections = 1;
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
  proxy_.cluster->http2.Mutable().keepalive.interval = 10 * kSecond;
  proxy_.cluster->http2.Mutable().keepalive.timeout = 5 * kSecond;
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
  EXPECT_EQ(stats().upstream_cx_destroy_local_with_active_rq.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_destroy_remote.value(), 0u);
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

// Its SETTINGS never come: the request fails instead of trying again without end.
TEST_F(Http2PoolTest, HostThatBreaksOffBeforeItsSettings) {
  proxy_.cluster->http2.Mutable().options.allow_connect = true;
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
