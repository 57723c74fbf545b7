// Kept connections that end, or of which something unasked comes, as a request is sent on them.
#include <string>

#include "gtest/gtest.h"
#include "test/upstream/pool_fixture.h"

namespace proxenos::upstream {
namespace {

class StaleConnectionTest : public PoolTest {
 protected:
  // A second request of `client`, on the connection that `origin` has kept since the first.
  void AskOnKept(Peer& client, Peer& origin) {
    Answer(origin);
    ASSERT_TRUE(Gets(client, "ok"));
    client.Forget();
    client.Send(kGet);
    ASSERT_TRUE(Gets(origin, "\r\n\r\n"));
  }
  void DyingOneIsNotReplacedByAnother();
};

// The origin closes a kept connection just as a request is sent on it.
TEST_F(StaleConnectionTest, StaleConnectionIsReplacedOnce) {
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  AskOnKept(client, origin);
  origin.Close();
  Peer second = proxy_.Accept();
  ASSERT_TRUE(second.valid());
  Answer(second);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 200"));
  // Not so a request that may not be repeated.
  client.Forget();
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(Gets(second, "\r\n\r\n"));
  second.Close();
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_FALSE(proxy_.OriginAsked());
  ExpectNothingLeft();
}

// A host that closes every connection that it kept, each as it is used: the request has one of its
// own then, and no further try is lost.
void StaleConnectionTest::DyingOneIsNotReplacedByAnother() {
  proxy_.Start();
  Peer clients[] = {Ask(), Ask()};
  Peer origins[] = {proxy_.Accept(), proxy_.Accept()};
  for (int i = 0; i < 2; ++i) {
    Answer(origins[i]);
    ASSERT_TRUE(Gets(clients[i], "ok"));
    clients[i].Forget();
    origins[i].Forget();
  }
  clients[0].Send(kGet);
  ASSERT_TRUE(
      proxy_.Until([&] { return origins[0].Got("\r\n\r\n") || origins[1].Got("\r\n\r\n"); }));
  const int used = origins[0].Got("\r\n\r\n") ? 0 : 1;
  origins[used].Close();
  Peer fresh = proxy_.Accept();
  ASSERT_TRUE(fresh.valid());
  Answer(fresh);
  EXPECT_TRUE(Gets(clients[0], "ok"));
  EXPECT_TRUE(proxy_.Until([&] { return origins[1 - used].Ended(); }));  // The new one's place.
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_total.value(), 3u);
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_active.value(), 1u);
}

TEST_F(StaleConnectionTest, IsNotReplacedByAnother) {
  DyingOneIsNotReplacedByAnother();
  ExpectNothingLeft();
}

// Nor in a pool for requests of a kind, which is given up once it is empty.
TEST_F(StaleConnectionTest, OfAKindIsNotReplacedByAnother) {
  proxy_.routes = R"(name: "r" virtual_hosts { name: "v" domains: "*" routes {
      match { prefix: "/" } route { cluster: "origin" priority: HIGH } } })";
  DyingOneIsNotReplacedByAnother();
}

// What a host sends unasked, or again, is no answer to the request that comes next: not when it
// arrives before that request, and not when it arrives while the request is still on its way out.
TEST_F(StaleConnectionTest, LateResponseIsNoAnswer) {
  constexpr char kLate[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
  constexpr char kPost[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
  for (const bool before : {true, false}) {
    ProxyLoop proxy;
    proxy.Start();
    const auto gets = [&](Peer& peer, const std::string& text) {
      return proxy.Until([&] { return peer.Got(text); });
    };
    Peer client = proxy.Connect();
    client.Send(kGet);
    Peer origin = proxy.Accept();
    ASSERT_TRUE(gets(origin, "\r\n\r\n"));
    origin.Forget();
    origin.Send(kOk);
    ASSERT_TRUE(gets(client, "ok"));
    client.Forget();
    proxy.Settle();
    // Both are ready in one turn, in this order.
    if (before) origin.Send(kLate);
    client.Send(kPost);
    if (!before) origin.Send(kLate);
    Peer second = proxy.Accept();
    ASSERT_TRUE(second.valid()) << before;
    ASSERT_TRUE(gets(second, "\r\n\r\n"));
    second.Send(kOk);
    EXPECT_TRUE(gets(client, "ok"));
    EXPECT_FALSE(client.Got("late"));
    EXPECT_TRUE(proxy.Until([&] { return origin.Ended(); }));
    EXPECT_FALSE(origin.Got("POST"));
    EXPECT_EQ(proxy.cluster_stats().upstream_cx_protocol_error.value(), 1u);
    proxy.listener().CloseAll();
    proxy.Settle();
    proxy.ExpectNothingUnderWay();
  }
}

// A request whose kept connection died is not given one that another has just left.
TEST_F(StaleConnectionTest, WhoWaitsForANewConnectionIsNotGivenAKeptOne) {
  proxy_.Start();
  Peer clients[] = {Ask(), Ask()};
  Peer origins[] = {proxy_.Accept(), proxy_.Accept()};
  AskOnKept(clients[0], origins[0]);
  // Both in one turn.
  origins[0].Close();
  Answer(origins[1]);
  Peer fresh = proxy_.Accept();
  ASSERT_TRUE(fresh.valid());
  Answer(fresh);
  EXPECT_TRUE(Gets(clients[0], "ok"));
  EXPECT_TRUE(Gets(clients[1], "ok"));
  ExpectNothingLeft();
}

// But rather that than none: the limit is reached, and the new connection went to who came first.
TEST_F(StaleConnectionTest, WhoWaitsForANewConnectionTakesAKeptOneAtTheLimit) {
  thresholds().max_connections = 2;
  proxy_.Start();
  Peer clients[] = {Ask(), Ask()};
  Peer origins[] = {proxy_.Accept(), proxy_.Accept()};
  AskOnKept(clients[0], origins[0]);
  Peer first = Ask();
  proxy_.Settle();
  ASSERT_FALSE(proxy_.OriginAsked());
  origins[0].Close();
  Peer fresh = proxy_.Accept();
  ASSERT_TRUE(Gets(fresh, "\r\n\r\n"));
  proxy_.Settle();
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_pending_active.value(), 1u);
  Answer(origins[1]);
  EXPECT_TRUE(Gets(clients[1], "ok"));
  Answer(origins[1]);
  EXPECT_TRUE(Gets(clients[0], "ok"));
  Answer(fresh);
  EXPECT_TRUE(Gets(first, "ok"));
  ExpectNothingLeft();
}

// The same while the cluster is replaced: the old one still has its hosts for what is under way.
TEST_F(StaleConnectionTest, StaleConnectionOfAReplacedCluster) {
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  AskOnKept(client, origin);
  proxy_.PublishCluster();
  origin.Close();
  Peer second = proxy_.Accept();
  ASSERT_TRUE(second.valid());
  Answer(second);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 200"));
  EXPECT_TRUE(proxy_.Until([&] { return second.Ended(); })) << "the old cluster keeps nothing open";
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::upstream
