// HTTP/1.1 through the real binary: framing, tunnels, hop-by-hop fields, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/integration/config_text.h"
#include "test/support/fake_origin.h"
#include "test/support/gate.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

class Http1Test : public ::testing::Test {
 protected:
  // `cluster` are further fields of the cluster "origin".
  void Start(ConfigText text = {}, absl::string_view cluster = "") {
    text.clusters = ClusterText("origin", {origin_.port()}, cluster);
    proxy_.emplace(Bootstrap(text));
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }

  FakeOrigin origin_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(Http1Test, GetAndPost) {
  Start();
  TestClient client(port_);
  const Message get = client.Get("/a?b=c", {{"X-Custom", "1"}});
  EXPECT_EQ(get.status(), 200);
  EXPECT_EQ(get.body, "origin");
  EXPECT_EQ(get.Header("x-origin"), "origin");
  const Message post = client.Request("POST", "/form", {}, std::string(100000, 'p'));
  EXPECT_EQ(post.status(), 200);
  ASSERT_EQ(origin_.request_count(), 2u);
  const std::vector<Message> seen = origin_.requests();
  EXPECT_EQ(seen[0].start_line, "GET /a?b=c HTTP/1.1");
  EXPECT_EQ(seen[0].Header("host"), "test.example");
  EXPECT_EQ(seen[0].Header("x-custom"), "1");
  EXPECT_TRUE(seen[1].body == std::string(100000, 'p')) << seen[1].body.size();
  EXPECT_EQ(seen[1].Header("content-length"), "100000");
  // Both requests went over one connection.
  EXPECT_EQ(origin_.connection_count(), 1);
}

TEST_F(Http1Test, RequestInPiecesOfEverySize) {
  Start();
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TestClient client(port_);
    const std::string body(50 * seed, 'x');
    client.socket().SendInPieces(
        TestClient::Text("POST", absl::StrCat("/", seed), {{"a", "b"}}, body), seed, seed);
    EXPECT_EQ(client.ReadResponse().status(), 200) << "seed " << seed;
    EXPECT_EQ(origin_.WaitForRequest(seed).body, body) << "seed " << seed;
  }
}

TEST_F(Http1Test, ChunkedBothWaysWithTrailers) {
  origin_.On("/", [](OriginExchange& exchange) {
    exchange.ReadBody();
    exchange.ReplyChunked(200, {{"trailer", "x-sum"}}, {"one", "two", std::string(70000, 'z')},
                          {{"x-sum", "7"}});
  });
  Start(
      {.manager = "http_protocol_options: {enable_trailers: true}"},
      "typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: "
      "{\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, "
      "explicit_http_config: {http_protocol_options: {enable_trailers: true}}}}");
  TestClient client(port_);
  client.Send(
      "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nX-End: yes\r\n\r\n");
  const Message response = client.ReadResponse();
  EXPECT_EQ(response.status(), 200);
  EXPECT_TRUE(response.body == "onetwo" + std::string(70000, 'z')) << response.body.size();
  EXPECT_EQ(FieldValue(response.trailers, "x-sum"), "7");
  const Message seen = origin_.WaitForRequest(1);
  EXPECT_EQ(seen.body, "abcdefg");
  EXPECT_EQ(seen.Header("transfer-encoding"), "chunked");
  EXPECT_EQ(FieldValue(seen.trailers, "x-end"), "yes");
}

TEST_F(Http1Test, BodilessResponsesKeepTheConnection) {
  origin_.On("/head", [](OriginExchange& exchange) { exchange.Reply(200, {}, "five!"); });
  origin_.On("/204", [](OriginExchange& exchange) { exchange.Reply(204); });
  origin_.On("/304", [](OriginExchange& exchange) { exchange.Reply(304, {{"etag", "\"x\""}}); });
  Start();
  TestClient client(port_);
  const Message head = client.Request("HEAD", "/head");
  EXPECT_EQ(head.status(), 200);
  EXPECT_EQ(head.Header("content-length"), "5");
  EXPECT_EQ(client.Get("/204").status(), 204);
  EXPECT_EQ(client.Get("/304").Header("etag"), "\"x\"");
  EXPECT_EQ(client.Get("/after").body, "origin");
  EXPECT_EQ(origin_.connection_count(), 1);
}

TEST_F(Http1Test, ResponseThatEndsWithItsConnection) {
  origin_.On("/", [](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    exchange.Close();
  });
  Start();
  TestClient client(port_);
  const Message response = client.Get("/");
  EXPECT_EQ(response.body, "until the end");
  EXPECT_EQ(response.Header("transfer-encoding"), "chunked");
}

