// A client's and a server's session, wired to each other, whole and in pieces.
#include <string>

#include "gtest/gtest.h"
#include "test/http2/frame_builder.h"
#include "test/http2/peers.h"

namespace proxenos::http2 {
namespace {

class SessionTest : public testing::TestWithParam<int> {
 protected:
  static Cut Way() {
    switch (GetParam()) {
      case 0:
        return Cut::Whole();
      case 1:
        return Cut::ByteByByte();
      default:
        return Cut::Random(static_cast<uint32_t>(GetParam()));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Cuts, SessionTest, testing::Range(0, 5));

TEST_P(SessionTest, GetAndResponse) {
  ServerPeer server;
  ClientPeer client;
  const StreamId id = client.Get("/a?b=c", {{"user-agent", "test"}, {"x-one", "1"}});
  EXPECT_EQ(id, 1);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.settings, 1);
  EXPECT_EQ(server.Request(1),
            "request GET /a?b=c host=www.example.com scheme=http\n"
            "  user-agent: test\n"
            "  x-one: 1\n"
            "complete\n");
  EXPECT_EQ(server.session.active_streams(), 1u);
  server.Respond(1, 200, "hello");
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(1),
            "response 200 \"\" length=5\n"
            "  content-length: 5\n"
            "body hello\n"
            "complete\n");
  EXPECT_EQ(client.TakeLog(), "closed 1\n");
  EXPECT_EQ(server.TakeLog(), "closed 1\n");
  EXPECT_EQ(server.session.active_streams(), 0u);
  EXPECT_EQ(client.session.active_streams(), 0u);
  EXPECT_EQ(server.stats.pending_send_bytes.value(), 0u);
}

TEST_P(SessionTest, BodiesAndTrailersBothWays) {
  ServerPeer server;
  ClientPeer client;
  buffer::Arena arena;
  http::RequestHead request(arena);
  request.method = http::Method::kPost;
  request.method_text = "POST";
  request.authority = "a";
  request.path = "/upload";
  request.te_trailers = true;
  request.framing.kind = http::Framing::kChunked;
  const StreamId id = client.Send(request, false);
  http::HeaderMap trailers(arena);
  trailers.Add("x-sum", "4711");
  buffer::Buffer body = BufferOf("first ");
  EXPECT_TRUE(client.session.SendBody(id, body, false, nullptr));
  Carry(client.session, server.session, Way());
  body = BufferOf(std::string(20000, 'x'));
  EXPECT_TRUE(client.session.SendBody(id, body, true, &trailers));
  Carry(client.session, server.session, Way());
  EXPECT_EQ(server.Request(id),
            "request POST /upload host=a scheme=http chunked te-trailers\n"
            "body of 20006 bytes: first xxxxxxxxxx...\n"
            "trailers\n"
            "  x-sum: 4711\n"
            "complete\n");
  EXPECT_EQ(server.stats.trailers.value(), 1u);

  http::ResponseHead response(arena);
  response.status = 200;
  response.framing.kind = http::Framing::kChunked;
  response.headers.Add("content-type", "application/grpc");
  server.session.SendHead(id, response, false);
  body = BufferOf("answer");
  EXPECT_TRUE(server.session.SendBody(id, body, false, nullptr));
  http::HeaderMap status(arena);
  status.Add("grpc-status", "0");
  EXPECT_TRUE(server.session.SendBody(id, body, true, &status));
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(id),
            "response 200 \"\" chunked\n"
            "  content-type: application/grpc\n"
            "body answer\n"
            "trailers\n"
            "  grpc-status: 0\n"
            "complete\n");
  EXPECT_EQ(client.TakeLog(), "closed 1\n");
  EXPECT_EQ(server.TakeLog(), "closed 1\n");
}

TEST_P(SessionTest, TrailersOnlyAndInformational) {
  ServerPeer server;
  ClientPeer client;
  const StreamId id = client.Get("/");
  Carry(client.session, server.session, Way());
  buffer::Arena arena;
  http::ResponseHead hints(arena);
  hints.status = 103;
  hints.headers.Add("link", "</a.css>");
  server.session.SendInformational(id, hints);
  server.session.SendInformational(id, hints);
  http::ResponseHead response(arena);
  response.status = 200;
  response.headers.Add("grpc-status", "12");
  server.session.SendHead(id, response, true);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(id),
            "informational response 103 \"\"\n  link: </a.css>\n"
            "informational response 103 \"\"\n  link: </a.css>\n"
            "response 200 \"\"\n  grpc-status: 12\n"
            "complete\n");
}

