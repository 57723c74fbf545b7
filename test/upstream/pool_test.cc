// Connections to hosts through a whole proxy: reuse, failure, circuit breakers, change of hosts and
// clusters under way. After each, no count is left behind.
#include <sys/socket.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/upstream/pool_fixture.h"
#include "test/upstream/silent_host.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;

TEST_F(PoolTest, MostRecentlyUsedConnectionIsUsedFirst) {
  proxy_.Start();
  std::vector<Peer> clients;
  std::vector<Peer> origins;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Ask());
    origins.push_back(proxy_.Accept());
  }
  for (int i : {0, 2, 1}) {  // 1 becomes idle last.
    Answer(origins[i]);
    ASSERT_TRUE(Gets(clients[i], "ok"));
    clients[i].Forget();
  }
  for (int i = 0; i < 5; ++i) {
    clients[0].Send(kGet);
    Answer(origins[1]);
    ASSERT_TRUE(Gets(clients[0], "ok"));
    clients[0].Forget();
  }
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_total.value(), 3u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, ConnectionsToAHostThatFailsItsChecksEnd) {
  proxy_.cluster->close_connections_on_host_health_failure = true;
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  Answer(origin);
  ASSERT_TRUE(Gets(client, "ok"));
  EXPECT_FALSE(origin.Ended());
  proxy_.worker_cluster().hosts().host(0).SetHealthBits(kFailedActiveCheck);
  proxy_.worker_cluster().SetHosts(RebuildForHealth(proxy_.worker_cluster().hosts()));
  proxy_.Settle();
  EXPECT_TRUE(origin.Ended());
  ExpectNothingLeft();
}

TEST_F(PoolTest, IdleConnectionsAgeAndClose) {
  proxy_.cluster->idle_timeout = 10 * kSecond;
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  Answer(origin);
  ASSERT_TRUE(Gets(client, "ok"));
  proxy_.Advance(9 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(origin.Ended());
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_idle_timeout.value(), 1u);
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_active.value(), 0u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, OriginClosesAnIdleConnection) {
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  Answer(origin);
  ASSERT_TRUE(Gets(client, "ok"));
  origin.Close();
  ASSERT_TRUE(proxy_.Until([&] { return proxy_.cluster_stats().upstream_cx_active.value() == 0; }));
  client.Forget();
  client.Send(kGet);
  Peer second = proxy_.Accept();
  Answer(second);
  EXPECT_TRUE(Gets(client, "ok"));
  ExpectNothingLeft();
}

TEST_F(PoolTest, RequestsFinishOnAReplacedOrRemovedCluster) {
  proxy_.Start();
  Peer kept_client = Ask();
  Peer kept = proxy_.Accept();
  Answer(kept);
  ASSERT_TRUE(Gets(kept_client, "ok"));
  Peer busy_client = Ask();
  ASSERT_TRUE(Gets(kept, "\r\n\r\n"));
  Peer second_client = Ask();
  Peer second = proxy_.Accept();
  ASSERT_TRUE(Gets(second, "\r\n\r\n"));
  Peer waiting = Ask();  // Its connection is still being made.
  while (proxy_.cluster_stats().upstream_cx_total.value() < 3) proxy_.Turn();
  proxy_.PublishCluster();
  Peer third = proxy_.Accept();
  for (Peer* origin : {&kept, &second, &third}) Answer(*origin);
  for (Peer* client : {&busy_client, &second_client, &waiting}) EXPECT_TRUE(Gets(*client, "ok"));
  for (Peer* origin : {&kept, &second, &third}) {
    EXPECT_TRUE(proxy_.Until([&] { return origin->Ended(); }));
  }
  EXPECT_EQ(proxy_.counts().connections.count(), 0u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, RemovedWhileIdleConnectingAndBusy) {
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "\r\n\r\n"));
  Peer connecting = Ask();
  while (proxy_.cluster_stats().upstream_cx_total.value() < 2) proxy_.Turn();
  proxy_.clusters().Remove("origin");
  Peer late = Ask();
  EXPECT_TRUE(Gets(late, "HTTP/1.1 503"));
  Peer second = proxy_.Accept();
  Answer(origin);
  Answer(second);
  EXPECT_TRUE(Gets(client, "ok"));
  EXPECT_TRUE(Gets(connecting, "ok"));
  proxy_.Settle();
  EXPECT_EQ(proxy_.counts().connections.count(), 0u);
  EXPECT_EQ(proxy_.counts().requests.count(), 0u);
}

