// Requests that are still under way when a host fails: uploads, upgrades, CONNECT. They are
// retried, and upgrades are timed.
#include <string>

#include "gtest/gtest.h"
#include "source/filters/http/router/router.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using base::kSecond;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kRoutes[] = R"(name: "r" virtual_hosts { name: "all" domains: "*"
    request_body_buffer_limit { value: 8 }
    routes {
      match { connect_matcher {} }
      route {
        cluster: "origin"
        upgrade_configs { upgrade_type: "CONNECT" }
        retry_policy { retry_on: "reset" num_retries { value: 1 } }
      }}
    routes {
      match { prefix: "/" }
      route {
        cluster: "origin"
        upgrade_configs { upgrade_type: "websocket" }
        retry_policy { retry_on: "5xx" num_retries { value: 1 } }
      }}})";
constexpr char kBusy[] = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

class IncompleteRequestTest : public ::testing::Test {
 protected:
  IncompleteRequestTest() {
    proxy_.http.upgrades = {"connect"};
    proxy_.routes = kRoutes;
    proxy_.Start();
  }
  Peer Ask(const std::string& request) {
    Peer client = proxy_.Connect();
    client.Send(request);
    return client;
  }
  // The connection of the next try, which has been sent `text`.
  Peer Try(const std::string& text) {
    Peer origin = proxy_.Accept();
    EXPECT_TRUE(Gets(origin, text)) << origin.Received();
    return origin;
  }
  bool Gets(Peer& peer, const std::string& text) {
    return proxy_.Until([&] { return peer.Got(text); });
  }
  bool IsRetried() {
    return proxy_.Until([&] { return stats().upstream_rq_retry.value() == 1; });
  }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }

  ProxyLoop proxy_;
};

TEST_F(IncompleteRequestTest, UploadGoesOnAtTheNextTry) {
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\none");
  Peer first = Try("\r\n\r\none");
  first.Send(kBusy);
  ASSERT_TRUE(IsRetried());
  client.Send("two");  // During the back-off.
  proxy_.Settle();
  proxy_.Advance(kSecond);
  Peer second = Try("\r\n\r\nonetwo");
  client.Send("ok");
  ASSERT_TRUE(Gets(second, "\r\n\r\nonetwook"));
  second.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");
  EXPECT_TRUE(Gets(client, "\r\n\r\nfine"));
  EXPECT_FALSE(client.Got("503"));
  ExpectNothingLeft();
}

// As many as the policy allows, and the last answer is the client's.
TEST_F(IncompleteRequestTest, UploadIsGivenUpAfterTheLastTry) {
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\none");
  Peer first = Try("\r\n\r\none");
  first.Send(kBusy);
  ASSERT_TRUE(IsRetried());
  proxy_.Advance(kSecond);
  Peer second = Try("\r\n\r\none");
  second.Send(kBusy);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503 Busy\r\n"));
  EXPECT_EQ(stats().upstream_rq_retry_limit_exceeded.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(IncompleteRequestTest, UploadOfWhichMoreWasSentThanIsKeptIsNotTriedAgain) {
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\none two three");
  Peer first = Try("\r\n\r\none two three");
  first.Send(kBusy);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503 Busy\r\n"));
  EXPECT_EQ(stats().upstream_rq_retry.value(), 0u);
  ExpectNothingLeft();
}

TEST_F(IncompleteRequestTest, UpgradeThatAHostTurnsDownIsTriedAtTheNext) {
  constexpr char kSwitch[] =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  Peer client =
      Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly");
  Peer first = Try("upgrade: websocket\r\n");
  first.Send(kBusy);
  ASSERT_TRUE(IsRetried());
  proxy_.Advance(kSecond);
  Peer second = Try("upgrade: websocket\r\n");
  second.Send(kSwitch);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_TRUE(Gets(second, "early")) << "what a client sends before the answer waits for it";
  EXPECT_FALSE(first.Got("early"));
  proxy_.Advance(20 * kSecond);  // The route's timeout was for the answer.
  proxy_.Settle();
  second.Send("hello");
  EXPECT_TRUE(Gets(client, "hello"));
  client.Close();
  ExpectNothingLeft();
}

TEST_F(IncompleteRequestTest, UpgradeThatIsNotAnsweredInTimeIsGivenUp) {
  Peer client =
      Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  Peer origin = Try("upgrade: websocket\r\n");
  proxy_.Advance(14 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Got("HTTP/1.1"));
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 504 Gateway Timeout\r\n"));
  EXPECT_TRUE(proxy_.Until([&origin] { return origin.Ended(); }));
  ExpectNothingLeft();
}

TEST_F(IncompleteRequestTest, ConnectWhoseHostBreaksOffIsTriedAtTheNext) {
  Peer client = Ask("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
  Peer first = Try("CONNECT a:1 HTTP/1.1\r\n");
  first.Close();
  ASSERT_TRUE(IsRetried());
  proxy_.Advance(kSecond);
  Peer second = Try("CONNECT a:1 HTTP/1.1\r\n");
  proxy_.Advance(20 * kSecond);  // It has no end that the route's timeout could run from.
  proxy_.Settle();
  second.Send("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_TRUE(Gets(client, "HTTP/1.1 200 OK\r\n"));
  client.Send("ping");
  EXPECT_TRUE(Gets(second, "ping"));
  client.Close();
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::filters::router
