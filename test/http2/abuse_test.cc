// What a peer may do too much of, frame by frame, and that it costs the peer the connection.
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/http2/frame_builder.h"
#include "test/http2/peers.h"

namespace proxenos::http2 {
namespace {

constexpr uint32_t kCalm = 11;

class AbuseTest : public testing::Test {
 protected:
  // The server ends the connection for it: says so by GOAWAY, knows why, takes nothing more.
  void ExpectEnded(absl::string_view detail, const stats::Counter& counter) {
    EXPECT_EQ(server_.session.error(), ErrorCode::kEnhanceYourCalm);
    EXPECT_EQ(server_.session.detail(), detail);
    EXPECT_EQ(counter.value(), 1u);
    const std::string frames = FramesText(Produced(server_.session));
    EXPECT_NE(frames.find(absl::StrCat(" code=", kCalm, "\n")), std::string::npos) << frames;
    EXPECT_FALSE(Feed(server_.session, FrameBuilder().Ping(1).Take()));
    EXPECT_TRUE(server_.session.finished());
  }

  // Each burst in a read of its own, as an attacker's come.
  bool FeedAll(FrameBuilder& frames) { return Feed(server_.session, frames.Take()); }

  ServerPeer server_;
  FrameBuilder frames_;
};

// CVE-2023-44487.
TEST_F(AbuseTest, RapidReset) {
  frames_.Preface();
  for (uint32_t i = 0; i < 101; ++i) frames_.Headers(1 + 2 * i, GetFields()).Reset(1 + 2 * i, 8);
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.too_many_resets", server_.stats.reset_flood);
}

TEST_F(AbuseTest, ResetsAreEarnedByResponses) {
  frames_.Preface();
  EXPECT_TRUE(FeedAll(frames_));
  for (uint32_t i = 0; i < 400; ++i) {
    const uint32_t stream = 1 + 4 * i;
    frames_.Headers(stream, GetFields()).Headers(stream + 2, GetFields()).Reset(stream + 2, 8);
    ASSERT_TRUE(FeedAll(frames_));
    server_.Respond(static_cast<StreamId>(stream), 200);
    Produced(server_.session);
  }
  EXPECT_EQ(server_.session.error(), ErrorCode::kNoError);
}

// Resets of streams that are long over are resets too.
TEST_F(AbuseTest, ResetsOfNothing) {
  frames_.Preface().Headers(1, GetFields());
  for (int i = 0; i < 102; ++i) frames_.Reset(1, 8);
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.too_many_resets", server_.stats.reset_flood);
}

// "Made you reset": the peer's invalid frames make us reset what it has begun.
TEST_F(AbuseTest, MadeYouReset) {
  frames_.Preface();
  for (uint32_t i = 0; i < 101; ++i) {
    frames_.Headers(1 + 2 * i, GetFields()).WindowUpdate(1 + 2 * i, 0x7fffffff);
    FeedAll(frames_);
    Produced(server_.session);
  }
  EXPECT_EQ(server_.stats.reset_flood.value(), 1u);
  EXPECT_EQ(server_.session.error(), ErrorCode::kEnhanceYourCalm);
}

TEST_F(AbuseTest, MadeYouResetByMalformedMessages) {
  Options options;
  options.stream_error_on_invalid_message = true;
  ServerPeer server(options);
  frames_.Preface();
  for (uint32_t i = 0; i < 101; ++i) {
    frames_.Headers(1 + 2 * i, GetFields({{"Upper", "x"}}));
    EXPECT_EQ(Feed(server.session, frames_.Take()), i < 100);
    Produced(server.session);
  }
  EXPECT_EQ(server.stats.reset_flood.value(), 1u);
  EXPECT_EQ(server.stats.rx_messaging_error.value(), 101u);
}

// CVE-2024-30255.
TEST_F(AbuseTest, ContinuationFlood) {
  frames_.Preface().Headers(1, GetFields(), 0);
  for (int i = 0; i < 17; ++i) {
    frames_.Frame(kContinuationFrame, 0, 1, Literals({{absl::StrCat("x", i), "y"}}));
  }
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_continuation_flood", server_.stats.inbound_continuation_flood);
}

TEST_F(AbuseTest, EmptyContinuations) {
  frames_.Preface().Headers(1, GetFields(), 0);
  for (int i = 0; i < 2; ++i) frames_.Frame(kContinuationFrame, 0, 1, "");
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_empty_frames_flood", server_.stats.inbound_empty_frames_flood);
}

TEST_F(AbuseTest, EmptyData) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders).Data(1, "").Data(1, "x").Data(1, "");
  EXPECT_TRUE(FeedAll(frames_));
  frames_.Data(1, "");
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_empty_frames_flood", server_.stats.inbound_empty_frames_flood);
}

