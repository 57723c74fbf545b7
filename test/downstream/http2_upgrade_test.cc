// Extended CONNECT (RFC 8441) of HTTP/2 clients.
#include <string>

#include "gtest/gtest.h"
#include "test/downstream/http2_connection_fixture.h"

namespace proxenos::downstream {
namespace {

using http2::StreamId;
using testing::Peer;

class Http2UpgradeTest : public Http2ConnectionFixture {};

TEST_F(Http2UpgradeTest, ExtendedConnectIsAnUpgradeToAnHttp1Origin) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.http.http2.options.allow_connect = true;
  Begin();
  ASSERT_TRUE(Until([&] { return client_->session().peer_allows_connect(); }));
  const StreamId id =
      client_->Upgrade("/chat", "websocket", {{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}});
  Peer origin = OriginGets("GET /chat HTTP/1.1");
  EXPECT_TRUE(origin.Got("upgrade: websocket\r\n")) << origin.Received();
  EXPECT_TRUE(origin.Got("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  origin.Send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client_->Of(id).has_head; }));
  EXPECT_EQ(client_->Of(id).status(), 101);  // 200 on the wire.
  client_->SendBody(id, "ping", /*end=*/false);
  ASSERT_TRUE(Until([&] { return origin.Got("ping"); }));
  origin.Send("pong");
  ASSERT_TRUE(Until([&] { return client_->Of(id).body == "pong"; }));
  EXPECT_EQ(stats().downstream_cx_upgrades_active.value(), 1u);
  origin.Close();
  ASSERT_TRUE(Until([&] { return client_->Of(id).closed; }));
  EXPECT_EQ(stats().downstream_cx_upgrades_active.value(), 0u);
  EXPECT_TRUE(Completes(client_->Get("/direct")));
}

// RFC 9113, section 8.5: a TCP error behind a tunnel is told as that.
TEST_F(Http2UpgradeTest, OriginThatBreaksATunnelIsAConnectError) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.http.http2.options.allow_connect = true;
  Begin();
  ASSERT_TRUE(Until([&] { return client_->session().peer_allows_connect(); }));
  const StreamId id =
      client_->Upgrade("/chat", "websocket", {{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}});
  Peer origin = OriginGets("GET /chat HTTP/1.1");
  origin.Send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client_->Of(id).has_head; }));
  origin.Close(/*reset=*/true);
  ASSERT_TRUE(Until([&] { return client_->Of(id).closed; }));
  EXPECT_EQ(client_->Of(id).reset, http2::ErrorCode::kConnectError);
}

// Where no tunnel was, it stays an error of ours.
TEST_F(Http2UpgradeTest, OriginThatBreaksAResponseIsNoConnectError) {
  Begin();
  const StreamId id = client_->Get("/cut");
  Peer origin = OriginGets("GET /cut HTTP/1.1");
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(Until([&] { return client_->Of(id).has_head; }));
  origin.Close(/*reset=*/true);
  ASSERT_TRUE(Until([&] { return client_->Of(id).closed; }));
  EXPECT_EQ(client_->Of(id).reset, http2::ErrorCode::kInternalError);
}

// An answer that has nothing to do with the key is none (RFC 6455, section 4.1).
TEST_F(Http2UpgradeTest, OriginThatDoesNotAnswerOurKeyIsNoWebSocket) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.http.http2.options.allow_connect = true;
  Begin();
  ASSERT_TRUE(Until([&] { return client_->session().peer_allows_connect(); }));
  const StreamId id = client_->Upgrade("/chat", "websocket");
  Peer origin = OriginGets("sec-websocket-key: ");
  origin.Send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client_->Of(id).has_head; }));
  EXPECT_EQ(client_->Of(id).status(), 502);
  EXPECT_TRUE(Until([&] { return origin.Ended(); }));
}

// Any 2xx would tell the client that there is a WebSocket (RFC 8441, section 5).
TEST_F(Http2UpgradeTest, OriginThatIgnoresTheUpgradeIsNoWebSocket) {
  proxy_.http.upgrades = {"websocket"};
  proxy_.http.http2.options.allow_connect = true;
  Begin();
  ASSERT_TRUE(Until([&] { return client_->session().peer_allows_connect(); }));
  for (const std::string status : {"200 OK", "204 No Content", "404 Not Found"}) {
    const StreamId id = client_->Upgrade("/chat", "websocket");
    Peer origin = OriginGets("sec-websocket-key: ");
    const std::string length = status == "204 No Content" ? "" : "Content-Length: 2\r\n\r\nhi";
    origin.Send("HTTP/1.1 " + status + "\r\n" + (length.empty() ? "\r\n" : length));
    ASSERT_TRUE(Until([&] { return client_->Of(id).has_head; })) << status;
    EXPECT_EQ(client_->Of(id).status(), status == "404 Not Found" ? 404 : 502);
    ASSERT_TRUE(Until([&] { return client_->Of(id).closed; }));
  }
}

TEST_F(Http2UpgradeTest, ExtendedConnectThatNobodyAllowsIsRefused) {
  proxy_.http.http2.options.allow_connect = true;
  Begin();
  ASSERT_TRUE(Until([&] { return client_->session().peer_allows_connect(); }));
  const StreamId id = client_->Upgrade("/chat", "websocket");
  ASSERT_TRUE(Until([&] { return client_->Of(id).has_head; }));
  EXPECT_EQ(client_->Of(id).status(), 403);
  EXPECT_TRUE(Completes(client_->Get("/direct")));
}

}  // namespace
}  // namespace proxenos::downstream
