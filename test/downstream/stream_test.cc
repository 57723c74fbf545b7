// The pump against hostile and slow peers on either side: cuts, early answers, back-pressure,
// tunnels, timeouts; and after each of them no count is left behind.
#include <string>

#include "gtest/gtest.h"
#include "test/support/proxy_loop.h"

namespace proxenos::downstream {
namespace {

using base::kMillisecond;
using base::kSecond;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class StreamTest : public ::testing::Test {
 protected:
  // A client's request under way at an origin that has read its head.
  void Exchange(const std::string& request) {
    client_ = proxy_.Connect();
    client_.Send(request);
    origin_ = proxy_.Accept();
    ASSERT_TRUE(origin_.valid());
    ASSERT_TRUE(proxy_.Until([this] { return origin_.Got("\r\n\r\n"); }));
  }
  bool ClientGets(const std::string& text) {
    return proxy_.Until([&] { return client_.Got(text); });
  }
  void ExpectAllGone() {
    client_.Close();
    EXPECT_TRUE(proxy_.Until([this] { return proxy_.listener().empty(); }));
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
  }

  ProxyLoop proxy_;
  Peer client_;
  Peer origin_;
};

TEST_F(StreamTest, KeptConnectionsServeOneAfterAnother) {
  proxy_.Start();
  Exchange(kGet);
  for (int i = 0; i < 5; ++i) {
    origin_.Send(kOk);
    ASSERT_TRUE(ClientGets("\r\n\r\nok"));
    client_.Forget();
    origin_.Forget();
    client_.Send(kGet);
    ASSERT_TRUE(proxy_.Until([this] { return origin_.Got("\r\n\r\n"); }));
  }
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_total.value(), 1u);
  origin_.Send(kOk);
  ASSERT_TRUE(ClientGets("\r\n\r\nok"));
  ExpectAllGone();
}

TEST_F(StreamTest, ResponsesWithoutABody) {
  proxy_.Start();
  Exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  origin_.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  ASSERT_TRUE(ClientGets("content-length: 1000\r\n"));
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    client_.Forget();
    origin_.Forget();
    client_.Send(kGet);
    ASSERT_TRUE(proxy_.Until([this] { return origin_.Got("\r\n\r\n"); }));
    origin_.Send(std::string("HTTP/1.1 ") + status + "\r\n\r\n");
    ASSERT_TRUE(ClientGets("\r\n\r\n")) << status;
    EXPECT_TRUE(client_.Got(status));
    EXPECT_FALSE(client_.Got("transfer-encoding")) << status;
  }
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_total.value(), 1u);
  ExpectAllGone();
}

TEST_F(StreamTest, InformationalResponsesDoNotDisturbTheFinalOne) {
  proxy_.Start();
  Exchange(kGet);
  origin_.Send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close\r\n\r\n");
  proxy_.Settle();
  origin_.Send("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(ClientGets("\r\n\r\nok"));
  EXPECT_TRUE(client_.Got("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")) << client_.Received();
  EXPECT_FALSE(client_.Ended());
  ExpectAllGone();
}

TEST_F(StreamTest, InformationalResponsesLoseWhatResponsesLose) {
  proxy_.routes = R"(
    response_headers_to_remove: "server-timing"
    virtual_hosts {
      name: "all" domains: "*"
      response_headers_to_remove: "x-secret"
      routes { match { prefix: "/" } route { cluster: "origin" }
               response_headers_to_remove: "via"
               response_headers_to_add { header { key: "x-added" value: "1" } } }
    })";
  proxy_.Start();
  Exchange(kGet);
  origin_.Send(
      "HTTP/1.1 103 Early Hints\r\nX-Secret: s\r\nLink: </a>\r\nVia: 1.1 b\r\n"
      "Server-Timing: db\r\n\r\n");
  proxy_.Settle();
  origin_.Send(kOk);
  ASSERT_TRUE(ClientGets("\r\n\r\nok"));
  EXPECT_TRUE(client_.Got("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")) << client_.Received();
  EXPECT_TRUE(client_.Got("x-added: 1\r\n"));
  ExpectAllGone();
}