// Padding is no content.
TEST_F(AbuseTest, PaddingOnly) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders);
  for (int i = 0; i < 2; ++i) frames_.Data(1, absl::StrCat("\x05", std::string(5, '\0')), kPadded);
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_empty_frames_flood", server_.stats.inbound_empty_frames_flood);
}

TEST_F(AbuseTest, Pings) {
  frames_.Preface();
  for (uint64_t i = 0; i < 105; ++i) frames_.Ping(i);
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_ping_flood", server_.stats.inbound_ping_flood);
}

TEST_F(AbuseTest, KeepalivesForEver) {
  frames_.Preface();
  for (uint64_t i = 0; i < 10000; ++i) {
    frames_.Ping(i);
    ASSERT_TRUE(FeedAll(frames_));
    Produced(server_.session);
  }
}

TEST_F(AbuseTest, SettingsFrames) {
  frames_.Preface();
  for (int i = 0; i < 105; ++i) frames_.Settings({{4, 65535}});
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_settings_flood", server_.stats.inbound_settings_flood);
}

TEST_F(AbuseTest, PriorityFrames) {
  frames_.Preface();
  for (int i = 0; i < 101; ++i) frames_.Frame(kPriorityFrame, 0, 1, std::string(5, '\0'));
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_priority_frames_flood", server_.stats.inbound_priority_frames_flood);
}

TEST_F(AbuseTest, UnknownFrames) {
  frames_.Preface();
  for (int i = 0; i < 101; ++i) frames_.Frame(0xfa, 0, 0, "?");
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_priority_frames_flood", server_.stats.inbound_priority_frames_flood);
}

TEST_F(AbuseTest, WindowUpdates) {
  frames_.Preface().Headers(1, GetFields());
  for (int i = 0; i < 8; ++i) frames_.WindowUpdate(0, 1);
  EXPECT_FALSE(FeedAll(frames_));
  ExpectEnded("http2.inbound_window_update_frames_flood",
              server_.stats.inbound_window_update_frames_flood);
}

TEST_F(AbuseTest, WindowUpdatesAreEarnedByData) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders);
  EXPECT_TRUE(FeedAll(frames_));
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = 200;
  head.framing.kind = http::Framing::kChunked;
  server_.session.SendHead(1, head, false);
  for (int i = 0; i < 100; ++i) {
    buffer::Buffer body = BufferOf("x");
    server_.session.SendBody(1, body, false, nullptr);
    Produced(server_.session);
    for (int j = 0; j < 20; ++j) frames_.WindowUpdate(0, 1);
    ASSERT_TRUE(FeedAll(frames_));
  }
}

// The peer makes us answer and does not read what we say.
TEST_F(AbuseTest, AnswersThatNobodyReads) {
  frames_.Preface();
  bool whole = true;
  for (uint64_t i = 0; i < 1100 && whole; ++i) {
    frames_.Ping(i);
    whole = FeedAll(frames_);
  }
  EXPECT_FALSE(whole);
  ExpectEnded("http2.outbound_control_frames_flood", server_.stats.outbound_control_flood);
}

// A head that is too large is refused with an answer, and nothing beyond the limit is kept.
TEST_F(AbuseTest, LargeHead) {
  frames_.Preface().Headers(1, GetFields(), kEndStream);
  for (int i = 0; i < 4; ++i) {
    frames_.Frame(kContinuationFrame, i == 3 ? kEndHeaders : 0, 1,
                  Literals({{absl::StrCat("x", i), std::string(15500, 'v')}}));
  }
  frames_.Headers(3, GetFields());
  EXPECT_TRUE(FeedAll(frames_));
  EXPECT_EQ(server_.TakeLog(), "refused 1 431\n");
  EXPECT_EQ(server_.stats.header_overflow.value(), 1u);
  EXPECT_EQ(server_.Request(1), "");
  EXPECT_EQ(server_.Request(3), "request GET / host=a scheme=http\ncomplete\n");
  server_.Respond(1, 431);
  Produced(server_.session);
  EXPECT_EQ(server_.TakeLog(), "closed 1\n");
}

