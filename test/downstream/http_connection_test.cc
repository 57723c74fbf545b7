// How a downstream connection lives and ends: keep-alive, pipelining, drain, timeouts, half-closes.
#include <string>

#include "gtest/gtest.h"
#include "test/support/proxy_loop.h"

namespace proxenos::downstream {
namespace {

using base::kMillisecond;
using base::kSecond;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kDirect[] = "GET /direct HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

size_t Count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

class HttpConnectionTest : public ::testing::Test {
 protected:
  static constexpr size_t kHeads = 20000;

  // A client that asks for so many answers without a body and takes none of them, as far as the
  // proxy lets it. What it could not send stays in `unsent`.
  Peer AskAndTakeNothing(std::string& unsent) {
    proxy_.downstream_buffer_bytes = proxy_.downstream_send_bytes = 4096;
    proxy_.Start();
    Peer client = proxy_.Connect();
    const std::string request = "HEAD /direct HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t i = 0; i < kHeads; ++i) unsent += request;
    size_t sent = 0;
    for (int i = 0; i < 4000; ++i) {
      proxy_.Turn();
      // Whole requests, so that none is cut where it stops.
      if (proxy_.http_stats().downstream_rq_total.value() * request.size() < sent) continue;
      const size_t more = client.Send(absl::string_view(unsent).substr(0, 20 * request.size()));
      unsent.erase(0, more);
      sent += more;
    }
    return client;
  }

  ProxyLoop proxy_;
};

TEST_F(HttpConnectionTest, PipelinedRequestsAreAnsweredInOrder) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  std::string all;
  for (int i = 0; i < 100; ++i) all += kDirect;
  ASSERT_EQ(client.Send(all), all.size());
  ASSERT_TRUE(proxy_.Until([&] { return Count(client.Received(), "\r\n\r\ndirect") == 100; }));
  EXPECT_FALSE(client.Ended());
  EXPECT_EQ(proxy_.http_stats().downstream_rq_total.value(), 100u);
}

TEST_F(HttpConnectionTest, PipelinedRequestsToTheOriginGoOneByOne) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(std::string(kGet) + kGet + kDirect);
  Peer origin = proxy_.Accept();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n"); }));
    EXPECT_EQ(Count(origin.Received(), "GET / HTTP/1.1"), 1u);
    origin.Forget();
    origin.Send(kOk);
  }
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("direct"); }));
  EXPECT_EQ(Count(client.Received(), "\r\n\r\nok"), 2u);
  proxy_.ExpectNothingUnderWay();
}

TEST_F(HttpConnectionTest, BytesOneByOneMakeTheSameRequest) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  for (const char c : std::string(kDirect)) {
    client.Send(std::string(1, c));
    proxy_.Turn();
  }
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("\r\n\r\ndirect"); }));
}

TEST_F(HttpConnectionTest, ClientLeavesAnIdleConnectionThatDrains) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(kDirect);
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("direct"); }));
  proxy_.listener().Drain();
  client.Close();
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
}

TEST_F(HttpConnectionTest, RequestOnADrainingConnectionIsServedAndTheLast) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(kDirect);
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("direct"); }));
  EXPECT_FALSE(client.Got("connection: close"));
  proxy_.listener().Drain();
  client.Forget();
  client.Send(kDirect);
  ASSERT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_TRUE(client.Got("connection: close"));
  EXPECT_TRUE(client.Got("\r\n\r\ndirect"));
}

TEST_F(HttpConnectionTest, QuietConnectionsCloseWhileDraining) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(kDirect);
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("direct"); }));
  proxy_.listener().Drain();
  proxy_.listener().CloseIdle(kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Ended());
  proxy_.Advance(2 * kSecond);
  proxy_.Turn();
  proxy_.listener().CloseIdle(kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
}

TEST_F(HttpConnectionTest, DrainDoesNotCutAHeadOnItsWay) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("GET /direct HTT");
  proxy_.Settle();
  proxy_.listener().Drain();
  proxy_.Advance(10 * kSecond);
  proxy_.Turn();
  proxy_.listener().CloseIdle(kSecond);
  proxy_.Settle();
  ASSERT_FALSE(client.Ended());
  client.Send("P/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(proxy_.Until([&] { return client.Got("direct") && client.Ended(); }));
}

TEST_F(HttpConnectionTest, SlowHeadIsAnsweredAndTheConnectionClosed) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nX-Sl");
  proxy_.Settle();
  proxy_.Advance(61 * kSecond);
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("HTTP/1.1 408"); }));
  client.Close();
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  EXPECT_EQ(proxy_.http_stats().downstream_rq_header_timeout.value(), 1u);
  EXPECT_EQ(proxy_.http_stats().downstream_rq_active.value(), 0u);
}

// The head is a part of the request.
TEST_F(HttpConnectionTest, SlowHeadTakesTheTimeOfTheRequest) {
  proxy_.http.request_timeout = 5 * kSecond;
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nX-Sl");
  proxy_.Settle();
  proxy_.Advance(6 * kSecond);
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("HTTP/1.1 408"); }));
  EXPECT_TRUE(client.Got("\r\n\r\nrequest timeout"));
  client.Close();
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  EXPECT_EQ(proxy_.http_stats().downstream_rq_timeout.value(), 1u);
  EXPECT_EQ(proxy_.http_stats().downstream_rq_header_timeout.value(), 0u);
}

