// HTTP/2 clients: many streams, slow ones among them, resets, and the ways in which a connection
// goes away.
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/downstream/origin_rules.h"
#include "test/downstream/http2_connection_fixture.h"

namespace proxenos::downstream {
namespace {

using base::kSecond;
using http2::ErrorCode;
using http2::StreamId;
using testing::Peer;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string kSettings("\0\0\0\4\0\0\0\0\0", 9);

class Http2ConnectionTest : public Http2ConnectionFixture {};

// Makes sixteen bytes of each byte of a request's body, as a decompressor may.
class Inflate final : public filter::HttpFilter {
 public:
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool) override {
    buffer::Buffer more;
    for (int i = 0; i < 16; ++i) more.Append(body.ToString());
    body = std::move(more);
    return filter::Verdict::kContinue;
  }
};
class InflateFactory final : public filter::FilterFactory {
 public:
  InflateFactory() { request_body = filter::BodyMode::kStream; }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    return std::make_unique<Inflate>();
  }
};

TEST_F(Http2ConnectionTest, AnswersAClientWithPriorKnowledge) {
  Begin();
  const StreamId id = client_->Get("/direct");
  ASSERT_TRUE(Completes(id));
  EXPECT_EQ(client_->Of(id).status(), 200);
  EXPECT_EQ(client_->Of(id).body, "direct");
  EXPECT_EQ(client_->Of(id).Header("server"), "envoy");
  EXPECT_NE(client_->Of(id).Header("date"), "");
  EXPECT_EQ(stats().downstream_cx_total.value(), 1u);
  EXPECT_EQ(stats().downstream_cx_http2_total.value(), 1u);
  EXPECT_EQ(stats().downstream_cx_http2_active.value(), 1u);
  EXPECT_EQ(stats().downstream_cx_http1_total.value(), 0u);
  EXPECT_EQ(stats().downstream_rq_http2_total.value(), 1u);
  EXPECT_EQ(stats().downstream_rq_2xx.value(), 1u);
  client_->peer().Close();
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  EXPECT_EQ(stats().downstream_cx_http2_active.value(), 0u);
  EXPECT_EQ(stats().downstream_cx_active.value(), 0u);
  EXPECT_EQ(stats().downstream_rq_active.value(), 0u);
}

TEST_F(Http2ConnectionTest, PrefaceAndFirstRequestMayComeByteByByte) {
  proxy_.Start();
  Peer client = proxy_.Connect();
  for (const char c : kPreface + kSettings) {
    client.Send(std::string(1, c));
    proxy_.Turn();
  }
  ASSERT_TRUE(proxy_.Until([&] { return client.Received().size() >= 9; }));
  EXPECT_EQ(client.Received()[3], 4);  // SETTINGS
  EXPECT_EQ(stats().downstream_cx_http2_total.value(), 1u);
}

TEST_F(Http2ConnectionTest, MethodsThatBeginLikeThePrefaceAreHttp1) {
  proxy_.Start();
  for (const std::string method : {"PROPFIND", "PRINT"}) {
    Peer client = proxy_.Connect();
    for (const char c : method + " /direct HTTP/1.1\r\nHost: a\r\n\r\n") {
      client.Send(std::string(1, c));
      proxy_.Turn();
    }
    EXPECT_TRUE(proxy_.Until([&] { return client.Got("direct"); })) << method;
  }
  EXPECT_EQ(stats().downstream_cx_http1_total.value(), 2u);
  EXPECT_EQ(stats().downstream_cx_http2_total.value(), 0u);
}

TEST_F(Http2ConnectionTest, CodecOfOneVersionRefusesTheOther) {
  proxy_.http.codec = HttpConfig::Codec::kHttp1;
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send(kPreface + kSettings);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_TRUE(client.Got("HTTP/1.1 "));
}

