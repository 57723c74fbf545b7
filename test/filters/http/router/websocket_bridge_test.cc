// WebSocket handshakes between HTTP/1.1 and HTTP/2. Key and answer are those of RFC 6455, 1.3.
#include "source/filters/http/router/websocket_bridge.h"

#include <string>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"

namespace proxenos::filters::router {
namespace {

using http::Version;

constexpr char kKey[] = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr char kAnswer[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

class WebSocketBridgeTest : public ::testing::Test {
 protected:
  void Request(Version version, const char* key = "", const char* protocol = "WebSocket") {
    request_.version = version;
    request_.upgrade = protocol;
    if (*key != '\0') request_.headers.Add("sec-websocket-key", key);
  }
  void Prepare(Version upstream) { bridge_.Prepare(request_, upstream, random_); }
  // An answer with that status; empty: without sec-websocket-accept.
  bool Finish(Version version, const char* accept, uint16_t status = 101) {
    response_.version = version;
    response_.status = status;
    response_.headers.Clear();
    if (*accept != '\0') response_.headers.Add("sec-websocket-accept", accept);
    return bridge_.Finish(request_, response_);
  }
  static std::string Field(const http::HeaderMap& headers, const char* name) {
    const http::Header* field = headers.Find(name);
    return field == nullptr ? "none" : std::string(field->value());
  }
  std::string Key() { return Field(request_.headers, "sec-websocket-key"); }
  std::string Accept() { return Field(response_.headers, "sec-websocket-accept"); }

  buffer::Arena arena_;
  http::RequestHead request_{arena_};
  http::ResponseHead response_{arena_};
  base::Random random_{7};
  WebSocketBridge bridge_;
};

TEST_F(WebSocketBridgeTest, Http2ClientToHttp1OriginGetsAKey) {
  Request(Version::kHttp2);
  Prepare(Version::kHttp11);
  EXPECT_EQ(Key().size(), 24u);  // 16 bytes in base64.
  EXPECT_EQ(Key().substr(22), "==");
  EXPECT_EQ(Field(request_.headers, "sec-websocket-version"), "13");
  request_.headers.Set("sec-websocket-key", kKey);
  EXPECT_TRUE(Finish(Version::kHttp11, kAnswer));
  EXPECT_EQ(Accept(), "none") << "the client never asked";
}

TEST_F(WebSocketBridgeTest, AnswerMustFitTheKey) {
  Request(Version::kHttp2);
  Prepare(Version::kHttp11);
  EXPECT_FALSE(Finish(Version::kHttp11, kAnswer)) << "of another key";
  EXPECT_FALSE(Finish(Version::kHttp11, ""));
  EXPECT_TRUE(Finish(Version::kHttp11, "", 403)) << "a refusal needs none";
}

TEST_F(WebSocketBridgeTest, EachTryHasItsKey) {
  Request(Version::kHttp2);
  Prepare(Version::kHttp11);
  const std::string first = Key();
  Prepare(Version::kHttp11);
  EXPECT_NE(Key(), first);
  Prepare(Version::kHttp2);
  EXPECT_EQ(Key(), "none");
  EXPECT_TRUE(Finish(Version::kHttp2, ""));
}

TEST_F(WebSocketBridgeTest, Http1ClientOfAnHttp2OriginGetsItsAnswer) {
  Request(Version::kHttp11, kKey);
  Prepare(Version::kHttp2);
  EXPECT_EQ(Key(), kKey) << "another proxy behind may need it";
  EXPECT_TRUE(Finish(Version::kHttp2, ""));
  EXPECT_EQ(Accept(), kAnswer);
  EXPECT_TRUE(Finish(Version::kHttp2, "from-behind"));
  EXPECT_EQ(Accept(), "from-behind");
}

TEST_F(WebSocketBridgeTest, KeyOfAProxyInFrontPasses) {
  Request(Version::kHttp2, kKey);
  Prepare(Version::kHttp11);
  EXPECT_EQ(Key(), kKey);
  EXPECT_TRUE(Finish(Version::kHttp11, kAnswer));
  EXPECT_EQ(Accept(), kAnswer);
}

TEST_F(WebSocketBridgeTest, NothingIsDoneWhereBothSidesAreAlikeOrForOtherProtocols) {
  Request(Version::kHttp11, kKey);
  Prepare(Version::kHttp11);
  EXPECT_TRUE(Finish(Version::kHttp11, "whatever"));
  EXPECT_EQ(Accept(), "whatever");
  request_.headers.Clear();
  Request(Version::kHttp2, "", "connect-udp");
  Prepare(Version::kHttp11);
  EXPECT_EQ(Key(), "none");
  EXPECT_TRUE(Finish(Version::kHttp11, ""));
}

}  // namespace
}  // namespace proxenos::filters::router