TEST_F(Http1Test, ExpectContinue) {
  Start();
  TestClient client(port_);
  client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  Message interim;
  ASSERT_TRUE(client.reader().ReadHead(interim));
  EXPECT_EQ(interim.start_line, "HTTP/1.1 100 Continue");
  client.Send("body");
  EXPECT_EQ(client.ReadResponse().status(), 200);
  EXPECT_EQ(origin_.WaitForRequest(1).body, "body");
}

TEST_F(Http1Test, Pipelining) {
  Start();
  TestClient client(port_);
  std::string text;
  for (int i = 0; i < 20; ++i) text += TestClient::Text("GET", absl::StrCat("/", i));
  client.Send(text);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(client.ReadResponse().status(), 200) << i;
  const std::vector<Message> seen = origin_.requests();
  ASSERT_EQ(seen.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(seen[i].target(), absl::StrCat("/", i));
}

TEST_F(Http1Test, HopByHopFieldsDoNotPass) {
  origin_.On("/", [](OriginExchange& exchange) {
    exchange.Reply(200, {{"connection", "x-private"},
                         {"x-private", "1"},
                         {"keep-alive", "t=1"},
                         {"x-public", "2"}});
  });
  Start();
  TestClient client(port_);
  const Message response = client.Get("/", {{"Connection", "keep-alive, X-Secret"},
                                            {"X-Secret", "s"},
                                            {"Keep-Alive", "timeout=5"},
                                            {"Proxy-Connection", "keep-alive"},
                                            {"TE", "gzip"},
                                            {"X-Open", "o"}});
  const Message seen = origin_.WaitForRequest(1);
  for (const char* name : {"x-secret", "keep-alive", "proxy-connection", "te", "connection"}) {
    EXPECT_FALSE(seen.Has(name)) << name << " reached the origin";
  }
  EXPECT_EQ(seen.Header("x-open"), "o");
  EXPECT_FALSE(response.Has("keep-alive"));
  EXPECT_EQ(response.Header("x-public"), "2");
}

TEST_F(Http1Test, ConnectionCloseIsHonoured) {
  Start();
  TestClient client(port_);
  const Message response = client.Get("/", {{"Connection", "close"}});
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.Header("connection"), "close");
  EXPECT_TRUE(client.SeesClose());
}