TEST_F(Http2ConnectionTest, Http1OnAnHttp2ListenerEndsTheConnection) {
  proxy_.http.codec = HttpConfig::Codec::kHttp2;
  proxy_.Start();
  Peer client = proxy_.Connect();
  client.Send("GET /direct HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_FALSE(client.Got("HTTP/1.1"));
  EXPECT_EQ(stats().downstream_cx_protocol_error.value(), 1u);
}

TEST_F(Http2ConnectionTest, StreamsAreServedSideBySide) {
  Begin();
  const StreamId slow = client_->Get("/slow");
  Peer origin = OriginGets("GET /slow HTTP/1.1");
  const StreamId quick = client_->Get("/quick");
  Peer other = OriginGets("GET /quick HTTP/1.1");
  other.Send(kOk);
  ASSERT_TRUE(Completes(quick));
  EXPECT_FALSE(client_->Of(slow).has_head);
  origin.Send(kOk);
  ASSERT_TRUE(Completes(slow));
  EXPECT_EQ(client_->Of(slow).body, "ok");
  client_->peer().Close();
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  proxy_.ExpectNothingUnderWay();
}

TEST_F(Http2ConnectionTest, BodyAndTrailersPass) {
  proxy_.cluster->response_trailers = true;
  Begin();
  const StreamId id = client_->Send("POST", "/", /*end=*/false);
  client_->SendBody(id, "hello", /*end=*/true);
  Peer origin = OriginGets("hello");
  origin.Send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n");
  ASSERT_TRUE(Completes(id));
  EXPECT_EQ(client_->Of(id).body, "ok");
  EXPECT_EQ(client_->Of(id).Trailer("x-t"), "1");
}

TEST_F(Http2ConnectionTest, ResponseToHeadHasNoBody) {
  Begin();
  const StreamId id = client_->Send("HEAD", "/");
  Peer origin = OriginGets("HEAD / ");
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  ASSERT_TRUE(Completes(id));
  EXPECT_EQ(client_->Of(id).Header("content-length"), "1000");
  EXPECT_EQ(client_->Of(id).body, "");
}

TEST_F(Http2ConnectionTest, LeaveToSendABodyIsGivenOnce) {
  Begin();
  const StreamId id = client_->Send("POST", "/", /*end=*/false, {{"expect", "100-continue"}});
  ASSERT_TRUE(Until([&] { return client_->Of(id).informational == 1; }));
  EXPECT_EQ(client_->Of(id).last_informational, 100);
  client_->SendBody(id, "now", true);
  Peer origin = OriginGets("now");
  origin.Send(kOk);
  ASSERT_TRUE(Completes(id));
  EXPECT_EQ(client_->Of(id).informational, 1);
}

TEST_F(Http2ConnectionTest, TooLargeHeadIsAnswered) {
  proxy_.http.http2.options.max_head_bytes = 8192;
  Begin();
  const StreamId id = client_->Send("GET", "/direct", true, {{"x", std::string(9000, 'x')}});
  ASSERT_TRUE(Completes(id));
  EXPECT_EQ(client_->Of(id).status(), 431);
  EXPECT_EQ(stats().downstream_rq_too_large.value(), 0u) << "that counts bodies";
  const StreamId next = client_->Get("/direct");
  ASSERT_TRUE(Completes(next));
  EXPECT_EQ(client_->Of(next).status(), 200);
}

TEST_F(Http2ConnectionTest, UploadIsHeldBackByASlowOrigin) {
  Begin();
  const StreamId id = client_->Send("POST", "/", /*end=*/false);
  Peer origin = OriginGets("POST / ");
  const std::string megabytes(16 * 1024 * 1024, 'u');
  client_->SendBody(id, megabytes, /*end=*/true);
  Settle();
  // The origin reads nothing: what is not in kernels and budgets has stayed with the client.
  EXPECT_GT(client_->Unsent(id), 4u * 1024 * 1024);
  // Another stream is not held back by that.
  const StreamId other = client_->Get("/direct");
  ASSERT_TRUE(Completes(other));
  size_t got = 0;
  ASSERT_TRUE(Until([&] {
    got += origin.Received().size();
    origin.Forget();
    return got >= megabytes.size();
  }));
  origin.Send(kOk);
  ASSERT_TRUE(Completes(id));
}

// What filters make of a body is no measure of how much of it may still come.
TEST_F(Http2ConnectionTest, UploadThatGrowsOnItsWayIsCreditedToItsEnd) {
  proxy_.filters.push_back(std::make_shared<const InflateFactory>());
  Begin();
  const StreamId id = client_->Send("POST", "/", /*end=*/false);
  Peer origin = OriginGets("POST / ");
  const std::string megabytes(2 * 1024 * 1024, 'u');
  client_->SendBody(id, megabytes, /*end=*/true);
  Settle();
  // The origin reads nothing: more is held than has come, and none of that is credited.
  EXPECT_GT(client_->Unsent(id), 1024u * 1024);
  size_t got = 0;
  EXPECT_TRUE(Until([&] {
    got += origin.Received().size();
    origin.Forget();
    return got >= 16 * megabytes.size();
  })) << got;
  origin.Send(kOk);
  ASSERT_TRUE(Completes(id));
}

TEST_F(Http2ConnectionTest, SlowReaderHoldsItsBudgetAndNoSibling) {
  http2::Options options;
  options.initial_stream_window = 65535;
  Begin(options);
  const StreamId slow = client_->Get("/slow");
  client_->Of(slow).hold_credit = true;
  Peer origin = OriginGets("GET /slow");
  const size_t all = 32 * 1024 * 1024;
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(all) + "\r\n\r\n");
  size_t sent = 0;
  const std::string piece(256 * 1024, 'd');
  const auto feed = [&] {
    while (sent < all) {
      const size_t n = origin.Send(absl::string_view(piece).substr(0, all - sent));
      sent += n;
      if (n == 0) return;
    }
  };
  for (int i = 0; i < 20; ++i) {
    feed();
    Settle();
  }
  EXPECT_EQ(client_->Of(slow).body.size(), 65535u);
  EXPECT_LT(sent, 16u * 1024 * 1024);  // The rest waits at the origin.
  const StreamId other = client_->Get("/direct");
  ASSERT_TRUE(Completes(other));
  ASSERT_TRUE(Until([&] {
    feed();
    client_->GiveCredit(slow);
    return client_->Of(slow).complete;
  }));
  EXPECT_EQ(client_->Of(slow).body.size(), all);
}