TEST_F(StreamTest, ClientGoesAwayAndTheOriginIsTold) {
  for (const bool reset : {false, true}) {
    ProxyLoop proxy;
    proxy.Start();
    Peer client = proxy.Connect();
    client.Send(kGet);
    Peer origin = proxy.Accept();
    ASSERT_TRUE(proxy.Until([&] { return origin.Got("\r\n\r\n"); }));
    client.Close(reset);
    EXPECT_TRUE(proxy.Until([&] { return origin.Ended() && proxy.listener().empty(); }));
    EXPECT_EQ(proxy.cluster_stats().upstream_cx_active.value(), 0u);
    EXPECT_EQ(proxy.counts().connections.count(), 0u);
    proxy.ExpectNothingUnderWay();
  }
}

// The client's reset and more of the response arrive in the same turn, while the response waits for
// room: what was scheduled for the stream must come to nothing.
TEST_F(StreamTest, CutWhileScheduledAndOutOfRoom) {
  proxy_.downstream_buffer_bytes = 1024;
  proxy_.Start();
  for (int round = 0; round < 10; ++round) {
    Exchange(kGet);
    origin_.Send("HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n");
    const std::string block(256 * 1024, 'x');
    // Until the kernel takes no more towards the client and the proxy holds what it may.
    for (int i = 0; i < 200; ++i) {
      origin_.Send(block);
      proxy_.Turn();
    }
    client_.Received(512 * 1024);  // Makes both ends ready at once,
    origin_.Send(block);
    client_.Close(/*reset=*/true);  // and cuts.
    ASSERT_TRUE(proxy_.Until([this] { return proxy_.listener().empty(); }));
    origin_.Close();
    proxy_.Settle();
  }
  proxy_.ExpectNothingUnderWay();
}

TEST_F(StreamTest, SlowClientHoldsTheOriginBack) {
  proxy_.Start();
  Exchange(kGet);
  constexpr size_t kSize = 96 << 20;
  origin_.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
  const std::string block(1 << 20, 'x');
  size_t sent = 0;
  const auto send_more = [&] {
    sent += origin_.Send(absl::string_view(block).substr(0, kSize - sent));
  };
  for (int i = 0; i < 500; ++i) {
    send_more();
    proxy_.Turn();
  }
  // Kernel buffers of two connections, and a few of ours; not the response.
  EXPECT_LT(sent, 40u << 20);
  EXPECT_LT(buffer::SlabPool::ThisThread().slabs() * base::limits::kSlabBytes, 4u << 20);
  size_t received = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    send_more();
    received += client_.Received().size();
    client_.Forget();
    return received > kSize;
  })) << received;
  ExpectAllGone();
}

TEST_F(StreamTest, SlowOriginHoldsTheClientBack) {
  proxy_.Start();
  constexpr size_t kSize = 96 << 20;
  Exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
  const std::string block(1 << 20, 'x');
  size_t sent = 0;
  const auto send_more = [&] {
    sent += client_.Send(absl::string_view(block).substr(0, kSize - sent));
  };
  for (int i = 0; i < 500; ++i) {
    send_more();
    proxy_.Turn();
  }
  EXPECT_LT(sent, 40u << 20);
  EXPECT_LT(buffer::SlabPool::ThisThread().slabs() * base::limits::kSlabBytes, 4u << 20);
  origin_.Forget();
  size_t received = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    send_more();
    received += origin_.Received().size();
    origin_.Forget();
    return received == kSize;
  })) << received;
  origin_.Send(kOk);
  ASSERT_TRUE(ClientGets("\r\n\r\nok"));
  ExpectAllGone();
}

// The route's or the stream's time is up in the turn in which the response arrives: one of the two
// is sent, never a mixture.
TEST_F(StreamTest, DeadlineAndResponseInTheSameTurn) {
  proxy_.http.stream_idle_timeout = 10 * kSecond;
  proxy_.Start();
  Exchange(kGet);
  origin_.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-Mine: yes\r\n\r\nupstream-bytes");
  proxy_.Advance(11 * kSecond);
  ASSERT_TRUE(ClientGets("\r\n\r\n"));
  EXPECT_TRUE(client_.Got("HTTP/1.1 504"));
  EXPECT_TRUE(client_.Got("stream timeout"));
  EXPECT_FALSE(client_.Got("upstream-bytes"));
  EXPECT_FALSE(client_.Got("x-mine"));
  ExpectAllGone();
}

