// Windows: credit goes back only for what was consumed, and queues are bounded.
#include <string>

#include "gtest/gtest.h"
#include "test/http2/frame_builder.h"
#include "test/http2/peers.h"

namespace proxenos::http2 {
namespace {

constexpr uint32_t kWindow = 100000;

class FlowControlTest : public testing::Test {
 protected:
  FlowControlTest() {
    options_.initial_stream_window = kWindow;
    options_.initial_connection_window = 2 * kWindow;
  }

  StreamId Post(ClientPeer& client) {
    buffer::Arena arena;
    http::RequestHead request(arena);
    request.method_text = "POST";
    request.authority = "a";
    request.path = "/";
    request.framing.kind = http::Framing::kChunked;
    return client.Send(request, false);
  }

  // Gives as much of a body as the session takes.
  static void Fill(Session& session, StreamId id) {
    while (session.Room(id) > 0) {
      buffer::Buffer body = BufferOf(std::string(10000, 'x'));
      session.SendBody(id, body, false, nullptr);
    }
  }

  // Fills and carries until nothing moves.
  static void Push(Session& from, Session& to, StreamId id) {
    for (int i = 0; i < 100; ++i) {
      Fill(from, id);
      Carry(from, to);
    }
  }

  static uint64_t BodySize(absl::string_view transcript) {
    uint64_t size = 0;
    const size_t at = transcript.find("body of ");
    if (at != absl::string_view::npos) size = std::stoull(std::string(transcript.substr(at + 8)));
    return size;
  }