// Old clients send an empty line behind the body of a POST (RFC 9112, section 2.2).
TEST_F(HttpConnectionTest, EmptyLineBeginsNoRequest) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(std::string(kDirect) + "\r\n");
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("direct"); }));
  proxy_.Advance(61 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Got("408"));
  EXPECT_FALSE(client.Ended());
  client.Send("GET /direct HTT");
  proxy_.Settle();
  proxy_.Advance(61 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return client.Got("HTTP/1.1 408"); }));
  client = proxy_.Connect();
  client.Send("\r\n");
  proxy_.Settle();
  proxy_.Advance(3601 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_EQ(client.Received(), "");
  EXPECT_EQ(proxy_.http_stats().downstream_cx_idle_timeout.value(), 1u);
}

TEST_F(HttpConnectionTest, IdleConnectionCloses) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(kDirect);
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("direct"); }));
  proxy_.Advance(3599 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Ended());
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_idle_timeout.value(), 1u);
}

TEST_F(HttpConnectionTest, MaxRequestsPerConnection) {
  proxy_.http.max_requests_per_connection = 2;
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(std::string(kDirect) + kDirect + kDirect);
  ASSERT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_EQ(Count(client.Received(), "\r\n\r\ndirect"), 2u);
  EXPECT_EQ(Count(client.Received(), "connection: close"), 1u);
}

// What is refused in the middle of an upload is answered where the client can read it, however much
// the client still sends.
TEST_F(HttpConnectionTest, RefusedUploadReadsTheAnswer) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("POST /direct HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  const std::string more(64 * 1024, 'x');
  size_t sent = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    sent += client.Send(more);
    return sent > (8u << 20);
  })) << sent;
  client.ShutdownWrite();
  ASSERT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_FALSE(client.reset());
  EXPECT_TRUE(client.Got("HTTP/1.1 400") || client.Got("HTTP/1.1 200"));
}

TEST_F(HttpConnectionTest, LingeringHasAnEnd) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("BAD\r\n\r\n");
  ASSERT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_TRUE(client.Got("HTTP/1.1 400"));
  EXPECT_FALSE(proxy_.listener().empty());
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
}

// A client that asks and never reads holds its connection for a bounded time, even when the
// response is complete and only waits to be flushed.
TEST_F(HttpConnectionTest, UnreadLastResponseIsGivenUp) {
  proxy_.downstream_buffer_bytes = 64 << 20;
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n"); }));
  constexpr size_t kSize = 32 << 20;
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
  const std::string block(64 * 1024, 'x');
  size_t sent = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    sent += origin.Send(absl::string_view(block).substr(0, kSize - sent));
    return sent == kSize;
  }));
  ASSERT_TRUE(proxy_.Until([&] { return proxy_.http_stats().downstream_rq_active.value() == 0; }));
  EXPECT_FALSE(proxy_.listener().empty());
  proxy_.Advance(301 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  proxy_.ExpectNothingUnderWay();
}

// Answers without a body wait for no room: only that no further request is begun bounds them.
TEST_F(HttpConnectionTest, UntakenAnswersHoldBackPipelinedRequests) {
  std::string unsent;
  Peer client = AskAndTakeNothing(unsent);
  EXPECT_LT(proxy_.http_stats().downstream_rq_total.value(), kHeads / 2);
  // Whoever takes its answers gets them all.
  EXPECT_TRUE(proxy_.Until([&] {
    unsent.erase(0, client.Send(unsent));
    client.Received();
    return proxy_.http_stats().downstream_rq_total.value() == kHeads;
  }));
  EXPECT_TRUE(proxy_.Until([&] {
    client.Received();
    return proxy_.http_stats().downstream_rq_active.value() == 0;
  }));
  proxy_.Settle();
  EXPECT_EQ(Count(client.Received(), "HTTP/1.1 200"), kHeads);
  EXPECT_FALSE(client.Ended());
}

TEST_F(HttpConnectionTest, UntakenAnswersAreGivenUp) {
  std::string unsent;
  Peer client = AskAndTakeNothing(unsent);
  proxy_.Advance(299 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(proxy_.listener().empty());
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_active.value(), 0u);
}

TEST_F(HttpConnectionTest, AnswersThatAreTakenLateLeaveAnIdleConnection) {
  std::string unsent;
  Peer client = AskAndTakeNothing(unsent);
  proxy_.Advance(200 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] {
    unsent.erase(0, client.Send(unsent));
    client.Received();
    return unsent.empty();
  }));
  ASSERT_TRUE(proxy_.Until([&] { return Count(client.Received(), "HTTP/1.1 200") == kHeads; }));
  proxy_.Advance(3599 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Ended());
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
}

TEST_F(HttpConnectionTest, ClientThatBreaksWithAnswersUntakenIsGone) {
  std::string unsent;
  Peer client = AskAndTakeNothing(unsent);
  client.Close(/*reset=*/true);
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
}

TEST_F(HttpConnectionTest, HalfClosedBeforeTheHeadIsComplete) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("GET / HT");
  client.ShutdownWrite();
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  EXPECT_EQ(proxy_.http_stats().downstream_rq_total.value(), 0u);
}

TEST_F(HttpConnectionTest, HundredContinue) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("HTTP/1.1 100 Continue\r\n\r\n"); }));
  client.Send("ab");
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\nab"); }));
  EXPECT_FALSE(origin.Got("\nexpect:"));
  origin.Send(kOk);
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("\r\n\r\nok"); }));
}

}  // namespace
}  // namespace proxenos::downstream
