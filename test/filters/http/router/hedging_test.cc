// Several tries of one request at once: which of them answers, and what becomes of the others.
#include <string>

#include "gtest/gtest.h"
#include "source/filters/http/router/router.h"
#include "test/support/http2_origin.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using base::kSecond;
using http2::ErrorCode;
using testing::Http2Origin;
using testing::Http2OriginStream;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kRoutes[] = R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
    match { prefix: "/" }
    route {
      cluster: "origin"
      timeout { seconds: 0 }
      idle_timeout { seconds: 30 }
      retry_policy {
        retry_on: "reset,retriable-status-codes"
        retriable_status_codes: 503
        num_retries { value: 2 }
        per_try_timeout { seconds: 5 }
      }
      hedge_policy { hedge_on_per_try_timeout: true }
    }}})";

class HedgingTest : public ::testing::Test {
 protected:
  HedgingTest() : origin_(proxy_.loop()) {
    proxy_.cluster->protocol = upstream::HttpProtocol::kHttp2;
    proxy_.routes = kRoutes;
    proxy_.Start();
    proxy_.SetHosts({origin_.port()});
  }
  // A request whose first `count` tries are under way; all but the last of them are late.
  Peer Ask(size_t count) {
    Peer client = proxy_.Connect();
    client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    for (size_t i = 1; i <= count; ++i) {
      EXPECT_TRUE(proxy_.Until([&] {
        return origin_.stream_count() >= i && origin_.stream(i - 1).complete();
      })) << i;
      EXPECT_EQ(Try(i).body(), "hello");
      if (i < count) MakeLate(i);
    }
    return client;
  }
  void MakeLate(uint64_t retries) {
    proxy_.Advance(6 * kSecond);
    EXPECT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == retries; }));
    proxy_.Advance(kSecond);  // The back-off.
  }
  Http2OriginStream& Try(size_t number) { return origin_.stream(number - 1); }
  bool Gets(Peer& client, const std::string& text) {
    return proxy_.Until([&] { return client.Got(text); });
  }
  bool IsReset(size_t number) {
    return proxy_.Until([&] { return Try(number).reset() == ErrorCode::kCancel; });
  }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }

  ProxyLoop proxy_;
  Http2Origin origin_;
};

TEST_F(HedgingTest, FirstGoodAnswerOfAnyTryIsTheAnswer) {
  Peer client = Ask(3);
  Try(2).Reply(200, {{"x-try", "2"}}, "of the second");
  EXPECT_TRUE(Gets(client, "of the second"));
  EXPECT_TRUE(client.Got("x-try: 2\r\n"));
  EXPECT_TRUE(IsReset(1) && IsReset(3));
  EXPECT_EQ(stats().upstream_rq_tx_reset.value(), 2u);
  EXPECT_EQ(stats().upstream_rq_per_try_timeout.value(), 0u);
  EXPECT_EQ(stats().upstream_rq_retry_success.value(), 0u);
  ExpectNothingLeft();
}

// A response that is sent bit by bit goes on to be that of its try.
TEST_F(HedgingTest, BodyFollowsFromTheTryThatAnswered) {
  Peer client = Ask(2);
  Try(1).SendHead(200, {{"x-try", "1"}}, false);
  ASSERT_TRUE(Gets(client, "x-try: 1\r\n"));
  EXPECT_TRUE(IsReset(2));
  Try(1).SendBody("one ", false);
  ASSERT_TRUE(Gets(client, "one "));
  proxy_.Advance(20 * kSecond);  // No time of a try is left to end it.
  Try(1).SendBody("two", true);
  EXPECT_TRUE(Gets(client, "two"));
  ExpectNothingLeft();
}

TEST_F(HedgingTest, TriesThatFailAreDropped) {
  Peer client = Ask(3);
  Try(1).Reset(ErrorCode::kInternalError);
  Try(3).Reply(503, {}, "busy");
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_active.value() == 1; }));
  EXPECT_FALSE(client.Got("HTTP/1.1"));
  Try(2).Reply(503, {}, "busy too");
  EXPECT_TRUE(Gets(client, "busy too"));
  EXPECT_EQ(stats().upstream_rq_rx_reset.value(), 1u);
  EXPECT_EQ(stats().upstream_rq_retry_limit_exceeded.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(HedgingTest, LastTryThatBreaksOffIsToldOf) {
  Peer client = Ask(2);
  Try(2).Reply(503, {}, "busy");
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == 2; }));
  proxy_.Advance(kSecond);
  ASSERT_TRUE(proxy_.Until([&] { return origin_.stream_count() == 3; }));
  Try(3).Reset(ErrorCode::kInternalError);
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_active.value() == 1; }));
  Try(1).Reset(ErrorCode::kInternalError);
  EXPECT_TRUE(Gets(client, "retried and the latest reset reason: remote reset"));
  ExpectNothingLeft();
}

// While the next try waits for its time.
TEST_F(HedgingTest, AnswerDuringTheBackOffEndsIt) {
  Peer client = Ask(1);
  proxy_.Advance(6 * kSecond);
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == 1; }));
  Try(1).Reply(200, {}, "late but good");
  EXPECT_TRUE(Gets(client, "late but good"));
  proxy_.Advance(kSecond);
  proxy_.Settle();
  EXPECT_EQ(origin_.stream_count(), 1u);
  ExpectNothingLeft();
}

// As when the stream has been idle for too long.
TEST_F(HedgingTest, LocalReplyEndsAllTries) {
  Peer client = Ask(2);
  proxy_.Advance(31 * kSecond);
  EXPECT_TRUE(Gets(client, "stream timeout"));
  EXPECT_TRUE(IsReset(1) && IsReset(2));
  EXPECT_EQ(stats().upstream_rq_active.value(), 0u);
  ExpectNothingLeft();
}

TEST_F(HedgingTest, ClientThatLeavesEndsAllTries) {
  { Peer client = Ask(2); }
  EXPECT_TRUE(IsReset(1) && IsReset(2));
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::filters::router