  Options options_;
};

TEST_F(FlowControlTest, CreditOnlyForWhatWasConsumed) {
  ServerPeer server(options_);
  ClientPeer client(options_);
  Carry(client.session, server.session);
  const StreamId id = Post(client);
  Push(client.session, server.session, id);
  EXPECT_EQ(BodySize(server.Request(id)), kWindow);
  // The slow reader costs its stream's window here, and its queue there.
  EXPECT_EQ(client.session.Room(id), 0u);
  EXPECT_EQ(client.stats.pending_send_bytes.value(), options_.send_queue_bytes);

  server.session.Consume(id, 60000);
  Push(client.session, server.session, id);
  EXPECT_EQ(BodySize(server.Request(id)), 60000u);
  // More than what came is not credited.
  server.session.Consume(id, 10 * kWindow);
  Push(client.session, server.session, id);
  EXPECT_EQ(BodySize(server.Request(id)), kWindow);
}

TEST_F(FlowControlTest, OneSlowReaderDoesNotStopItsSiblings) {
  ServerPeer server(options_);
  ClientPeer client(options_);
  const StreamId slow = client.Get("/slow");
  const StreamId quick = client.Get("/quick");
  Carry(client.session, server.session);
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = 200;
  head.framing.kind = http::Framing::kChunked;
  server.session.SendHead(slow, head, false);
  Push(server.session, client.session, slow);
  server.session.SendHead(quick, head, false);
  for (int i = 0; i < 20; ++i) {
    buffer::Buffer body = BufferOf(std::string(10000, 'q'));
    ASSERT_TRUE(server.session.SendBody(quick, body, false, nullptr));
    Carry(client.session, server.session);
    client.session.Consume(quick, 10000);
  }
  EXPECT_EQ(BodySize(client.Response(quick)), 200000u);
  EXPECT_EQ(BodySize(client.Response(slow)), kWindow);
}

// Two long bodies share the connection's window frame by frame.
TEST_F(FlowControlTest, LongBodiesTakeTurns) {
  ServerPeer server(options_);
  ClientPeer client(options_);
  const StreamId first = client.Get("/1");
  const StreamId second = client.Get("/2");
  Carry(client.session, server.session);
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = 200;
  head.framing.kind = http::Framing::kChunked;
  server.session.SendHead(first, head, false);
  server.session.SendHead(second, head, false);
  Fill(server.session, first);
  Fill(server.session, second);
  uint64_t sent[2] = {0, 0};
  for (const ReadFrame& frame : ReadFrames(Produced(server.session))) {
    if (frame.type != kDataFrame) continue;
    sent[frame.stream == static_cast<uint32_t>(first) ? 0 : 1] += frame.payload.size();
    EXPECT_LE(sent[0], sent[1] + 16384);
    EXPECT_LE(sent[1], sent[0] + 16384);
  }
  EXPECT_EQ(sent[0], options_.send_queue_bytes);
  EXPECT_EQ(sent[1], options_.send_queue_bytes);
}

TEST_F(FlowControlTest, RoomIsToldOnce) {
  ServerPeer server(options_);
  ClientPeer client(options_);
  const StreamId id = Post(client);
  buffer::Buffer body = BufferOf(std::string(options_.send_queue_bytes + 5, 'x'));
  EXPECT_FALSE(client.session.SendBody(id, body, true, nullptr));
  EXPECT_EQ(body.size(), 5u);
  EXPECT_FALSE(client.session.SendQueueEmpty(id));
  EXPECT_EQ(client.TakeLog(), "");
  Carry(client.session, server.session);
  EXPECT_EQ(client.TakeLog(), "room 1\n");
  EXPECT_TRUE(client.session.SendQueueEmpty(id));
  EXPECT_TRUE(client.session.SendBody(id, body, true, nullptr));
  Carry(client.session, server.session);
  EXPECT_EQ(client.TakeLog(), "");
  EXPECT_EQ(BodySize(server.Request(id)), options_.send_queue_bytes + 5);
}

// What a stream that is over had not consumed does not narrow the connection for ever.
TEST_F(FlowControlTest, ClosedStreamsGiveTheirCreditBack) {
  ServerPeer server(options_);
  ClientPeer client(options_);
  for (int i = 0; i < 10; ++i) {
    const StreamId id = Post(client);
    Push(client.session, server.session, id);
    EXPECT_EQ(BodySize(server.Request(id)), kWindow);
    server.session.Reset(id, ErrorCode::kCancel);
    Carry(client.session, server.session);
  }
}

TEST_F(FlowControlTest, OutputStopsAtItsLimit) {
  ServerPeer server;
  ClientPeer client;
  const StreamId id = Post(client);
  Carry(client.session, server.session);
  Fill(client.session, id);
  buffer::Buffer out;
  client.session.Produce(out, 20000);
  EXPECT_GE(out.size(), 20000u);
  EXPECT_LE(out.size(), 20000u + 16384 + 9);
  const uint64_t before = out.size();
  client.session.Produce(out, 20000);
  EXPECT_EQ(out.size(), before);
  EXPECT_TRUE(client.session.wants_write());
}

// A window that overflows is an error of the stream, or of the connection (RFC 9113, 6.9.1).
TEST_F(FlowControlTest, WindowsThatOverflow) {
  ServerPeer server;
  FrameBuilder frames;
  frames.Preface().Headers(1, GetFields()).WindowUpdate(1, 0x7fffffff);
  EXPECT_TRUE(Feed(server.session, frames.Take()));
  EXPECT_NE(FramesText(Produced(server.session)).find("RST_STREAM 1 code=3\n"), std::string::npos);
  EXPECT_EQ(server.TakeLog(), "reset 1 code=3\nclosed 1\n");
  frames.WindowUpdate(0, 0x7fffffff);
  EXPECT_FALSE(Feed(server.session, frames.Take()));
  EXPECT_EQ(FramesText(Produced(server.session)), "GOAWAY last=1 code=3\n");
  EXPECT_EQ(server.session.error(), ErrorCode::kFlowControlError);
}

// A peer that sends more than its window.
TEST_F(FlowControlTest, WindowsThatAreOverrun) {
  ServerPeer server(options_);
  FrameBuilder frames;
  frames.Preface().Headers(1, GetFields(), kEndHeaders).Frame(kSettingsFrame, kAck, 0, "");
  for (int i = 0; i < 7; ++i) frames.Data(1, std::string(16000, 'x'));
  Feed(server.session, frames.Take());
  EXPECT_EQ(server.session.error(), ErrorCode::kNoError);
  EXPECT_NE(FramesText(Produced(server.session)).find("RST_STREAM 1 code=3\n"), std::string::npos);
}

}  // namespace
}  // namespace proxenos::http2
