// The test kit against itself: what the integration tests believe about client and origin.
#include <gtest/gtest.h>

#include <thread>

#include "test/support/fake_origin.h"
#include "test/support/gate.h"
#include "test/support/sim_clock.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

TEST(SupportTest, KeepAliveAndRecords) {
  FakeOrigin origin("one");
  TestClient client(origin.port());
  const Message first = client.Get("/a", {{"X-Test", "1"}});
  EXPECT_EQ(first.status(), 200);
  EXPECT_EQ(first.body, "one");
  EXPECT_TRUE(first.complete);
  const Message second = client.Request("POST", "/b", {}, "payload");
  EXPECT_EQ(second.Header("X-Origin"), "one");
  ASSERT_EQ(origin.request_count(), 2u);
  EXPECT_EQ(origin.requests()[0].Header("x-test"), "1");
  EXPECT_EQ(origin.requests()[1].body, "payload");
  EXPECT_EQ(origin.connection_count(), 1);
}

TEST(SupportTest, ChunksTrailersAndInformational) {
  FakeOrigin origin;
  origin.On("/chunks", [](OriginExchange& exchange) {
    exchange.Reply(103, {{"link", "</a>"}});
    exchange.ReplyChunked(200, {}, {"ab", "cde"}, {{"x-sum", "5"}});
  });
  TestClient client(origin.port());
  client.socket().SendInPieces(TestClient::Text("GET", "/chunks"), 1, 7);
  std::vector<Message> informational;
  const Message response = client.ReadResponse("GET", &informational);
  EXPECT_EQ(response.body, "abcde");
  EXPECT_EQ(FieldValue(response.trailers, "X-Sum"), "5");
  ASSERT_EQ(informational.size(), 1u);
  EXPECT_EQ(informational[0].status(), 103);
}

TEST(SupportTest, ResetAndClose) {
  FakeOrigin origin;
  origin.On("/reset", [](OriginExchange& exchange) { exchange.Reset(); });
  origin.On("/close", [](OriginExchange& exchange) { exchange.Close(); });
  TestClient reset(origin.port());
  reset.Send(TestClient::Text("GET", "/reset"));
  Socket::Read how;
  reset.socket().ReadAll(&how);
  EXPECT_EQ(how, Socket::Read::kReset);
  TestClient close(origin.port());
  close.Send(TestClient::Text("GET", "/close"));
  EXPECT_TRUE(close.SeesClose());
  EXPECT_TRUE(origin.WaitForEndedConnections(2));
}

TEST(SupportTest, ScriptsOfSeveralConnectionsRunAtOnce) {
  FakeOrigin origin;
  Gate gate;
  origin.On("/wait", [&gate](OriginExchange& exchange) {
    EXPECT_TRUE(gate.Wait());
    exchange.Reply(204);
  });
  origin.On("/open", [&gate](OriginExchange& exchange) {
    gate.Open();
    exchange.Reply(204);
  });
  TestClient waiting(origin.port());
  waiting.Send(TestClient::Text("GET", "/wait"));
  EXPECT_EQ(TestClient(origin.port()).Get("/open").status(), 204);
  EXPECT_EQ(waiting.ReadResponse().status(), 204);
}

TEST(SupportTest, KillCutsConnectionsAndPort) {
  FakeOrigin origin;
  TestClient client(origin.port());
  EXPECT_EQ(client.Get("/").status(), 200);
  const uint16_t port = origin.port();
  origin.Kill();
  EXPECT_TRUE(client.SeesClose());
  EXPECT_FALSE(TestClient(port).connected());
  FakeOrigin again("again", port);
  EXPECT_EQ(TestClient(port).Get("/").body, "again");
}

TEST(SupportTest, ClosedPortRefuses) {
  const ClosedPort closed;
  EXPECT_FALSE(TestClient(closed.port()).connected());
}

TEST(SupportTest, IncompleteBodyIsSeen) {
  FakeOrigin origin;
  origin.On("/", [](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    exchange.Close();
  });
  const Message response = TestClient(origin.port()).Get("/");
  EXPECT_EQ(response.body, "abc");
  EXPECT_FALSE(response.complete);
}

TEST(SupportTest, SimClock) {
  SimClock clock;
  const base::MonoTime mono = clock.Mono();
  const base::WallTime wall = clock.Wall();
  clock.Advance(base::kSecond);
  EXPECT_EQ(clock.Mono() - mono, base::kSecond);
  EXPECT_EQ(clock.Wall() - wall, 1000000);
}

}  // namespace
}  // namespace proxenos::testing