// Nor is the body of a refused head waited for.
TEST_F(AbuseTest, BodyOfARefusedHead) {
  Fields fields = GetFields();
  for (int i = 0; i < 97; ++i) fields.push_back({"x", ""});
  for (const absl::string_view body : {"", "too much"}) {
    ServerPeer server;
    frames_.Preface().Headers(1, fields, kEndHeaders).Data(1, "x");
    EXPECT_TRUE(Feed(server.session, frames_.Take()));
    EXPECT_EQ(server.TakeLog(), "refused 1 431\n");
    server.Respond(1, 431, body);
    const std::string text = FramesText(Produced(server.session));
    EXPECT_EQ(text.substr(text.size() - 20), "RST_STREAM 1 code=0\n") << text;
    EXPECT_EQ(server.TakeLog(), "closed 1\n");
  }
}

TEST_F(AbuseTest, ManyHeaders) {
  Fields fields = GetFields();
  for (int i = 0; i < 97; ++i) fields.push_back({"x", ""});
  frames_.Preface().Headers(1, fields);
  EXPECT_TRUE(FeedAll(frames_));
  EXPECT_EQ(server_.TakeLog(), "refused 1 431\n");
}

// Crumbs of a cookie are fields like others, before they are joined.
TEST_F(AbuseTest, ManyCrumbs) {
  Fields fields = GetFields();
  for (int i = 0; i < 97; ++i) fields.push_back({"cookie", "a=b"});
  frames_.Preface().Headers(1, fields);
  EXPECT_TRUE(FeedAll(frames_));
  EXPECT_EQ(server_.TakeLog(), "refused 1 431\n");
}

// One field of 4,000 bytes in the table, named thousands of times by one byte each.
TEST_F(AbuseTest, HpackBomb) {
  std::string block = Literals(GetFields()) + IndexedLiteral("x-bomb", std::string(4000, 'b'));
  for (int i = 0; i < 10000; ++i) block += Reference(62);
  frames_.Preface().Frame(kHeadersFrame, kEndHeaders | kEndStream, 1, block);
  EXPECT_FALSE(FeedAll(frames_));
  EXPECT_EQ(server_.session.detail(), "http2.header_overflow");
  EXPECT_EQ(server_.stats.header_overflow.value(), 1u);
}

// A smaller one is answered, and the table stays right for what follows.
TEST_F(AbuseTest, SmallHpackBomb) {
  std::string block = Literals(GetFields()) + IndexedLiteral("x-bomb", std::string(3000, 'b'));
  for (int i = 0; i < 100; ++i) block += Reference(62);
  frames_.Preface().Frame(kHeadersFrame, kEndHeaders | kEndStream, 1, block);
  block = Literals(GetFields()) + Reference(62);
  frames_.Frame(kHeadersFrame, kEndHeaders | kEndStream, 3, block);
  EXPECT_TRUE(FeedAll(frames_));
  EXPECT_EQ(server_.TakeLog(), "refused 1 431\n");
  EXPECT_EQ(server_.Head(3).headers.Get(http::HeaderId::kUnknown).size(), 3000u);
}

TEST_F(AbuseTest, ZeroLengthNames) {
  frames_.Preface().Headers(1, GetFields({{"", "x"}}));
  EXPECT_FALSE(FeedAll(frames_));
  EXPECT_EQ(server_.session.error(), ErrorCode::kProtocolError);
}

// They cost their stream, as in Envoy, and no sibling.
TEST_F(AbuseTest, LargeTrailers) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders);
  frames_.Headers(1, {{"x", std::string(8200, 'x')}}).Headers(3, GetFields());
  EXPECT_TRUE(FeedAll(frames_));
  Produced(server_.session);
  EXPECT_EQ(server_.TakeLog(), "reset 1 code=2\nclosed 1\n");
  EXPECT_EQ(server_.stats.header_overflow.value(), 1u);
  EXPECT_EQ(server_.session.active_streams(), 1u);
}

TEST_F(AbuseTest, TooManyStreams) {
  frames_.Preface();
  for (uint32_t i = 0; i < 101; ++i) frames_.Headers(1 + 2 * i, GetFields());
  EXPECT_TRUE(FeedAll(frames_));
  EXPECT_EQ(server_.session.active_streams(), 100u);
  EXPECT_EQ(server_.stats.stream_refused_errors.value(), 1u);
  EXPECT_NE(FramesText(Produced(server_.session)).find("RST_STREAM 201 code=7\n"),
            std::string::npos);
}