// Two timers of one request in one turn: one answer.
TEST_F(StreamTest, TwoDeadlinesInTheSameTurn) {
  proxy_.http.stream_idle_timeout = 15 * kSecond;
  proxy_.Start();
  Exchange(kGet);
  proxy_.Advance(20 * kSecond);
  ASSERT_TRUE(ClientGets("HTTP/1.1 504"));
  proxy_.Settle();
  EXPECT_EQ(client_.Received().find("HTTP/1.1", 1), std::string::npos);
  EXPECT_TRUE(client_.Ended());
  ExpectAllGone();
}

TEST_F(StreamTest, RouteTimeout) {
  proxy_.Start();
  Exchange(kGet);
  proxy_.Advance(16 * kSecond);
  ASSERT_TRUE(ClientGets("HTTP/1.1 504"));
  EXPECT_TRUE(client_.Got("upstream request timeout"));
  EXPECT_TRUE(proxy_.Until([this] { return origin_.Ended(); }));
  EXPECT_FALSE(client_.Ended()) << "the client's connection is in order";
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_timeout.value(), 1u);
  ExpectAllGone();
}

TEST_F(StreamTest, WhatCameBeforeTheBreakReachesTheClient) {
  proxy_.Start();
  Exchange(kGet);
  origin_.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial");
  origin_.Close();
  ASSERT_TRUE(proxy_.Until([this] { return client_.Ended(); }));
  EXPECT_TRUE(client_.Got("HTTP/1.1 200 OK"));
  EXPECT_TRUE(client_.Got("\r\n\r\npartial"));
  EXPECT_EQ(proxy_.http_stats().downstream_rq_tx_reset.value(), 1u);
  ExpectAllGone();
}

// To an HTTP/1.0 client the end of the connection is the end of the body: a body that was cut must
// end otherwise.
TEST_F(StreamTest, CutBodyDoesNotLookWholeToHttp10) {
  proxy_.http.decoder.accept_http_10 = true;
  proxy_.Start();
  Exchange("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  origin_.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
  ASSERT_TRUE(ClientGets("\r\n\r\npart"));
  origin_.Close();
  ASSERT_TRUE(proxy_.Until([this] { return client_.Ended(); }));
  EXPECT_TRUE(client_.reset());
  ExpectAllGone();
}

TEST_F(StreamTest, OriginBreaksBeforeItsHead) {
  proxy_.Start();
  Exchange(kGet);
  origin_.Send("HTTP/1.1 20");
  proxy_.Settle();
  origin_.Close();
  ASSERT_TRUE(ClientGets("HTTP/1.1 503"));
  EXPECT_TRUE(client_.Got("connection termination"));
  EXPECT_FALSE(client_.Ended());
  ExpectAllGone();
}

TEST_F(StreamTest, OriginSpeaksNoHttp) {
  proxy_.Start();
  Exchange(kGet);
  origin_.Send("SSH-2.0-x\r\n");
  ASSERT_TRUE(ClientGets("HTTP/1.1 502"));
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_destroy_local_with_active_rq.value(), 1u);
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_destroy_remote.value(), 0u);
  EXPECT_TRUE(proxy_.Until([this] { return origin_.Ended(); }));
  ExpectAllGone();
}

TEST_F(StreamTest, EarlyResponseEndsAnUploadNicely) {
  proxy_.Start();
  Exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
  origin_.Send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
  const std::string block(64 * 1024, 'x');
  ASSERT_TRUE(proxy_.Until([&] {
    client_.Send(block);
    return client_.Got("\r\n\r\nbig");
  }));
  EXPECT_TRUE(client_.Got("connection: close"));
  EXPECT_TRUE(proxy_.Until([this] { return origin_.Ended(); }));
  client_.ShutdownWrite();
  EXPECT_TRUE(proxy_.Until([this] { return client_.Ended(); }));
  EXPECT_FALSE(client_.reset());
  ExpectAllGone();
}

