// Http2PoolFixture: a whole proxy with HTTP/1.1 clients and one HTTP/2 origin on the same loop.
#pragma once

#include <string>

#include "gtest/gtest.h"
#include "test/support/http2_origin.h"
#include "test/support/proxy_loop.h"

namespace proxenos::upstream {

inline constexpr char kGet[] = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n";
inline constexpr char kPost[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

class Http2PoolFixture : public ::testing::Test {
 protected:
  Http2PoolFixture() : origin_(proxy_.loop()) {
    proxy_.cluster->protocol = HttpProtocol::kHttp2;
    proxy_.cluster->http2.Mutable().options.max_concurrent_streams = 1024;
  }
  void Start() {
    proxy_.Start();
    proxy_.SetHosts({origin_.port()});
  }
  testing::Peer Ask(const char* request = kGet) {
    testing::Peer client = proxy_.Connect();
    client.Send(request);
    return client;
  }
  bool Gets(testing::Peer& peer, const std::string& text) {
    return proxy_.Until([&] { return peer.Got(text); });
  }
  // Waits until `count` requests have come in all; the last of them.
  testing::Http2OriginStream* Stream(size_t count) {
    const bool came = proxy_.Until(
        [&] { return origin_.stream_count() >= count && origin_.stream(count - 1).has_head(); });
    EXPECT_TRUE(came);
    return came ? &origin_.stream(count - 1) : nullptr;
  }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
    EXPECT_EQ(proxy_.counts().connections.count(), stats().upstream_cx_active.value());
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }

  testing::ProxyLoop proxy_;
  testing::Http2Origin origin_;
};

}  // namespace proxenos::upstream
