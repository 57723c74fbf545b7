// Which heads pass, as what, and which do not (RFC 9113, 8.2 and 8.3).
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/http2/frame_builder.h"
#include "test/http2/peers.h"

namespace proxenos::http2 {
namespace {

// What becomes of a request: its transcript, "refused STATUS", or "malformed".
std::string Outcome(const Fields& fields, bool end_stream, Options options = Options()) {
  options.stream_error_on_invalid_message = true;
  ServerPeer server(options);
  FrameBuilder frames;
  frames.Preface().Headers(1, fields, end_stream ? kEndHeaders | kEndStream : kEndHeaders);
  EXPECT_TRUE(Feed(server.session, frames.Take()));
  Produced(server.session);
  const std::string log = server.TakeLog();
  if (log == "reset 1 code=1\nclosed 1\n") return "malformed";
  if (log.substr(0, 10) == "refused 1 ") return log.substr(0, 7) + log.substr(9, 4);
  EXPECT_EQ(log, "");
  return server.Request(1);
}

std::string Get(const Fields& more) { return Outcome(GetFields(more), true); }

constexpr char kPlainGet[] = "request GET / host=a scheme=http";

TEST(HeadCaseTest, ObsText) {
  const Fields fields = GetFields({{"x-name", "caf\xc3\xa9"}});
  EXPECT_EQ(Outcome(fields, true),
            absl::StrCat(kPlainGet, "\n  x-name: caf\\xc3\\xa9\ncomplete\n"));
  Options options;
  options.disallow_obs_text = true;
  EXPECT_EQ(Outcome(fields, true, options), "malformed");
  EXPECT_EQ(Outcome(GetFields({{"x-name", "caf\x7e"}}), true, options),
            absl::StrCat(kPlainGet, "\n  x-name: caf\x7e\ncomplete\n"));
}

TEST(HeadCaseTest, ControlDataPasses) {
  EXPECT_EQ(Get({}), absl::StrCat(kPlainGet, "\ncomplete\n"));
  EXPECT_EQ(
      Outcome({{":path", "/x?y"}, {":scheme", "HTTPS"}, {":method", "X-1"}, {":authority", "B:80"}},
              false),
      "request X-1 /x?y host=B:80 scheme=https chunked\n");
  EXPECT_EQ(
      Outcome({{":method", "OPTIONS"}, {":scheme", "http"}, {":path", "*"}, {"host", "a"}}, true),
      "request OPTIONS * host=a scheme=http\ncomplete\n");
  EXPECT_EQ(Get({{"host", "A"}}), absl::StrCat(kPlainGet, "\ncomplete\n"));
}

TEST(HeadCaseTest, ControlDataThatIsMalformed) {
  const Fields kBad[] = {
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}},
      {{":method", "GET"}, {":path", "/"}, {":authority", "a"}},
      {{":scheme", "http"}, {":path", "/"}, {":authority", "a"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "x"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "*"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a b"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a#b"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/\xc3\xa4"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "http://a/"}},
      {{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}},
      {{":method", "G T"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
      {{":method", ""}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "u@a"}, {":path", "/"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", ""}, {":path", "/"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a/b"}, {":path", "/"}},
      {{":method", "GET"}, {":scheme", "http"}, {"x", "y"}, {":authority", "a"}, {":path", "/"}},
      GetFields({{"x", "y"}, {":path", "/"}}),
  };
  for (const Fields& fields : kBad) {
    EXPECT_EQ(Outcome(fields, true), "malformed") << Literals(fields);
  }
  for (const char* pseudo :
       {":method", ":scheme", ":authority", ":path", ":status", ":protocol", ":x", ":"}) {
    EXPECT_EQ(Get({{pseudo, "GET"}}), "malformed") << pseudo;
  }
}

TEST(HeadCaseTest, NamesAndValues) {
  for (const char* name : {"Upper", "a b", "a:", "a\tb", "\x80", "a\x7f", "(a)", "a/b"}) {
    EXPECT_EQ(Get({{name, "x"}}), "malformed") << name;
  }
  for (const std::string& value :
       {std::string("a\rb"), std::string("a\nb"), std::string("a\0b", 3), std::string(" a"),
        std::string("a "), std::string("\ta"), std::string("a\t"), std::string("\x7f"),
        std::string("a long value of more than sixteen bytes, then\r\nmore")}) {
    EXPECT_EQ(Get({{"x", value}}), "malformed") << value;
    EXPECT_EQ(Get({{"user-agent", value}}), "malformed") << value;
  }
  EXPECT_EQ(Get({{"x-!#$%&'*+.^_`|~", "a\tb \xc3\xa4"}, {"user-agent", ""}}),
            absl::StrCat(kPlainGet,
                         "\n  x-!#$%&'*+.^_`|~: a\\tb \\xc3\\xa4\n  user-agent: \ncomplete\n"));
}

// RFC 9113, 8.2.2.
TEST(HeadCaseTest, FieldsOfAConnection) {
  for (const char* name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}) {
    EXPECT_EQ(Get({{name, "x"}}), "malformed") << name;
  }
  for (const char* value : {"trailers", "Trailers"}) {
    EXPECT_EQ(Get({{"te", value}}), absl::StrCat(kPlainGet, " te-trailers\ncomplete\n")) << value;
  }
  EXPECT_EQ(Get({{"te", ""}}), "malformed");
  EXPECT_EQ(Get({{"te", "gzip"}}), "malformed");
  EXPECT_EQ(Get({{"te", "trailers, deflate;q=0.5"}}), "malformed");
}

TEST(HeadCaseTest, HostAndAuthority) {
  EXPECT_EQ(Get({{"host", "b"}}), "malformed");
  EXPECT_EQ(Get({{"host", "a"}, {"host", "a"}}), "malformed");
  EXPECT_EQ(Get({{"host", ""}}), "malformed");
  EXPECT_EQ(Get({{"host", "a:80"}}), "malformed");
  EXPECT_EQ(Outcome({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}, true),
            "refused 400");
}

TEST(HeadCaseTest, ContentLength) {
  EXPECT_EQ(Outcome(GetFields({{"content-length", "5"}}), false),
            absl::StrCat(kPlainGet, " length=5\n  content-length: 5\n"));
  EXPECT_EQ(Get({{"content-length", "0"}}),
            absl::StrCat(kPlainGet, "\n  content-length: 0\ncomplete\n"));
  EXPECT_EQ(Get({{"content-length", "5"}}), "malformed");
  for (const char* value : {"", "+5", "-1", "5,5", "0x5", "5 ", "1234567890123456789"}) {
    EXPECT_EQ(Outcome(GetFields({{"content-length", value}}), false), "malformed") << value;
  }
  EXPECT_EQ(Outcome(GetFields({{"content-length", "5"}, {"content-length", "5"}}), false),
            "malformed");
}

TEST(HeadCaseTest, ContentLengthAgainstData) {
  for (const char* body : {"1234", "123456"}) {
    Options options;
    options.stream_error_on_invalid_message = true;
    ServerPeer server(options);
    FrameBuilder frames;
    frames.Preface().Headers(1, GetFields({{"content-length", "5"}}), kEndHeaders);
    frames.Data(1, body, kEndStream);
    EXPECT_TRUE(Feed(server.session, frames.Take()));
    Produced(server.session);
    EXPECT_EQ(server.TakeLog(), "reset 1 code=1\nclosed 1\n") << body;
  }
}

TEST(HeadCaseTest, Expectations) {
  EXPECT_EQ(Outcome(GetFields({{"expect", "100-Continue"}}), false),
            absl::StrCat(kPlainGet, " chunked expects-continue\n"));
  EXPECT_EQ(Get({{"expect", "100-continue"}}), absl::StrCat(kPlainGet, "\ncomplete\n"));
  EXPECT_EQ(Get({{"expect", "tea"}}), "refused 417");
}

TEST(HeadCaseTest, CookieCrumbsAreJoined) {
  EXPECT_EQ(Get({{"cookie", "a=b"}, {"x", "1"}, {"cookie", "c=d"}, {"cookie", ""}}),
            absl::StrCat(kPlainGet, "\n  cookie: a=b; c=d; \n  x: 1\ncomplete\n"));
}

TEST(HeadCaseTest, Underscores) {
  Options options;
  const Fields fields = GetFields({{"a_b", "1"}, {"c", "2"}});
  EXPECT_EQ(Outcome(fields, true), absl::StrCat(kPlainGet, "\n  a_b: 1\n  c: 2\ncomplete\n"));
  options.underscores = Underscores::kDropHeader;
  EXPECT_EQ(Outcome(fields, true, options), absl::StrCat(kPlainGet, "\n  c: 2\ncomplete\n"));
  options.underscores = Underscores::kReject;
  EXPECT_EQ(Outcome(fields, true, options), "refused 400");
}

TEST(HeadCaseTest, Connect) {
  EXPECT_EQ(Outcome({{":method", "CONNECT"}, {":authority", "a:1"}}, false),
            "request CONNECT  host=a:1 tunnel\n");
  EXPECT_EQ(Outcome({{":method", "CONNECT"}, {":authority", "a"}}, false), "malformed");
  EXPECT_EQ(Outcome({{":method", "CONNECT"}}, false), "malformed");
  EXPECT_EQ(Outcome({{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}}, false),
            "malformed");
  EXPECT_EQ(
      Outcome({{":method", "CONNECT"}, {":authority", "a:1"}, {"content-length", "3"}}, false),
      "malformed");
}

TEST(HeadCaseTest, ExtendedConnect) {
  Options options;
  options.allow_connect = true;
  Fields fields = {{":method", "CONNECT"},
                   {":scheme", "https"},
                   {":authority", "a"},
                   {":path", "/chat"},
                   {":protocol", "websocket"}};
  EXPECT_EQ(Outcome(fields, false), "malformed");
  EXPECT_EQ(Outcome(fields, false, options),
            "request GET /chat host=a scheme=https tunnel upgrade=websocket\n");
  fields[0].second = "GET";
  EXPECT_EQ(Outcome(fields, false, options), "malformed");
  EXPECT_EQ(
      Outcome({{":method", "CONNECT"}, {":authority", "a"}, {":protocol", "x"}}, false, options),
      "malformed");
}

// What becomes of a request's trailers.
std::string Trailers(const Fields& trailers, uint8_t flags = kEndHeaders | kEndStream,
                     Options options = Options()) {
  options.stream_error_on_invalid_message = true;
  ServerPeer server(options);
  FrameBuilder frames;
  frames.Preface().Headers(1, GetFields(), kEndHeaders).Data(1, "x").Headers(1, trailers, flags);
  EXPECT_TRUE(Feed(server.session, frames.Take()));
  Produced(server.session);
  if (server.TakeLog() == "reset 1 code=1\nclosed 1\n") return "malformed";
  const std::string request = server.Request(1);
  const std::string expected = absl::StrCat(kPlainGet, " chunked\nbody x\n");
  EXPECT_EQ(request.substr(0, expected.size()), expected);
  return request.substr(expected.size());
}

TEST(HeadCaseTest, TrailerFields) {
  EXPECT_EQ(Trailers({{"x", "1"}, {"grpc-status", "0"}}),
            "trailers\n  x: 1\n  grpc-status: 0\ncomplete\n");
  EXPECT_EQ(Trailers({}), "complete\n");
  EXPECT_EQ(Trailers({{"x", "1"}}, kEndHeaders), "malformed");
  EXPECT_EQ(Trailers({{":path", "/"}}), "malformed");
  EXPECT_EQ(Trailers({{"x", "1"}, {":path", "/"}}), "malformed");
  EXPECT_EQ(Trailers({{"content-length", "1"}}), "malformed");
  EXPECT_EQ(Trailers({{"authorization", "x"}}), "complete\n");
  Options options;
  options.enable_trailers = false;
  EXPECT_EQ(Trailers({{"x", "1"}}, kEndHeaders | kEndStream, options), "complete\n");
}

// What becomes of a response, each time to a GET or HEAD on stream 1.
std::string Response(const std::string& frames, bool head_request = false) {
  Options options;
  options.stream_error_on_invalid_message = true;
  ClientPeer client(options);
  buffer::Arena arena;
  http::RequestHead request(arena);
  request.method = head_request ? http::Method::kHead : http::Method::kGet;
  request.method_text = head_request ? "HEAD" : "GET";
  request.authority = "a";
  request.path = "/";
  client.Send(request, true);
  Produced(client.session);
  if (!Feed(client.session, FrameBuilder().Settings({}).Take() + frames)) return "ended";
  Produced(client.session);
  if (client.TakeLog() == "reset 1 code=1\nclosed 1\n") return "malformed";
  return client.Response(1);
}

TEST(HeadCaseTest, Responses) {
  FrameBuilder frames;
  const auto head = [&](const Fields& fields, uint8_t flags = kEndHeaders | kEndStream) {
    return Response(frames.Headers(1, fields, flags).Take());
  };
  EXPECT_EQ(head({{":status", "200"}, {"x", "y"}}), "response 200 \"\"\n  x: y\ncomplete\n");
  EXPECT_EQ(head({{":status", "599"}}, kEndHeaders), "response 599 \"\" chunked\n");
  for (const char* status : {"", "20", "2000", "2x0", "+20", "099", "101", "100"}) {
    EXPECT_EQ(head({{":status", status}}), "malformed") << status;
  }
  EXPECT_EQ(head({{"x", "y"}}), "malformed");
  EXPECT_EQ(head({{":status", "200"}, {":status", "200"}}), "malformed");
  EXPECT_EQ(head({{":status", "200"}, {":path", "/"}}), "malformed");
  EXPECT_EQ(head({{":status", "200"}, {"connection", "close"}}), "malformed");
  EXPECT_EQ(head({{":status", "204"}, {"content-length", "5"}}), "malformed");
  EXPECT_EQ(head({{":status", "200"}, {"content-length", "5"}}), "malformed");
  EXPECT_EQ(Response(frames.Data(1, "x").Take()), "ended");
  EXPECT_EQ(Response(frames.Headers(1, {{":status", "103"}}, kEndHeaders).Data(1, "x").Take()),
            "malformed");
  EXPECT_EQ(
      Response(frames.Headers(1, {{":status", "200"}}, kEndHeaders).Data(1, "x").Take(), true),
      "malformed");
  EXPECT_EQ(
      Response(frames.Headers(1, {{":status", "200"}}, kEndHeaders).Data(1, "", kEndStream).Take(),
               true),
      "response 200 \"\"\ncomplete\n");
}

TEST(HeadCaseTest, PromisesEndTheConnection) {
  ClientPeer client;
  client.Get("/");
  Produced(client.session);
  FrameBuilder frames;
  frames.Settings({}).Frame(kSettingsFrame, kAck, 0, "");
  frames.Frame(kPushPromiseFrame, kEndHeaders, 1,
               std::string("\0\0\0\2", 4) + Literals(GetFields()));
  EXPECT_FALSE(Feed(client.session, frames.Take()));
  EXPECT_EQ(client.session.error(), ErrorCode::kProtocolError);
}

// Without the option a malformed message ends the connection, as in Envoy.
TEST(HeadCaseTest, MalformedMessagesEndTheConnectionByDefault) {
  ServerPeer server;
  FrameBuilder frames;
  frames.Preface().Headers(1, GetFields({{"Upper", "x"}})).Headers(3, GetFields());
  EXPECT_FALSE(Feed(server.session, frames.Take()));
  EXPECT_EQ(server.session.detail(), "http2.violation.of.messaging.rule");
  EXPECT_EQ(FramesText(Produced(server.session)).find("HEADERS"), std::string::npos);
  EXPECT_EQ(server.stats.rx_messaging_error.value(), 1u);
  EXPECT_EQ(server.stats.goaway_sent.value(), 1u);
}

// Whatever the option says, one origin's answer that is too large, or not of its length, does not
// end the answers beside it.
TEST(HeadCaseTest, ResponsesThatAreNotWantedEndTheirStreamAlone) {
  Options options;
  options.max_headers = 10;
  options.max_head_bytes = 2000;
  ClientPeer client(options);
  for (int i = 0; i < 6; ++i) client.Get("/");
  Produced(client.session);
  Fields many = {{":status", "200"}};
  for (int i = 0; i < 20; ++i) many.emplace_back("x", "y");
  FrameBuilder frames;
  frames.Settings({}).Headers(1, many);
  frames.Headers(3, {{":status", "200"}, {"x", std::string(3000, 'y')}});
  frames.Headers(5, {{":status", "200"}, {"content-length", "2"}}, kEndHeaders);
  frames.Data(5, "abc", kEndStream);
  frames.Headers(7, {{":status", "200"}, {"content-length", "2"}}, kEndHeaders);
  frames.Data(7, "a", kEndStream);
  frames.Headers(9, {{":status", "304"}}, kEndHeaders).Data(9, "a", kEndStream);
  frames.Headers(11, {{":status", "200"}});
  EXPECT_TRUE(Feed(client.session, frames.Take()));
  Produced(client.session);
  EXPECT_EQ(client.Response(11), "response 200 \"\"\ncomplete\n");
  EXPECT_EQ(client.TakeLog(),
            "reset 1 code=2\nclosed 1\nreset 3 code=2\nclosed 3\nreset 7 code=1\nclosed 7\n"
            "closed 11\nreset 5 code=1\nclosed 5\nreset 9 code=1\nclosed 9\n");
  EXPECT_EQ(client.stats.header_overflow.value(), 2u);
  EXPECT_EQ(client.stats.rx_messaging_error.value(), 3u);
}

}  // namespace
}  // namespace proxenos::http2