TEST_F(Http1Test, Http10NeedsConsent) {
  Start();
  TestClient client(port_);
  const Message response = client.Exchange("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(response.status(), 426);
  EXPECT_EQ(response.Header("upgrade"), "HTTP/1.1");
  EXPECT_EQ(response.Header("connection"), "upgrade, close");
  EXPECT_TRUE(client.SeesClose());
}

TEST_F(Http1Test, Http10WhenAccepted) {
  Start({.manager = "http_protocol_options: {accept_http_10: true, default_host_for_http_10: d}"});
  TestClient client(port_);
  const Message response = client.Exchange("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.body, "origin");
  EXPECT_TRUE(client.SeesClose());
  EXPECT_EQ(origin_.WaitForRequest(1).Header("host"), "d");
}

TEST_F(Http1Test, UpgradeTunnel) {
  origin_.On("/chat", [](OriginExchange& exchange) {
    exchange.Send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\n\r\nhello");
    const std::string got = exchange.reader().ReadBytes(4);
    exchange.Send("[" + got + "]");
    exchange.Close();
  });
  Start({.manager = "upgrade_configs: [{upgrade_type: websocket}]"});
  TestClient client(port_);
  client.Send("GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const Message response = client.ReadResponse();
  ASSERT_EQ(response.status(), 101);
  EXPECT_EQ(response.Header("upgrade"), "websocket");
  EXPECT_EQ(client.reader().ReadBytes(5), "hello");
  client.Send("ping");
  EXPECT_EQ(client.reader().ReadBytes(6), "[ping]");
  EXPECT_TRUE(client.SeesClose());
}

TEST_F(Http1Test, UpgradeNotAllowedIsForbidden) {
  Start();
  TestClient client(port_);
  client.Send("GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().status(), 403);
}

// CONNECT goes on to the host, which is a proxy itself; its bytes follow once that has agreed.
TEST_F(Http1Test, ConnectTunnel) {
  origin_.On("target.example", [](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\n\r\n");
    exchange.Send("echo " + exchange.reader().ReadBytes(5));
    exchange.Close();
  });
  Start({.manager = "upgrade_configs: [{upgrade_type: CONNECT}]",
         .routes = "{match: {connect_matcher: {}}, route: {cluster: origin}}"});
  TestClient client(port_);
  client.Send("CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n");
  EXPECT_EQ(client.ReadResponse("CONNECT").status(), 200);
  client.Send("hello");
  EXPECT_EQ(client.reader().ReadBytes(10), "echo hello");
}

// What two parsers could read in two ways is refused, and nothing of it reaches the origin.
TEST_F(Http1Test, AmbiguousRequestsAreRefused) {
  Start();
  const std::string cases[] = {
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n",
      std::string("GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", 35),
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n",
      "G<T / HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
  };
  for (const std::string& text : cases) {
    TestClient client(port_);
    client.Send(text);
    const Message response = client.ReadResponse();
    EXPECT_GE(response.status(), 400) << text;
    EXPECT_LT(response.status(), 600) << text;
    EXPECT_TRUE(client.SeesClose()) << text;
  }
  // The one whose body is broken had a good head, which may have gone on.
  for (const Message& seen : origin_.requests()) EXPECT_FALSE(seen.complete) << seen.head;
}

TEST_F(Http1Test, HeadLimits) {
  Start();
  TestClient large(port_);
  EXPECT_EQ(large.Get("/", {{"X-Large", std::string(61 * 1024, 'x')}}).status(), 431);
  Fields many;
  for (int i = 0; i < 101; ++i) many.emplace_back(absl::StrCat("x-", i), "v");
  TestClient crowded(port_);
  EXPECT_EQ(crowded.Get("/", many).status(), 431);
  many.resize(90);
  TestClient fine(port_);
  EXPECT_EQ(fine.Get("/", many).status(), 200);
}

TEST_F(Http1Test, BadUpstreamResponseIs502) {
  origin_.On("/", [](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
    exchange.Close();
  });
  Start();
  EXPECT_EQ(TestClient(port_).Get("/").status(), 502);
}

TEST_F(Http1Test, UpstreamBodyCutShortIsNotHidden) {
  origin_.On("/", [](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    exchange.Close();
  });
  Start();
  TestClient client(port_);
  const Message response = client.Get("/");
  EXPECT_EQ(response.status(), 200);
  EXPECT_FALSE(response.complete);
}

// A client that reads slowly holds back the origin, not the proxy's memory.
TEST_F(Http1Test, LargeBodyReachesASlowReader) {
  const std::string chunk(1 << 20, 'c');
  origin_.On("/large", [chunk](OriginExchange& exchange) {  // The origin may outlast this test.
    exchange.Send(
        absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", 32 * chunk.size(), "\r\n\r\n"));
    for (int i = 0; i < 32; ++i) exchange.Send(chunk);
  });
  Start();
  TestClient client(port_);
  client.Send(TestClient::Text("GET", "/large"));
  EXPECT_EQ(TestClient(port_).Get("/small").status(), 200);  // Meanwhile others are served.
  const Message response = client.ReadResponse();
  EXPECT_EQ(response.body.size(), 32 * chunk.size());
  EXPECT_TRUE(response.complete);
}

TEST_F(Http1Test, LargeUploadToASlowOrigin) {
  Gate gate;
  origin_.On("/slow", [&gate](OriginExchange& exchange) {
    EXPECT_TRUE(gate.Wait());
    exchange.ReadBody();
    exchange.Reply(200);
  });
  Start();
  std::thread upload([this] {
    TestClient client(port_);
    EXPECT_EQ(client.Request("PUT", "/slow", {}, std::string(16 << 20, 'u')).status(), 200);
  });
  EXPECT_EQ(TestClient(port_).Get("/other").status(), 200);
  gate.Open();
  upload.join();
  EXPECT_EQ(origin_.WaitForRequest(2).body.size(), size_t{16 << 20});
}

// The origin answers before it has read the body.
TEST_F(Http1Test, EarlyResponse) {
  origin_.On("/", [](OriginExchange& exchange) { exchange.Reply(413); });
  Start();
  TestClient client(port_);
  client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegin");
  EXPECT_EQ(client.ReadResponse().status(), 413);
}

TEST_F(Http1Test, InformationalResponsesConfuseNobody) {
  origin_.On("/", [](OriginExchange& exchange) {
    exchange.Reply(103, {{"link", "</style.css>"}});
    exchange.Reply(200, {}, "done");
  });
  Start();
  TestClient client(port_);
  EXPECT_EQ(client.Get("/").body, "done");
  EXPECT_EQ(client.Get("/").body, "done");  // No answer was taken for that of the next request.
}

TEST_F(Http1Test, ClientThatLeavesEndsTheUpstreamRequest) {
  Gate gate;
  origin_.On("/", [&gate](OriginExchange& exchange) {
    std::string rest;
    exchange.socket().ReadSome(rest);  // Returns when the proxy closes.
    gate.Open();
    exchange.Close();
  });
  Start();
  {
    TestClient client(port_);
    client.Send(TestClient::Text("GET", "/"));
    ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.upstream_rq_active", 1));
  }
  EXPECT_TRUE(gate.Wait());
}

}  // namespace
}  // namespace proxenos::testing