// What stays of Content-Length, and what HEAD and 304 make of it.
TEST_P(SessionTest, ResponsesWithoutContent) {
  ServerPeer server;
  ClientPeer client;
  buffer::Arena arena;
  http::RequestHead request(arena);
  request.method = http::Method::kHead;
  request.method_text = "HEAD";
  request.authority = "a";
  request.path = "/";
  const StreamId head = client.Send(request, true);
  const StreamId get = client.Get("/");
  const StreamId empty = client.Get("/");
  Carry(client.session, server.session, Way());
  http::ResponseHead response(arena);
  response.status = 200;
  response.framing = http::Framing{http::Framing::kNone, 0};
  response.headers.Add("content-length", "1000");
  server.session.SendHead(head, response, true);
  response.status = 304;
  server.session.SendHead(get, response, true);
  response.status = 204;
  server.session.SendHead(empty, response, true);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(head), "response 200 \"\"\n  content-length: 1000\ncomplete\n");
  EXPECT_EQ(client.Response(get), "response 304 \"\"\n  content-length: 1000\ncomplete\n");
  EXPECT_EQ(client.Response(empty), "response 204 \"\"\ncomplete\n");
}

// RFC 8441: inside it looks like an upgrade of HTTP/1.1.
TEST_P(SessionTest, ExtendedConnect) {
  Options options;
  options.allow_connect = true;
  ServerPeer server(options);
  ClientPeer client;
  EXPECT_FALSE(client.session.peer_allows_connect());
  Carry(client.session, server.session, Way());
  EXPECT_TRUE(client.session.peer_allows_connect());
  buffer::Arena arena;
  http::RequestHead request(arena);
  request.method_text = "GET";
  request.scheme = "https";
  request.authority = "a";
  request.path = "/chat";
  request.upgrade = "websocket";
  request.framing.kind = http::Framing::kTunnel;
  request.headers.Add("sec-websocket-version", "13");
  const StreamId id = client.Send(request, false);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(server.Request(id),
            "request GET /chat host=a scheme=https tunnel upgrade=websocket\n"
            "  sec-websocket-version: 13\n");
  http::ResponseHead response(arena);
  response.status = 101;
  response.upgrade = "websocket";
  response.framing.kind = http::Framing::kTunnel;
  server.session.SendHead(id, response, false);
  buffer::Buffer down = BufferOf("down");
  server.session.SendBody(id, down, false, nullptr);
  buffer::Buffer up = BufferOf("up");
  client.session.SendBody(id, up, true, nullptr);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(server.Request(id), "body up\ncomplete\n");
  EXPECT_EQ(client.Response(id), "response 101 \"\" tunnel upgrade=websocket\nbody down\n");
  server.session.SendBody(id, down, true, nullptr);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(id), "complete\n");

  // An answer that is no acceptance.
  const StreamId second = client.Send(request, false);
  Carry(client.session, server.session, Way());
  server.Respond(second, 403, "no");
  server.session.Reset(second, ErrorCode::kNoError);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(second),
            "response 403 \"\" length=2\n  content-length: 2\nbody no\ncomplete\n");
}

TEST_P(SessionTest, PlainConnect) {
  ServerPeer server;
  ClientPeer client;
  buffer::Arena arena;
  http::RequestHead request(arena);
  request.method = http::Method::kConnect;
  request.method_text = "CONNECT";
  request.authority = "db.example.com:5432";
  request.framing.kind = http::Framing::kTunnel;
  const StreamId id = client.Send(request, false);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(server.Request(id), "request CONNECT  host=db.example.com:5432 tunnel\n");
  server.Respond(id, 200, "hi");
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(id), "response 200 \"\" tunnel\nbody hi\ncomplete\n");

  // RFC 9110, 9.3.6: any success is a tunnel.
  const StreamId second = client.Send(request, false);
  Carry(client.session, server.session, Way());
  server.Respond(second, 204, "hi");
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(second), "response 204 \"\" tunnel\nbody hi\ncomplete\n");
}

// Fields of a connection do not travel, and nothing in a value can end a line behind us.
TEST_P(SessionTest, FieldsThatDoNotTravel) {
  ServerPeer server;
  ClientPeer client;
  const StreamId id = client.Get("/a b#c", {{"connection", "close"},
                                            {"keep-alive", "1"},
                                            {"te", "gzip"},
                                            {"transfer-encoding", "chunked"},
                                            {"upgrade", "h2c"},
                                            {"w", " \t"},
                                            {"x", "a\r\nb: c"},
                                            {"y", ""},
                                            {"z", " a b \t\r"}});
  Carry(client.session, server.session, Way());
  EXPECT_EQ(server.Request(id),
            "request GET /a%20b%23c host=www.example.com scheme=http\n"
            "  w: \n"
            "  x: a  b: c\n"
            "  y: \n"
            "  z: a b\n"
            "complete\n");
}