TEST_F(PoolTest, HostThatLeavesFinishesWhatItHas) {
  ProxyLoop other;  // Its origin socket alone is used.
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "\r\n\r\n"));
  proxy_.SetHosts({other.origin_port()});
  Peer moved = Ask();
  ASSERT_TRUE(proxy_.Until([&] { return other.OriginAsked(); }));
  Peer elsewhere = other.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return elsewhere.Got("\r\n\r\n"); }));
  elsewhere.Send(kOk);
  EXPECT_TRUE(Gets(moved, "ok"));
  Answer(origin);
  EXPECT_TRUE(Gets(client, "ok"));
  EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
  EXPECT_EQ(proxy_.counts().connections.count(), 1u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, NoHosts) {
  proxy_.Start();
  proxy_.SetHosts({});
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "no healthy upstream"));
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_none_healthy.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, RefusedConnection) {
  proxy_.Start();
  proxy_.StopOrigin();
  Peer first = Ask();
  Peer second = Ask();
  for (Peer* client : {&first, &second}) {
    EXPECT_TRUE(Gets(*client, "HTTP/1.1 503"));
    EXPECT_TRUE(client->Got("remote connection failure"));
    EXPECT_FALSE(client->Ended());
  }
  proxy_.Settle();
  EXPECT_GE(proxy_.cluster_stats().upstream_cx_connect_fail.value(), 1u);
  EXPECT_EQ(proxy_.counts().connections.count(), 0u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, ConnectTimeout) {
  SilentHost silent;
  proxy_.Start();
  proxy_.SetHosts({silent.port()});
  Peer client = Ask();
  Peer gone = Ask();
  proxy_.Settle();
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_pending_active.value(), 2u);
  gone.Close();  // Does not wait for it.
  proxy_.Settle();
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_pending_active.value(), 1u);
  EXPECT_EQ(proxy_.counts().pending_requests.count(), 1u);
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(Gets(client, "connection timeout"));
  proxy_.Settle();
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_connect_timeout.value(), 2u);
  EXPECT_EQ(proxy_.counts().connections.count(), 0u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, ClusterGoesWhileConnecting) {
  SilentHost silent;
  proxy_.Start();
  proxy_.SetHosts({silent.port()});
  Peer client = Ask();
  proxy_.Settle();
  proxy_.clusters().Remove("origin");
  client.Close();
  proxy_.Settle();
  EXPECT_EQ(proxy_.counts().connections.count(), 0u);
  EXPECT_EQ(proxy_.counts().pending_requests.count(), 0u);
  EXPECT_EQ(proxy_.counts().requests.count(), 0u);
}

TEST_F(PoolTest, MaxRequests) {
  thresholds().max_requests = 1;
  proxy_.Start();
  Peer first = Ask();
  Peer origin = proxy_.Accept();
  Peer second = Ask();
  EXPECT_TRUE(Gets(second, "HTTP/1.1 503"));
  EXPECT_TRUE(second.Got("x-envoy-overloaded: true"));
  EXPECT_TRUE(second.Got("overflow"));
  Answer(origin);
  EXPECT_TRUE(Gets(first, "ok"));
  second.Forget();
  second.Send(kGet);
  Answer(origin);
  EXPECT_TRUE(Gets(second, "ok"));
  ExpectNothingLeft();
}

