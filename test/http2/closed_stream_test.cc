// Frames for streams that are over (RFC 9113, sections 5.1 and 5.1.1), by what ended them.
#include <string>

#include "gtest/gtest.h"
#include "test/http2/frame_builder.h"
#include "test/http2/peers.h"

namespace proxenos::http2 {
namespace {

class ClosedStreamTest : public testing::Test {
 protected:
  bool FeedAll() { return Feed(server_.session, frames_.Take()); }
  // Stream 1, whole and answered.
  void ServeOne() {
    frames_.Preface().Headers(1, GetFields());
    ASSERT_TRUE(FeedAll());
    server_.Respond(1, 200);
    Produced(server_.session);
  }
  void ExpectBroken(ErrorCode code) {
    EXPECT_FALSE(FeedAll());
    EXPECT_EQ(server_.session.error(), code);
    EXPECT_NE(FramesText(Produced(server_.session)).find("GOAWAY"), std::string::npos);
  }

  ServerPeer server_;
  FrameBuilder frames_;
};

TEST_F(ClosedStreamTest, DataAfterTheEnd) {
  ServeOne();
  frames_.Data(1, "x");
  ExpectBroken(ErrorCode::kStreamClosed);
}

TEST_F(ClosedStreamTest, HeadersAfterTheEnd) {
  ServeOne();
  frames_.Headers(1, GetFields());
  ExpectBroken(ErrorCode::kStreamClosed);
}

TEST_F(ClosedStreamTest, DataAfterTheClientsReset) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders).Reset(1, 8).Data(1, "x");
  ExpectBroken(ErrorCode::kStreamClosed);
}

TEST_F(ClosedStreamTest, HeadersThatGoBack) {
  frames_.Preface().Headers(5, GetFields()).Headers(3, GetFields());
  ExpectBroken(ErrorCode::kProtocolError);
}

// What was on its way when we reset a stream is no fault of the client's.
TEST_F(ClosedStreamTest, DataAfterOurReset) {
  frames_.Preface().Headers(1, GetFields(), kEndHeaders);
  ASSERT_TRUE(FeedAll());
  server_.session.Reset(1, ErrorCode::kInternalError);
  Produced(server_.session);
  frames_.Data(1, "x").Data(1, "y", kEndStream).Headers(3, GetFields());
  EXPECT_TRUE(FeedAll());
  EXPECT_EQ(server_.session.error(), ErrorCode::kNoError);
  EXPECT_EQ(server_.Head(3).method, http::Method::kGet);
}

// A stream that was refused may have frames on their way too, though newer ones were opened.
TEST_F(ClosedStreamTest, DataAfterOurRefusal) {
  server_.refuse = true;
  frames_.Preface().Headers(1, GetFields(), kEndHeaders);
  ASSERT_TRUE(FeedAll());
  Produced(server_.session);
  server_.refuse = false;
  frames_.Headers(3, GetFields()).Data(1, "x");
  EXPECT_TRUE(FeedAll());
  EXPECT_EQ(server_.session.error(), ErrorCode::kNoError);
}

// A client with many uploads under way, all of which are answered before their end: what it had
// sent until it heard of that is ignored (RFC 9113, section 5.1).
TEST_F(ClosedStreamTest, DataOfManyStreamsThatWereReset) {
  Options options;
  options.max_concurrent_streams = 1000;
  ServerPeer server(options);
  frames_.Preface();
  for (uint32_t id = 1; id < 600; id += 2) frames_.Headers(id, GetFields(), kEndHeaders);
  ASSERT_TRUE(Feed(server.session, frames_.Take()));
  for (StreamId id = 1; id < 600; id += 2) {
    server.Respond(id, 200);
    server.session.Reset(id, ErrorCode::kNoError);
  }
  Produced(server.session);
  for (uint32_t id = 1; id < 600; id += 2) frames_.Data(id, "x", kEndStream);
  frames_.Headers(601, GetFields());
  ASSERT_TRUE(Feed(server.session, frames_.Take())) << server.session.detail();
  server.Respond(601, 200);
  EXPECT_NE(FramesText(Produced(server.session)).find("HEADERS 601"), std::string::npos);
}

}  // namespace
}  // namespace proxenos::http2