TEST_P(SessionTest, ResetsBothWays) {
  ServerPeer server;
  ClientPeer client;
  const StreamId first = client.Get("/1");
  const StreamId second = client.Get("/2");
  Carry(client.session, server.session, Way());
  client.session.Reset(first, ErrorCode::kCancel);
  client.session.Reset(first, ErrorCode::kCancel);
  Carry(client.session, server.session, Way());
  server.session.Reset(second, ErrorCode::kRefusedStream);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.TakeLog(), "closed 1\nreset 3 code=7 by peer\nclosed 3\n");
  EXPECT_EQ(server.TakeLog(), "reset 1 code=8 by peer\nclosed 1\nclosed 3\n");
  EXPECT_EQ(client.stats.tx_reset.value(), 1u);
  EXPECT_EQ(client.stats.rx_reset.value(), 1u);
  EXPECT_EQ(client.stats.stream_refused_errors.value(), 1u);
  // Over is over.
  buffer::Buffer body = BufferOf("x");
  EXPECT_TRUE(server.session.SendBody(first, body, true, nullptr));
  EXPECT_EQ(server.session.Room(first), 0u);
  server.session.Consume(first, 10);
  server.session.Reset(first, ErrorCode::kCancel);
  EXPECT_FALSE(server.session.wants_write());
}

// A server that does not want the rest of a request says so behind its whole response.
TEST_P(SessionTest, ResponseBeforeTheRequestEnds) {
  ServerPeer server;
  ClientPeer client;
  buffer::Arena arena;
  http::RequestHead request(arena);
  request.method_text = "POST";
  request.authority = "a";
  request.path = "/";
  request.framing.kind = http::Framing::kChunked;
  const StreamId id = client.Send(request, false);
  Carry(client.session, server.session, Way());
  server.Respond(id, 413, std::string(30000, 'x'));
  server.session.Reset(id, ErrorCode::kNoError);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Response(id),
            "response 413 \"\" length=30000\n"
            "  content-length: 30000\n"
            "body of 30000 bytes: xxxxxxxxxxxxxxxx...\n"
            "complete\n");
  EXPECT_EQ(client.TakeLog(), "reset 1 code=0 by peer\nclosed 1\n");
  EXPECT_EQ(server.TakeLog(), "closed 1\n");
}

// The same with trailers, whether they can leave at once or not.
TEST_P(SessionTest, TrailersBeforeTheRequestEnds) {
  for (const uint64_t limit : {uint64_t{100}, uint64_t{100000}}) {
    ServerPeer server;
    ClientPeer client;
    buffer::Arena arena;
    http::RequestHead request(arena);
    request.method_text = "POST";
    request.authority = "a";
    request.path = "/";
    request.framing.kind = http::Framing::kChunked;
    const StreamId id = client.Send(request, false);
    Carry(client.session, server.session, Way());
    http::ResponseHead head(arena);
    head.status = 200;
    head.framing.kind = http::Framing::kChunked;
    server.session.SendHead(id, head, false);
    buffer::Buffer body = BufferOf(std::string(100, 'x'));
    http::HeaderMap trailers(arena);
    trailers.Add("grpc-status", "8");
    server.session.SendBody(id, body, true, &trailers);
    buffer::Buffer out;
    server.session.Produce(out, limit);
    server.session.Reset(id, ErrorCode::kNoError);
    EXPECT_TRUE(Feed(client.session, out.ToString(), Way()));
    Carry(client.session, server.session, Way());
    EXPECT_EQ(client.Response(id), "response 200 \"\" chunked\nbody " + std::string(100, 'x') +
                                       "\n"
                                       "trailers\n  grpc-status: 8\ncomplete\n");
    EXPECT_EQ(client.TakeLog(), "reset 1 code=0 by peer\nclosed 1\n");
    EXPECT_EQ(server.TakeLog(), "closed 1\n");
  }
}

TEST_P(SessionTest, ShutdownInTwoSteps) {
  ServerPeer server;
  ClientPeer client;
  const StreamId id = client.Get("/1");
  Carry(client.session, server.session, Way());
  server.session.SendShutdownNotice();
  Feed(client.session, Produced(server.session), Way());
  EXPECT_EQ(client.TakeLog(), "goaway last=2147483647 code=0\n");
  EXPECT_FALSE(client.session.CanBegin());
  server.session.SendGoAway(ErrorCode::kNoError);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.TakeLog(), "goaway last=1 code=0\n");
  EXPECT_FALSE(server.session.finished());
  server.Respond(id, 200, "bye");
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.TakeLog(), "closed 1\n");
  EXPECT_TRUE(server.session.finished());
  EXPECT_TRUE(client.session.finished());
  EXPECT_EQ(server.stats.goaway_sent.value(), 2u);
  EXPECT_EQ(server.session.error(), ErrorCode::kNoError);
}