TEST_F(Http2ConnectionTest, ResetCancelsTheUpstreamRequest) {
  Begin();
  const StreamId id = client_->Get("/");
  Peer origin = OriginGets("GET / ");
  client_->session().Reset(id, ErrorCode::kCancel);
  EXPECT_TRUE(Until([&] { return origin.Ended(); }));
  EXPECT_EQ(stats().downstream_rq_rx_reset.value(), 1u);
  EXPECT_EQ(stats().downstream_rq_active.value(), 0u);
  const StreamId next = client_->Get("/direct");
  EXPECT_TRUE(Completes(next));
}

TEST_F(Http2ConnectionTest, ResponseBeforeTheRequestIsCompleteEndsTheStream) {
  Begin();
  const StreamId id = client_->Send("POST", "/direct", /*end=*/false);
  ASSERT_TRUE(Completes(id));
  EXPECT_EQ(client_->Of(id).body, "direct");
  ASSERT_TRUE(Until([&] { return client_->Of(id).closed; }));
  EXPECT_EQ(client_->Of(id).reset, ErrorCode::kNoError);
  EXPECT_EQ(stats().downstream_rq_response_before_rq_complete.value(), 1u);
  const StreamId next = client_->Get("/direct");
  EXPECT_TRUE(Completes(next));
}

TEST_F(Http2ConnectionTest, CutResponseIsReset) {
  Begin();
  const StreamId id = client_->Get("/");
  Peer origin = OriginGets("GET / ");
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
  ASSERT_TRUE(Until([&] { return client_->Of(id).body == "part"; }));
  origin.Send(" and what came with the end");
  origin.Close();
  ASSERT_TRUE(Until([&] { return client_->Of(id).closed; }));
  EXPECT_EQ(client_->Of(id).body, "part and what came with the end");
  EXPECT_FALSE(client_->Of(id).complete);
  EXPECT_EQ(client_->Of(id).reset, ErrorCode::kInternalError);
  EXPECT_FALSE(client_->peer().Ended());
}

// The reset waits for the window, as what came before it does.
TEST_F(Http2ConnectionTest, CutResponseIsResetBehindWhatTheWindowHoldsBack) {
  http2::Options options;
  options.initial_stream_window = 65535;
  Begin(options);
  const StreamId id = client_->Get("/");
  client_->Of(id).hold_credit = true;
  Peer origin = OriginGets("GET / ");
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + std::string(100000, 'd'));
  ASSERT_TRUE(Until([&] { return client_->Of(id).body.size() == 65535; }));
  origin.Close();
  Settle();
  EXPECT_FALSE(client_->Of(id).reset.has_value());
  client_->Of(id).hold_credit = false;
  client_->GiveCredit(id);
  ASSERT_TRUE(Until([&] { return client_->Of(id).closed; }));
  EXPECT_EQ(client_->Of(id).body.size(), 100000u);
  EXPECT_EQ(client_->Of(id).reset, ErrorCode::kInternalError);
  EXPECT_EQ(stats().downstream_rq_active.value(), 0u);
}