// The origin has answered an upload in full without reading it, and the client has not read all of
// the answer yet: the rest of the upload is read and dropped, for many clients read only once they
// have written.
TEST_F(StreamTest, UploadIsDroppedOnceTheOriginHasAnswered) {
  // Less than the proxy itself holds: the kernel cannot take the end of the response all at once.
  proxy_.downstream_send_bytes = 32 * 1024;
  proxy_.Start();
  constexpr size_t kUpload = 64 << 20;
  Exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kUpload) + "\r\n\r\n");
  origin_.Send("HTTP/1.1 200 OK\r\n\r\n");
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 300; ++i) {  // Until the response fills every buffer on its way.
    origin_.Send(block);
    proxy_.Turn();
  }
  origin_.ShutdownWrite();
  ASSERT_TRUE(proxy_.Until([this] {
    client_.Received(64 * 1024);
    return proxy_.cluster_stats().upstream_rq_active.value() == 0;
  }));
  ASSERT_EQ(proxy_.http_stats().downstream_rq_active.value(), 1u);
  size_t uploaded = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    uploaded += client_.Send(absl::string_view(block).substr(0, kUpload - uploaded));
    return uploaded == kUpload;
  })) << uploaded;
  ASSERT_TRUE(proxy_.Until([this] { return client_.Ended(); }));
  EXPECT_FALSE(client_.reset());
  ExpectAllGone();
}

// A second response that nobody asked for never answers the next request.
TEST_F(StreamTest, UnaskedResponsePoisonsNobody) {
  proxy_.Start();
  Exchange(kGet);
  origin_.Send(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL");
  ASSERT_TRUE(ClientGets("\r\n\r\nok"));
  client_.Forget();
  client_.Send(kGet);
  Peer second = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return second.Got("\r\n\r\n"); }));
  second.Send(kOk);
  ASSERT_TRUE(ClientGets("\r\n\r\nok"));
  EXPECT_FALSE(client_.Got("EVIL"));
  ExpectAllGone();
}

TEST_F(StreamTest, TrailersAreDeliveredOnceWhole) {
  proxy_.http.decoder.enable_trailers = true;
  proxy_.cluster->response_trailers = true;
  proxy_.Start();
  Exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client_.Send("0\r\nx-first: 1\r\n");
  proxy_.Settle();
  EXPECT_FALSE(origin_.Got("\r\n0\r\n"));
  client_.Send("x-second: 2\r\n");
  proxy_.Settle();
  client_.Send("\r\n");
  ASSERT_TRUE(
      proxy_.Until([this] { return origin_.Got("0\r\nx-first: 1\r\nx-second: 2\r\n\r\n"); }));
  origin_.Send(kOk);
  ASSERT_TRUE(ClientGets("\r\n\r\nok"));
  ExpectAllGone();
}

constexpr char kUpgrade[] =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

TEST_F(StreamTest, TunnelBothWaysUntilEitherEnds) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.Start();
  Exchange(std::string(kUpgrade) + "early");
  proxy_.Settle();
  EXPECT_FALSE(origin_.Got("early")) << "an origin that refuses would take it for a request";
  origin_.Send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi");
  ASSERT_TRUE(ClientGets("\r\n\r\nhi"));
  ASSERT_TRUE(proxy_.Until([this] { return origin_.Got("early"); }));
  client_.Send("ping");
  ASSERT_TRUE(proxy_.Until([this] { return origin_.Got("earlyping"); }));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_upgrades_active.value(), 1u);
  origin_.Send("pong");
  ASSERT_TRUE(ClientGets("hipong"));
  client_.ShutdownWrite();
  ASSERT_TRUE(proxy_.Until([this] { return origin_.Ended(); }));
  origin_.Send("last");
  ASSERT_TRUE(
      ClientGets("pong"
                 "last"));
  origin_.Close();
  ASSERT_TRUE(proxy_.Until([this] { return client_.Ended(); }));
  ExpectAllGone();
}