// Streams above the last one of a GOAWAY were not looked at: they may be tried elsewhere.
TEST_P(SessionTest, GoAwayRefusesTheRest) {
  ClientPeer client;
  client.Get("/1");
  client.Get("/2");
  Produced(client.session);
  FrameBuilder frames;
  frames.Settings({}).GoAway(1, 0);
  EXPECT_TRUE(Feed(client.session, frames.Take(), Way()));
  EXPECT_EQ(client.TakeLog(), "goaway last=1 code=0\nreset 3 code=7\nclosed 3\n");
  EXPECT_EQ(client.session.active_streams(), 1u);
}

TEST_P(SessionTest, Pings) {
  ServerPeer server;
  ClientPeer client;
  Carry(client.session, server.session, Way());
  server.session.SendPing(0x0102030405060708);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(server.TakeLog(), "pong 72623859790382856\n");
}

TEST_P(SessionTest, RefusedStreams) {
  ServerPeer server;
  ClientPeer client;
  server.refuse = true;
  client.Get("/");
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.TakeLog(), "reset 1 code=7 by peer\nclosed 1\n");
  EXPECT_EQ(server.TakeLog(), "");
}

TEST_P(SessionTest, AsManyStreamsAsThePeerAllows) {
  Options few;
  few.max_concurrent_streams = 2;
  ServerPeer server(few);
  ClientPeer client;
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.session.max_concurrent_streams(), 2u);
  const StreamId first = client.Get("/");
  client.Get("/");
  EXPECT_FALSE(client.session.CanBegin());
  Carry(client.session, server.session, Way());
  server.Respond(first, 200);
  Carry(client.session, server.session, Way());
  EXPECT_TRUE(client.session.CanBegin());
}

TEST_P(SessionTest, DetachedStreamsStillFlow) {
  ServerPeer server;
  ClientPeer client;
  const StreamId id = client.Get("/");
  Carry(client.session, server.session, Way());
  client.session.Detach(id);
  // More than the stream's window: it is credited though nobody reads it.
  const std::string part(50000, 'x');
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = 200;
  head.framing.kind = http::Framing::kChunked;
  server.session.SendHead(id, head, false);
  for (int i = 0; i < 40; ++i) {
    buffer::Buffer body = BufferOf(part);
    ASSERT_TRUE(server.session.SendBody(id, body, i == 39, nullptr));
    Carry(client.session, server.session, Way());
  }
  EXPECT_EQ(client.TakeLog(), "closed 1\n");
  EXPECT_EQ(client.Response(id), "");
}

TEST_P(SessionTest, HeaderTableOfAnotherSize) {
  Options small;
  small.header_table_size = 0;
  Options large;
  large.header_table_size = 65536;
  ServerPeer server(small);
  ClientPeer client(large);
  for (int i = 0; i < 50; ++i) {
    const std::string value = std::string(200, static_cast<char>('a' + i % 20));
    const StreamId id = client.Get("/", {{"x-long", value}});
    Carry(client.session, server.session, Way());
    EXPECT_EQ(server.Head(id).headers.begin()->value(), value);
    server.Respond(id, 200, "y");
    Carry(client.session, server.session, Way());
  }
  EXPECT_EQ(server.session.error(), ErrorCode::kNoError);
  EXPECT_EQ(client.session.error(), ErrorCode::kNoError);
}

// A head of more than one frame, both ways.
TEST_P(SessionTest, LongHeads) {
  ServerPeer server;
  ClientPeer client;
  const std::string value(45000, 'v');
  const StreamId id = client.Get("/", {{"x-long", value}});
  const std::string frames = Produced(client.session);
  EXPECT_NE(FramesText(frames).find("CONTINUATION"), std::string::npos);
  EXPECT_TRUE(Feed(server.session, frames, Way()));
  EXPECT_EQ(server.Head(id).headers.begin()->value(), value);
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = 200;
  head.headers.Add("x-long", value);
  server.session.SendHead(id, head, true);
  Carry(client.session, server.session, Way());
  EXPECT_EQ(client.Head(id).headers.begin()->value(), value);
}

}  // namespace
}  // namespace proxenos::http2