TEST_F(Http2ConnectionTest, MoreStreamsThanAllowedAreRefused) {
  proxy_.http.http2.options.max_concurrent_streams = 2;
  Begin();
  ASSERT_TRUE(Completes(client_->Get("/direct")));
  client_->Get("/a");
  client_->Get("/b");
  Peer origin = OriginGets("GET /a");
  EXPECT_FALSE(client_->session().CanBegin());  // The client knows by our SETTINGS.
}

TEST_F(Http2ConnectionTest, DrainTellsTwiceAndServesWhatHasBegun) {
  Begin();
  const StreamId id = client_->Get("/");
  Peer origin = OriginGets("GET / ");
  proxy_.listener().Drain();
  ASSERT_TRUE(Until([&] { return client_->goaways() == 1; }));
  EXPECT_EQ(client_->last_goaway(), INT32_MAX);
  proxy_.Advance(6 * kSecond);
  ASSERT_TRUE(Until([&] { return client_->goaways() == 2; }));
  EXPECT_EQ(client_->last_goaway(), id);
  EXPECT_FALSE(client_->peer().Ended());
  origin.Send(kOk);
  ASSERT_TRUE(Completes(id));
  ASSERT_TRUE(Ends());
  client_->peer().Close();
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  proxy_.ExpectNothingUnderWay();
}

TEST_F(Http2ConnectionTest, QuietConnectionsCloseWhileDraining) {
  Begin();
  ASSERT_TRUE(Completes(client_->Get("/direct")));
  proxy_.listener().Drain();
  Settle();
  EXPECT_FALSE(client_->peer().Ended());
  proxy_.Advance(2 * kSecond);
  proxy_.Turn();
  proxy_.listener().CloseIdle(kSecond);
  EXPECT_TRUE(Ends());
}

TEST_F(Http2ConnectionTest, IdleConnectionsSayGoodbye) {
  proxy_.http.idle_timeout = 10 * kSecond;
  Begin();
  ASSERT_TRUE(Completes(client_->Get("/direct")));
  Settle();
  proxy_.Advance(11 * kSecond);
  EXPECT_TRUE(Ends());
  EXPECT_EQ(client_->goaways(), 1);
  EXPECT_EQ(stats().downstream_cx_idle_timeout.value(), 1u);
}

TEST_F(Http2ConnectionTest, BusyConnectionsAreNotIdle) {
  proxy_.http.idle_timeout = 10 * kSecond;
  Begin();
  client_->Get("/");
  Peer origin = OriginGets("GET / ");
  proxy_.Advance(11 * kSecond);
  Settle();
  EXPECT_EQ(client_->goaways(), 0);
}

TEST_F(Http2ConnectionTest, OldConnectionsLeave) {
  proxy_.http.max_connection_duration = 6 * kSecond;
  proxy_.http.drain_timeout = 2 * kSecond;
  Begin();
  const StreamId id = client_->Get("/");
  Peer origin = OriginGets("GET / ");
  proxy_.Advance(7 * kSecond);
  ASSERT_TRUE(Until([&] { return client_->goaways() == 1; }));
  EXPECT_EQ(stats().downstream_cx_max_duration_reached.value(), 1u);
  proxy_.Advance(3 * kSecond);
  ASSERT_TRUE(Until([&] { return client_->goaways() == 2; }));
  origin.Send(kOk);
  ASSERT_TRUE(Completes(id));
  EXPECT_TRUE(Ends());
}

TEST_F(Http2ConnectionTest, JitterLengthensLivesByPartsOfTheirOwn) {
  proxy_.http.max_connection_duration = 100 * kSecond;
  proxy_.http.max_connection_duration_jitter_percent = 50;
  Begin();
  client_->Get("/");
  Peer origin = OriginGets("GET / ");
  proxy_.Advance(99 * kSecond);
  Settle();
  EXPECT_EQ(client_->goaways(), 0);
  proxy_.Advance(51 * kSecond);
  EXPECT_TRUE(Until([&] { return client_->goaways() == 1; }));
}

TEST_F(Http2ConnectionTest, LastRequestOfManyLeadsToGoAway) {
  proxy_.http.max_requests_per_connection = 3;
  Begin();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client_->goaways(), 0);
    ASSERT_TRUE(Completes(client_->Get("/direct")));
  }
  ASSERT_TRUE(Until([&] { return client_->goaways() == 1; }));
  EXPECT_EQ(stats().downstream_cx_max_requests_reached.value(), 1u);
}

