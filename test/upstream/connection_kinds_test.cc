// Pools beside the usual one of a host, for requests whose connections differ: clients and requests
// make up as many kinds as they like, and the limits of connections hold all the same.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/pool_fixture.h"
#include "test/upstream/silent_host.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;

// Each client has connections of its own.
class ConnectionKindsTest : public PoolTest {
 protected:
  ConnectionKindsTest() { proxy_.cluster->pool_per_client = true; }

  // A client that comes, is answered and goes; the connection to the origin that it had.
  Peer Visit() {
    Peer client = Ask();
    Peer origin = proxy_.Accept();
    EXPECT_TRUE(Gets(origin, "\r\n\r\n"));
    origin.Send(kOk);
    EXPECT_TRUE(Gets(client, "ok"));
    client.Close();
    proxy_.Settle();
    return origin;
  }
  uint32_t Connections() {
    EXPECT_EQ(proxy_.counts().connections.count(), stats().upstream_cx_active.value());
    return proxy_.counts().connections.count();
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }
};

TEST_F(ConnectionKindsTest, ThoseThatNobodyUsesGiveWay) {
  thresholds().max_connections = 2;
  proxy_.Start();
  std::vector<Peer> origins;
  for (int i = 0; i < 6; ++i) {
    origins.push_back(Visit());
    EXPECT_LE(Connections(), 2u) << i;
  }
  int open = 0;
  for (Peer& origin : origins) open += origin.Ended() ? 0 : 1;
  EXPECT_EQ(open, 2);
  EXPECT_EQ(proxy_.worker_cluster().pool_count(), 3u) << "those two, and the usual one";
  EXPECT_EQ(stats().upstream_cx_destroy_local.value(), 4u);
  ExpectNothingLeft();
}

TEST_F(ConnectionKindsTest, TheLimitOfAHostIsKeptToo) {
  proxy_.cluster->max_connections_per_host = 1;
  proxy_.Start();
  std::vector<Peer> origins;
  for (int i = 0; i < 3; ++i) {
    origins.push_back(Visit());
    EXPECT_EQ(Connections(), 1u) << i;
  }
  ExpectNothingLeft();
}

// Whoever has none of its kind gets its first, or it would wait for ever.
TEST_F(ConnectionKindsTest, ThoseInUseStay) {
  thresholds().max_connections = 1;
  proxy_.Start();
  Peer first = Ask();
  Peer first_origin = proxy_.Accept();
  ASSERT_TRUE(Gets(first_origin, "\r\n\r\n"));
  Peer second = Ask();
  Peer second_origin = proxy_.Accept();
  ASSERT_TRUE(Gets(second_origin, "\r\n\r\n"));
  EXPECT_EQ(Connections(), 2u);
  first_origin.Send(kOk);
  second_origin.Send(kOk);
  EXPECT_TRUE(Gets(first, "ok"));
  EXPECT_TRUE(Gets(second, "ok"));
  Peer third_origin = Visit();
  EXPECT_EQ(Connections(), 2u) << "as many as were in use at once";
  ExpectNothingLeft();
}

// Clients that leave before there is a connection leave none on its way either.
TEST_F(ConnectionKindsTest, ThoseOnTheirWayForNobodyGiveWay) {
  SilentHost silent;
  thresholds().max_connections = 2;
  proxy_.Start();
  proxy_.SetHosts({silent.port()});
  for (int i = 0; i < 6; ++i) {
    Peer client = Ask();
    ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_pending_active.value() == 1; }));
    client.Close();
    ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_pending_active.value() == 0; }));
    EXPECT_LE(Connections(), 2u) << i;
  }
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return Connections() == 0; }));
  EXPECT_EQ(stats().upstream_cx_destroy.value(), stats().upstream_cx_total.value());
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::upstream