// RFC 9110, section 9.3.6: any success of CONNECT is a tunnel.
TEST_F(StreamTest, TunnelOfConnectWithoutContent) {
  proxy_.http.upgrades = {"connect"};
  proxy_.routes = R"(
    virtual_hosts {
      name: "all" domains: "*"
      routes { match { connect_matcher {} } route { cluster: "origin" } }
    })";
  proxy_.Start();
  Exchange("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
  origin_.Send("HTTP/1.1 204 No Content\r\n\r\nhi");
  ASSERT_TRUE(ClientGets("\r\n\r\nhi"));
  EXPECT_TRUE(client_.Got("HTTP/1.1 204 No Content\r\n"));
  client_.Send("ping");
  ASSERT_TRUE(proxy_.Until([this] { return origin_.Got("ping"); }));
  origin_.Close();
  ASSERT_TRUE(proxy_.Until([this] { return client_.Ended(); }));
  ExpectAllGone();
}

TEST_F(StreamTest, RefusedUpgradeForwardsNothingOfTheTunnel) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.Start();
  Exchange(std::string(kUpgrade) + "GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n");
  origin_.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(ClientGets("\r\n\r\nno"));
  EXPECT_TRUE(client_.Got("connection: close"));
  proxy_.Settle();
  EXPECT_FALSE(origin_.Got("smuggled"));
  EXPECT_TRUE(origin_.Ended()) << "it is in mid-message: nobody may use it again";
  ExpectAllGone();
}

TEST_F(StreamTest, UpgradeToWhatNobodyAskedForIsRefused) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.Start();
  Exchange(kUpgrade);
  origin_.Send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhi");
  ASSERT_TRUE(ClientGets("HTTP/1.1 502"));
  ASSERT_TRUE(proxy_.Until([this] { return origin_.Ended() && client_.Ended(); }));
  EXPECT_FALSE(client_.Got("\r\n\r\nhi"));
  ExpectAllGone();
}

TEST_F(StreamTest, RefusedTunnelsLeaveTheGaugeAlone) {
  proxy_.http.path.normalize = true;
  proxy_.http.upgrades = {"websocket"};
  proxy_.Start();
  client_ = proxy_.Connect();
  client_.Send("GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  ASSERT_TRUE(ClientGets("HTTP/1.1 400"));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_upgrades_active.value(), 0u);
  client_ = proxy_.Connect();
  client_.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
  ASSERT_TRUE(ClientGets("HTTP/1.1 403"));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_upgrades_active.value(), 0u);
  EXPECT_FALSE(proxy_.OriginAsked());
}

TEST_F(StreamTest, DirectResponseWithBodyToHead) {
  proxy_.Start();
  client_ = proxy_.Connect();
  client_.Send("HEAD /direct HTTP/1.1\r\nHost: a\r\n\r\nGET /direct HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(ClientGets("\r\n\r\ndirect"));
  EXPECT_EQ(client_.Received().find("direct"), client_.Received().rfind("direct"));
}

// RFC 9110, section 9.3.2: content in the answer to HEAD would be taken for the next answer.
TEST_F(StreamTest, RefusedRequestLineOfHeadIsAnsweredWithoutABody) {
  proxy_.Start();
  for (const std::string rest : {" /a#b HTTP/1.1", " / HTTP/2.0", " / extra HTTP/1.1", " /"}) {
    for (const std::string method : {"GET", "HEAD"}) {
      client_ = proxy_.Connect();
      client_.Send(method + rest + "\r\nHost: a\r\n\r\n");
      ASSERT_TRUE(proxy_.Until([this] { return client_.Ended(); })) << method << rest;
      const std::string& answer = client_.Received();
      EXPECT_EQ(answer.find("HTTP/1.1 "), 0u) << answer;
      EXPECT_EQ(answer.find("\r\n\r\n") + 4 == answer.size(), method == "HEAD") << answer;
    }
  }
  EXPECT_FALSE(proxy_.OriginAsked());
}

}  // namespace
}  // namespace proxenos::downstream