TEST_F(Http2ConnectionTest, PeerThatAnswersNoPingIsCut) {
  proxy_.http.http2.keepalive.interval = 10 * kSecond;
  proxy_.http.http2.keepalive.timeout = 3 * kSecond;
  proxy_.http.http2.keepalive.jitter_percent = 0;
  Begin();
  ASSERT_TRUE(Completes(client_->Get("/direct")));
  for (int i = 0; i < 3; ++i) {  // Each PING is answered.
    proxy_.Advance(10 * kSecond + kSecond / 10);
    Settle();
  }
  EXPECT_EQ(http2_stats().keepalive_timeout.value(), 0u);
  EXPECT_FALSE(client_->peer().Ended());
  proxy_.Advance(10 * kSecond + kSecond / 10);
  proxy_.Settle();  // The client is not heard of any more.
  proxy_.Advance(4 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  EXPECT_EQ(http2_stats().keepalive_timeout.value(), 1u);
}

TEST_F(Http2ConnectionTest, HeadThatNeverEndsTimesOut) {
  proxy_.http.request_headers_timeout = 5 * kSecond;
  proxy_.Start();
  Peer client = proxy_.Connect();
  // HEADERS on stream 1 without END_HEADERS.
  client.Send(kPreface + kSettings + std::string("\0\0\1\1\0\0\0\0\1\x82", 10));
  proxy_.Settle();
  EXPECT_FALSE(client.Ended());
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_EQ(stats().downstream_rq_header_timeout.value(), 1u);
}

TEST_F(Http2ConnectionTest, ClientThatReadsNothingLosesItsStreamInTime) {
  proxy_.http.stream_idle_timeout = 30 * kSecond;
  http2::Options options;
  options.initial_stream_window = 65535;
  Begin(options);
  const StreamId id = client_->Get("/");
  client_->Of(id).hold_credit = true;
  Peer origin = OriginGets("GET / ");
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'd'));
  ASSERT_TRUE(Until([&] { return client_->Of(id).body.size() == 65535; }));
  Settle();
  EXPECT_EQ(stats().downstream_rq_active.value(), 0u);  // The rest is in the session's queue.
  proxy_.Advance(31 * kSecond);
  ASSERT_TRUE(Until([&] { return client_->Of(id).reset.has_value(); }));
  EXPECT_EQ(http2_stats().tx_flush_timeout.value(), 1u);
  EXPECT_TRUE(Completes(client_->Get("/direct")));
}

TEST_F(Http2ConnectionTest, WhatClientsDoNotTakeHasATimeoutOfItsOwn) {
  proxy_.http.stream_idle_timeout = 30 * kSecond;
  OriginRules rules;
  rules.stream_flush_timeout = 3 * kSecond;
  proxy_.http.origin = std::make_shared<const OriginRules>(std::move(rules));
  http2::Options options;
  options.initial_stream_window = 65535;
  Begin(options);
  const StreamId id = client_->Get("/");
  client_->Of(id).hold_credit = true;
  Peer origin = OriginGets("GET / ");
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'd'));
  ASSERT_TRUE(Until([&] { return client_->Of(id).body.size() == 65535; }));
  Settle();
  proxy_.Advance(4 * kSecond);
  ASSERT_TRUE(Until([&] { return client_->Of(id).reset.has_value(); }));
  EXPECT_EQ(http2_stats().tx_flush_timeout.value(), 1u);
}

TEST_F(Http2ConnectionTest, StreamTimeoutAnswersAndKeepsTheConnection) {
  proxy_.http.request_timeout = 5 * kSecond;
  Begin();
  const StreamId id = client_->Send("POST", "/", /*end=*/false);
  Peer origin = OriginGets("POST / ");
  proxy_.Advance(6 * kSecond);
  ASSERT_TRUE(Completes(id));
  EXPECT_EQ(client_->Of(id).status(), 408);
  EXPECT_TRUE(Completes(client_->Get("/direct")));
}

TEST_F(Http2ConnectionTest, ClosingClientCutsAllItsStreams) {
  Begin();
  client_->Get("/a");
  client_->Get("/b");
  Peer a = OriginGets("GET /");
  Peer b = OriginGets("GET /");
  client_->peer().Close();
  EXPECT_TRUE(proxy_.Until([&] { return a.Ended() && b.Ended() && proxy_.listener().empty(); }));
  EXPECT_EQ(stats().downstream_rq_rx_reset.value(), 2u);
  EXPECT_EQ(stats().downstream_cx_destroy_remote_active_rq.value(), 1u);
  proxy_.ExpectNothingUnderWay();
}

}  // namespace
}  // namespace proxenos::downstream