TEST_F(PoolTest, MaxConnectionsMakesOthersWait) {
  thresholds().max_connections = 1;
  proxy_.Start();
  Peer first = Ask();
  Peer origin = proxy_.Accept();
  Peer second = Ask();
  Peer third = Ask();
  proxy_.Settle();
  EXPECT_FALSE(proxy_.OriginAsked());
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_pending_active.value(), 2u);
  for (Peer* client : {&first, &second}) {
    Answer(origin);
    EXPECT_TRUE(Gets(*client, "ok"));
  }
  // The connection breaks; whoever still waits gets a new one.
  ASSERT_TRUE(Gets(origin, "\r\n\r\n"));
  origin.Send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  Peer fourth = Ask();
  EXPECT_TRUE(Gets(third, "ok"));
  Peer again = proxy_.Accept();
  Answer(again);
  EXPECT_TRUE(Gets(fourth, "ok"));
  EXPECT_GE(proxy_.cluster_stats().upstream_cx_overflow.value(), 2u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, MaxPendingRequests) {
  thresholds().max_connections = 1;
  thresholds().max_pending_requests = 1;
  proxy_.Start();
  Peer first = Ask();
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "\r\n\r\n"));
  Peer second = Ask();
  proxy_.Settle();
  Peer third = Ask();
  EXPECT_TRUE(Gets(third, "HTTP/1.1 503"));
  second.Close();  // Frees the place.
  proxy_.Settle();
  Peer fourth = Ask();
  proxy_.Settle();
  Answer(origin);
  Answer(origin);
  EXPECT_TRUE(Gets(first, "ok"));
  EXPECT_TRUE(Gets(fourth, "ok"));
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_pending_overflow.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, MaxRequestsPerConnection) {
  proxy_.cluster->max_requests_per_connection = 2;
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  Answer(origin);
  ASSERT_TRUE(Gets(client, "ok"));
  client.Forget();
  client.Send(kGet);
  Answer(origin);
  ASSERT_TRUE(Gets(client, "ok"));
  EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
  ExpectNothingLeft();
}

constexpr char kRetryRoutes[] = R"(
  name: "r"
  virtual_hosts {
    name: "all" domains: "*"
    routes { match { prefix: "/" }
             route { cluster: "origin"
                     retry_policy { retry_on: "5xx,connect-failure"
                                    num_retries { value: 2 } } } }
  })";

TEST_F(PoolTest, RetriesAreCountedAndGivenBack) {
  proxy_.routes = kRetryRoutes;
  proxy_.Start();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  for (uint64_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(Gets(origin, "\r\n\r\n"));
    origin.Forget();
    origin.Send("HTTP/1.1 500 Broken\r\nContent-Length: 3\r\nX-Failed: yes\r\n\r\nbad");
    ASSERT_TRUE(
        proxy_.Until([&] { return proxy_.cluster_stats().upstream_rq_retry.value() == i; }));
    EXPECT_EQ(proxy_.counts().retries.count(), 1u);
    proxy_.Advance(kSecond);
    ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n") || proxy_.OriginAsked(); }));
    if (proxy_.OriginAsked()) origin = proxy_.Accept();
  }
  Answer(origin);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 200"));
  EXPECT_FALSE(client.Got("x-failed"));
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_retry.value(), 2u);
  EXPECT_EQ(proxy_.cluster_stats().upstream_rq_retry_success.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(PoolTest, ClientGoesAwayDuringTheBackOff) {
  proxy_.routes = kRetryRoutes;
  proxy_.Start();
  proxy_.StopOrigin();
  Peer client = Ask();
  ASSERT_TRUE(proxy_.Until([&] { return proxy_.counts().retries.count() == 1; }));
  client.Close();
  ASSERT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  proxy_.Advance(kSecond);
  proxy_.Settle();
  ExpectNothingLeft();
}

TEST_F(PoolTest, RouteTimeoutDuringTheBackOff) {
  proxy_.routes = kRetryRoutes;
  proxy_.Start();
  proxy_.StopOrigin();
  Peer client = Ask();
  ASSERT_TRUE(proxy_.Until([&] { return proxy_.counts().retries.count() == 1; }));
  proxy_.Advance(20 * kSecond);  // Back-off and timeout fire in the same turn.
  EXPECT_TRUE(Gets(client, "HTTP/1.1 504"));
  proxy_.Settle();
  EXPECT_EQ(client.Received().find("HTTP/1.1", 1), std::string::npos);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::upstream
