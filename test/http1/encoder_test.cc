// What goes on the wire: framing by head, fields in their runs, and values that would end their
// line.
#include "source/http1/encoder.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/http/checked_copy.h"
#include "source/http1/decoder.h"
#include "test/http1/recorder.h"

namespace proxenos::http1 {
namespace {

using http::Framing;
using http::HeaderId;

struct Request {
  explicit Request(absl::string_view method = "GET") {
    head.method_text = method;
    head.method = http::ParseMethod(method);
    head.path = "/";
    head.authority = "a";
  }
  std::string Encode() {
    buffer::Buffer out;
    on_wire = EncodeRequestHead(head, out);
    return out.ToString();
  }
  buffer::Arena arena;
  http::RequestHead head{arena};
  Framing::Kind on_wire = Framing::kNone;
};

struct Response {
  explicit Response(uint16_t status = 200) { head.status = status; }
  std::string Encode(const ResponseOptions& options = {}) {
    buffer::Buffer out;
    on_wire = EncodeResponseHead(head, options, out);
    return out.ToString();
  }
  buffer::Arena arena;
  http::ResponseHead head{arena};
  Framing::Kind on_wire = Framing::kNone;
};

TEST(EncodeRequest, WithoutBody) {
  Request r;
  r.head.headers.Add("x", "y");
  EXPECT_EQ(r.Encode(), "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kNone);
}

TEST(EncodeRequest, MethodsThatUsuallyHaveContentSayThatThereIsNone) {
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    Request r(method);
    EXPECT_EQ(r.Encode(),
              absl::StrCat(method, " / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"));
    EXPECT_EQ(r.on_wire, Framing::kNone);
  }
}

TEST(EncodeRequest, LengthIsKeptWhereItStands) {
  Request r("POST");
  r.head.headers.Add(HeaderId::kContentLength, "5");
  r.head.headers.Add("x", "y");
  r.head.framing = {Framing::kLength, 5};
  EXPECT_EQ(r.Encode(), "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nx: y\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kLength);
}

TEST(EncodeRequest, LengthIsWrittenWhenNoFieldSaysIt) {
  Request r("POST");
  r.head.framing = {Framing::kLength, 18446744073709551615u};
  EXPECT_EQ(r.Encode(),
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551615\r\n\r\n");
}

TEST(EncodeRequest, WrongLengthsAreReplaced) {
  Request r("POST");
  r.head.headers.Add(HeaderId::kContentLength, "6");
  r.head.headers.Add(HeaderId::kContentLength, "5");
  r.head.framing = {Framing::kLength, 5};
  EXPECT_EQ(r.Encode(), "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n");
}

TEST(EncodeRequest, ChunksLeaveNoLength) {
  Request r("POST");
  r.head.headers.Add(HeaderId::kContentLength, "5");
  r.head.framing.kind = Framing::kChunked;
  EXPECT_EQ(r.Encode(), "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kChunked);
}

TEST(EncodeRequest, FieldsOfTheConnectionAreLeftOut) {
  Request r;
  for (const char* name : {"host", "connection", "keep-alive", "proxy-connection", "te",
                           "transfer-encoding", "upgrade", "http2-settings", "content-length"}) {
    r.head.headers.Add(name, "1");
  }
  r.head.headers.Add("x", "y");
  EXPECT_EQ(r.Encode(), "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n");
}

TEST(EncodeRequest, Connect) {
  Request r("CONNECT");
  r.head.path = "";
  r.head.authority = "b:443";
  r.head.framing.kind = Framing::kTunnel;
  EXPECT_EQ(r.Encode(), "CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kTunnel);
}

TEST(EncodeRequest, Upgrade) {
  Request r;
  r.head.upgrade = "websocket";
  r.head.framing.kind = Framing::kTunnel;
  EXPECT_EQ(r.Encode(),
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kTunnel);
}

TEST(EncodeRequest, TunnelWithoutReasonIsNone) {
  Request r;
  r.head.framing.kind = Framing::kTunnel;
  EXPECT_EQ(r.Encode(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kNone);
}

TEST(EncodeRequest, TeTrailers) {
  Request r;
  r.head.te_trailers = true;
  EXPECT_EQ(r.Encode(), "GET / HTTP/1.1\r\nhost: a\r\nconnection: te\r\nte: trailers\r\n\r\n");
}

TEST(EncodeRequest, NothingEndsTheRequestLine) {
  Request r("GE\rT");
  r.head.path = absl::string_view("/a b\r\nX: y\0#\xff\x7f", 14);
  r.head.authority = "a\r\nb";
  EXPECT_EQ(r.Encode(), "GE_T /a%20b%0D%0AX:%20y%00%23%FF%7F HTTP/1.1\r\nhost: a%0D%0Ab\r\n\r\n");
}

TEST(EncodeRequest, MethodsMayHoldAnyTokenCharacter) {
  Request r("M!#$%&'*+-.^_`|~");
  EXPECT_EQ(r.Encode(), "M!#$%&'*+-.^_`|~ / HTTP/1.1\r\nhost: a\r\n\r\n");
}

TEST(EncodeRequest, NothingEndsAField) {
  Request r;
  r.head.headers.Add("x", absl::string_view("1\r\ntransfer-encoding: chunked\0", 30));
  r.head.headers.Add("a\r\nb", "c");
  EXPECT_EQ(r.Encode(),
            "GET / HTTP/1.1\r\nhost: a\r\nx: 1  transfer-encoding: chunked \r\na  b: c\r\n\r\n");
}

// A field that lies in its slab like those of a received head, but holds a line end.
TEST(EncodeRequest, NothingEndsAFieldOfARun) {
  Request r;
  const std::string source = "aa: 1\r\nbb: 2\rX\r\ncc: 3\r\n";
  r.head.headers.AddView(HeaderId::kUnknown, absl::string_view(&source[0], 2),
                         absl::string_view(&source[4], 1));
  r.head.headers.AddView(HeaderId::kUnknown, absl::string_view(&source[7], 2),
                         absl::string_view(&source[11], 3));
  r.head.headers.AddView(HeaderId::kUnknown, absl::string_view(&source[16], 2),
                         absl::string_view(&source[20], 1));
  EXPECT_EQ(r.Encode(), "GET / HTTP/1.1\r\nhost: a\r\naa: 1\r\nbb: 2 X\r\ncc: 3\r\n\r\n");
}

TEST(EncodeRequest, HeadLargerThanASlab) {
  Request r;
  r.head.headers.Add("x", std::string(70000, 'x'));
  const std::string text = r.Encode();
  EXPECT_EQ(text,
            absl::StrCat("GET / HTTP/1.1\r\nhost: a\r\nx: ", std::string(70000, 'x'), "\r\n\r\n"));
}

TEST(EncodeRequest, ReceivedFieldsInRuns) {
  const RequestDecoderOptions options;
  RequestRecorder recorder;
  RequestDecoder decoder(options, recorder);
  buffer::Slice bytes = buffer::Slice::Copy(
      "GET /p HTTP/1.1\r\nX-One: 1\r\nHost: a\r\nX-Two:2\r\nX-Three:  3 \r\nX-Four: \r\nX-Five: "
      "5\r\n"
      "Connection: x-six\r\nX-Six: 6\r\nX-Seven: 7\r\nX-Eight:\t8\r\n\r\n");
  ASSERT_EQ(decoder.Decode(bytes), DecodeResult::kMessageComplete);
  buffer::Buffer out;
  EncodeRequestHead(recorder.head(), out);
  EXPECT_EQ(out.ToString(),
            "GET /p HTTP/1.1\r\nhost: a\r\nx-one: 1\r\nx-two: 2\r\nx-three: 3\r\nx-four: \r\n"
            "x-five: 5\r\nx-seven: 7\r\nx-eight: 8\r\n\r\n");
}

TEST(EncodeResponse, Length) {
  Response r;
  r.head.headers.Add(HeaderId::kContentLength, "5");
  r.head.framing = {Framing::kLength, 5};
  EXPECT_EQ(r.Encode(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kLength);
}

TEST(EncodeResponse, NoBodySaysSo) {
  Response r(404);
  EXPECT_EQ(r.Encode(), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kNone);
}

TEST(EncodeResponse, ReasonAsItCame) {
  Response r(404);
  r.head.reason = "Gone\r\nfishing";
  EXPECT_EQ(r.Encode(), "HTTP/1.1 404 Gone  fishing\r\ncontent-length: 0\r\n\r\n");
}

TEST(EncodeResponse, Close) {
  Response r;
  ResponseOptions options;
  options.close = true;
  EXPECT_EQ(r.Encode(options), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

TEST(EncodeResponse, UntilCloseBecomesChunks) {
  Response r;
  r.head.framing.kind = Framing::kUntilClose;
  EXPECT_EQ(r.Encode(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kChunked);
}

TEST(EncodeResponse, ChunksToHttp10BecomeUntilClose) {
  Response r;
  r.head.framing.kind = Framing::kChunked;
  ResponseOptions options;
  options.to_http10 = true;
  EXPECT_EQ(r.Encode(options), "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kUntilClose);
}

TEST(EncodeResponse, KeepAliveIsSaidToHttp10) {
  Response r;
  r.head.framing = {Framing::kLength, 2};
  ResponseOptions options;
  options.to_http10 = true;
  EXPECT_EQ(r.Encode(options),
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n");
}

TEST(EncodeResponse, ToHead) {
  ResponseOptions options;
  options.to_head = true;
  Response with_field;
  with_field.head.headers.Add(HeaderId::kContentLength, "5");
  EXPECT_EQ(with_field.Encode(options), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  EXPECT_EQ(with_field.on_wire, Framing::kNone);
  Response local;
  local.head.framing = {Framing::kLength, 7};
  EXPECT_EQ(local.Encode(options), "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
  Response chunked;
  chunked.head.framing.kind = Framing::kChunked;
  EXPECT_EQ(chunked.Encode(options), "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(chunked.on_wire, Framing::kNone);
}

TEST(EncodeResponse, StatusesWithoutBody) {
  Response no_content(204);
  no_content.head.headers.Add(HeaderId::kContentLength, "0");
  no_content.head.framing = {Framing::kLength, 3};
  EXPECT_EQ(no_content.Encode(), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(no_content.on_wire, Framing::kNone);
  Response not_modified(304);
  not_modified.head.headers.Add(HeaderId::kContentLength, "9");
  EXPECT_EQ(not_modified.Encode(), "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n");
  ResponseOptions options;
  options.close = true;
  EXPECT_EQ(Response(103).Encode(options), "HTTP/1.1 103 Early Hints\r\n\r\n");
  EXPECT_EQ(Response(100).Encode(), kContinueResponse);
}

TEST(EncodeResponse, SwitchingProtocols) {
  Response r(101);
  r.head.upgrade = "websocket";
  r.head.framing.kind = Framing::kTunnel;
  EXPECT_EQ(
      r.Encode(),
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kTunnel);
}

// RFC 9110, 15.5.22 and 7.8. What an origin wanted was a matter of its connection with us.
TEST(EncodeResponse, UpgradeRequired) {
  Response r(426);
  EXPECT_EQ(r.Encode(), "HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n");
  r.head.upgrade = "HTTP/1.1";
  ResponseOptions options;
  options.close = options.to_http10 = true;
  EXPECT_EQ(r.Encode(options),
            "HTTP/1.0 426 Upgrade Required\r\ncontent-length: 0\r\n"
            "connection: upgrade, close\r\nupgrade: HTTP/1.1\r\n\r\n");
}

TEST(EncodeResponse, TunnelOfConnect) {
  Response r;
  r.head.framing.kind = Framing::kTunnel;
  EXPECT_EQ(r.Encode(), "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kTunnel);
  // RFC 9110, 9.3.6: any success is one.
  r.head.status = 204;
  EXPECT_EQ(r.Encode(), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(r.on_wire, Framing::kTunnel);
  r.head.status = 304;
  r.Encode();
  EXPECT_EQ(r.on_wire, Framing::kNone);
}

TEST(Chunks, SizesAndEnd) {
  buffer::Buffer out;
  for (size_t size : {1u, 15u, 16u, 255u, 4096u}) {
    buffer::Buffer from;
    from.Append(std::string(size, 'x'));
    out.Clear();
    AppendChunk(from, out);
    EXPECT_TRUE(from.empty());
    char line[20];
    snprintf(line, sizeof(line), "%zx\r\n", size);
    EXPECT_EQ(out.ToString(), absl::StrCat(line, std::string(size, 'x'), "\r\n"));
  }
  out.Clear();
  AppendLastChunk(nullptr, out);
  EXPECT_EQ(out.ToString(), "0\r\n\r\n");
}

TEST(Chunks, TrailersWithoutFraming) {
  buffer::Arena arena;
  http::HeaderMap trailers(arena);
  trailers.Add("grpc-status", "0");
  trailers.Add(HeaderId::kContentLength, "5");
  trailers.Add(HeaderId::kTransferEncoding, "chunked");
  trailers.Add("x", "a\nb");
  buffer::Buffer out;
  AppendLastChunk(&trailers, out);
  EXPECT_EQ(out.ToString(), "0\r\ngrpc-status: 0\r\nx: a b\r\n\r\n");
}

TEST(CheckedCopy, FindsABadByteAtEachPlaceOfEachSize) {
  for (size_t size = 0; size < 70; ++size) {
    std::string from(size, 'x');
    std::vector<char> to(size);
    EXPECT_TRUE(http::CopyValue(to.data(), from.data(), size));
    EXPECT_TRUE(http::CopyTarget(to.data(), from.data(), size));
    EXPECT_EQ(http::CopyCountingControls(to.data(), from.data(), size), 0u);
    for (size_t i = 0; i < size; ++i) {
      from[i] = '\n';
      EXPECT_FALSE(http::CopyValue(to.data(), from.data(), size)) << size << " " << i;
      EXPECT_EQ(std::memcmp(to.data(), from.data(), size), 0);
      EXPECT_EQ(http::CopyCountingControls(to.data(), from.data(), size), 1u);
      from[i] = '#';
      EXPECT_FALSE(http::CopyTarget(to.data(), from.data(), size)) << size << " " << i;
      EXPECT_TRUE(http::CopyValue(to.data(), from.data(), size));
      from[i] = 'x';
    }
  }
  const std::string many(20000, '\r');
  std::vector<char> to(many.size());
  EXPECT_EQ(http::CopyCountingControls(to.data(), many.data(), many.size()), many.size());
}

}  // namespace
}  // namespace proxenos::http1
