// PoolTest: the fixture of tests that look at a pool through a whole proxy: clients ask, origins
// answer, and after each test no count is left behind.
#pragma once

#include <string>

#include "gtest/gtest.h"
#include "test/support/proxy_loop.h"

namespace proxenos::upstream {

using testing::Peer;
using testing::ProxyLoop;

inline constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
inline constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class PoolTest : public ::testing::Test {
 protected:
  Peer Ask() {
    Peer client = proxy_.Connect();
    client.Send(kGet);
    return client;
  }
  bool Gets(Peer& peer, const std::string& text) {
    return proxy_.Until([&] { return peer.Got(text); });
  }
  // Answers the request that `origin` got.
  void Answer(Peer& origin) {
    ASSERT_TRUE(Gets(origin, "\r\n\r\n"));
    origin.Forget();
    origin.Send(kOk);
  }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
    EXPECT_EQ(proxy_.counts().connections.count(),
              proxy_.cluster_stats().upstream_cx_active.value());
  }
  // Settings of the circuit breakers.
  Thresholds& thresholds() { return proxy_.cluster->thresholds.Mutable()[0]; }

  ProxyLoop proxy_;
};

}  // namespace proxenos::upstream
