// A client's and a server's session, wired to each other, whole and in pieces.
#include <string>

#include "gtest/gtest.h"
#include "test/http2/frame_builder.h"
#include "test/http2/peers.h"

namespace proxenos::http2 {
namespace {

class SessionTest : public testing::TestWithParam<int> {
 protected:
  static Cut Way() {
    switch (GetParam()) {
      case 0:
        return Cut::Whole();
      case 1:
        return Cut::ByteByByte();
      default:
        return Cut::Random(static_cast<uint32_t>(GetParam()));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Cuts, SessionTest, testing::Range(0, 5));

TEST_P(SessionTest, GetAndResponse) {
  ServerPeer server;
  ClientPeer client;
  const StreamId id = client.Get("/a?b=c", {{"user-agent", "test"}, {"x-one", "1"}});
  EXPECT_EQ(id, 1);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.settings, 1);
  EXPECT_EQ(server.Request(1),
            "request GET /a?b=c host=www.example.com scheme=http\n"
            "  user-agent: test\n"
            "  x-one: 1\n"
            "complete\n");
  EXPECT_EQ(server.session.active_streams(), 1u);
  server.Respond(1, 200, "hello");
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(1),
            "response 200 \"\" length=5\n"
            "  content-length: 5\n"
            "body hello\n"
            "complete\n");
  EXPECT_EQ(client.TakeLog(), "closed 1\n");
  EXPECT_EQ(server.TakeLog(), "closed 1\n");
  EXPECT_EQ(server.session.active_streams(), 0u);
  EXPECT_EQ(client.session.active_streams(), 0u);
  EXPECT_EQ(server.stats.pending_send_bytes.value(), 0u);
}

}  // namespace
}  // namespace proxenos::http2