// What goes on with a stream that is over, or was passed over, in one read and in several.
TEST_F(AbuseTest, FramesForStreamsThatAreOver) {
  const auto outcome = [](const std::string& frames, Cut cut) {
    ServerPeer server;
    Feed(server.session, FrameBuilder().Preface().Take() + frames, cut);
    return static_cast<uint32_t>(server.session.error());
  };
  FrameBuilder frames;
  const std::string passed_over = frames.Headers(5, GetFields()).Data(3, "x").Take();
  const std::string reset = frames.Headers(1, GetFields(), kEndHeaders).Reset(1, 8).Take();
  const std::string data_after_reset = reset + frames.Data(1, "x").Take();
  const std::string ended = frames.Headers(1, GetFields(), kEndHeaders).Data(1, "x", 1).Take();
  const std::string data_after_end = ended + frames.Data(1, "x").Take();
  const std::string headers_again = reset + frames.Headers(1, GetFields()).Take();
  const std::string two_streams = frames.Headers(1, GetFields(), kEndHeaders)
                                      .Headers(3, GetFields(), kEndHeaders)
                                      .Data(1, "x")
                                      .Data(3, "y")
                                      .Data(1, "z")
                                      .Take();
  for (const Cut cut : {Cut::Whole(), Cut::ByteByByte(), Cut::Random(7)}) {
    EXPECT_EQ(outcome(passed_over, cut), 1u);
    EXPECT_EQ(outcome(data_after_reset, cut), 5u);
    EXPECT_EQ(outcome(data_after_end, cut), 5u);
    EXPECT_EQ(outcome(headers_again, cut), 5u);
    EXPECT_EQ(outcome(two_streams, cut), 0u);
  }
}

// What was on its way when we reset a stream is no fault of the client.
TEST_F(AbuseTest, FramesForStreamsThatWeReset) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders);
  EXPECT_TRUE(FeedAll(frames_));
  server_.session.Reset(1, ErrorCode::kCancel);
  Produced(server_.session);
  frames_.Data(1, "late").Headers(1, {{"x", "late"}}).Headers(3, GetFields());
  EXPECT_TRUE(FeedAll(frames_));
  EXPECT_EQ(server_.Request(3), "request GET / host=a scheme=http\ncomplete\n");
}

// A frame larger than what we said we take.
TEST_F(AbuseTest, LargeFrames) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders).Data(1, std::string(16385, 'x'));
  EXPECT_FALSE(FeedAll(frames_));
  EXPECT_EQ(server_.session.error(), ErrorCode::kFrameSizeError);
  EXPECT_EQ(server_.session.detail(), "http2.frame_size_error");
}

TEST_F(AbuseTest, NoHttp2) {
  EXPECT_FALSE(Feed(server_.session, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(server_.session.error(), ErrorCode::kProtocolError);
  EXPECT_EQ(server_.session.detail(), "http2.bad_preface");
  EXPECT_NE(FramesText(Produced(server_.session)).find("GOAWAY last=0 code=1\n"),
            std::string::npos);
  EXPECT_TRUE(server_.session.finished());
}

// A host's interim responses: a kilobyte on the wire that would unfold to megabytes, all kept until
// the request is over.
TEST(HostAbuseTest, InterimResponsesThatUnfold) {
  ClientPeer client;
  const StreamId id = client.Get("/");
  Produced(client.session);
  std::string block =
      Literals({{":status", "103"}}) + IndexedLiteral("x-hint", std::string(3000, 'b'));
  FrameBuilder frames;
  frames.Settings({}).Frame(kHeadersFrame, kEndHeaders, static_cast<uint32_t>(id), block);
  EXPECT_TRUE(Feed(client.session, frames.Take()));
  block = Literals({{":status", "103"}});
  for (int i = 0; i < 15; ++i) block += Reference(62);
  int taken = 0;
  do {
    frames.Frame(kHeadersFrame, kEndHeaders, static_cast<uint32_t>(id), block);
  } while (Feed(client.session, frames.Take()) && ++taken < 30);
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(client.session.error(), ErrorCode::kProtocolError);
}

// RFC 9110, 15: 100 to 599.
TEST(HostAbuseTest, StatusesThatAreNone) {
  for (const char* status : {"099", "600", "999", "0200", "20", "2OO", "101"}) {
    ClientPeer client;
    const StreamId id = client.Get("/");
    Produced(client.session);
    FrameBuilder frames;
    frames.Settings({}).Headers(static_cast<uint32_t>(id), {{":status", status}});
    EXPECT_FALSE(Feed(client.session, frames.Take())) << status;
  }
}

}  // namespace
}  // namespace proxenos::http2
