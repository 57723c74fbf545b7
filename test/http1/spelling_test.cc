// Names on their way through both codecs: as they came, as words, and in lower case.
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/http1/decoder.h"
#include "source/http1/encoder.h"
#include "test/http1/recorder.h"

namespace proxenos::http1 {
namespace {

using http::NameStyle;

constexpr absl::string_view kRequest =
    "POST /p HTTP/1.1\r\nHOST: a\r\nX-oNe: X-Two: Y\r\nContent-LENGTH: 2\r\nx-One: 2\r\n"
    "Connection: X-Gone\r\nX-Gone: 1\r\nETag:\r\n\r\nhi";

// What comes of `input`, `piece` bytes at a time, each time in another slab.
std::string Pass(absl::string_view input, NameStyle read, const RequestOptions& write,
                 size_t piece = 100000) {
  const RequestDecoderOptions options;
  RequestRecorder recorder;
  recorder.names = read;
  RequestDecoder decoder(options, recorder);
  std::string held;
  for (size_t at = 0; at < input.size(); at += piece) {
    absl::StrAppend(&held, input.substr(at, piece));
    buffer::Slice bytes = buffer::Slice::Copy(held);
    const uint32_t before = bytes.size();
    if (decoder.Decode(bytes) == DecodeResult::kError) return "error";
    // What was kept has its names in lower case already.
    held = std::string(bytes.view());
    if (!recorder.head_bytes.empty() && before != 0) break;
  }
  buffer::Buffer out;
  EncodeRequestHead(recorder.head(), out, write);
  return out.ToString();
}

TEST(Spelling, AsItCame) {
  const std::string expected =
      "POST /p HTTP/1.1\r\nHOST: a\r\nX-oNe: X-Two: Y\r\nContent-LENGTH: 2\r\nX-oNe: 2\r\n"
      "ETag: \r\n\r\n";
  EXPECT_EQ(Pass(kRequest, NameStyle::kPreserve, {}), expected);
  for (size_t piece = 1; piece < kRequest.size(); ++piece) {
    EXPECT_EQ(Pass(kRequest, NameStyle::kPreserve, {}, piece), expected) << piece;
  }
}

TEST(Spelling, OfTheOtherSideGoesFirst) {
  EXPECT_EQ(Pass("GET / HTTP/1.1\r\nhost: a\r\nx-ONE: 1\r\n\r\n", NameStyle::kPreserve,
                 {NameStyle::kWords}),
            "GET / HTTP/1.1\r\nhost: a\r\nx-ONE: 1\r\n\r\n");
}

TEST(Spelling, Words) {
  EXPECT_EQ(Pass(kRequest, NameStyle::kLowerCase, {NameStyle::kWords}),
            "POST /p HTTP/1.1\r\nHost: a\r\nX-One: X-Two: Y\r\nContent-Length: 2\r\nX-One: 2\r\n"
            "Etag: \r\n\r\n");
}

// Asked for on the side that writes alone, there is nothing to preserve.
TEST(Spelling, LowerCase) {
  const std::string expected =
      "POST /p HTTP/1.1\r\nhost: a\r\nx-one: X-Two: Y\r\ncontent-length: 2\r\nx-one: 2\r\n"
      "etag: \r\n\r\n";
  EXPECT_EQ(Pass(kRequest, NameStyle::kLowerCase, {}), expected);
  EXPECT_EQ(Pass(kRequest, NameStyle::kWords, {}), expected);
  EXPECT_EQ(Pass(kRequest, NameStyle::kLowerCase, {NameStyle::kPreserveOrWords}), expected);
}

TEST(Spelling, OfTwoRequestsBehindEachOther) {
  const RequestDecoderOptions options;
  RequestRecorder recorder;
  recorder.names = NameStyle::kPreserve;
  RequestDecoder decoder(options, recorder);
  buffer::Slice bytes = buffer::Slice::Copy(
      "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nX-b: 1\r\n\r\n");
  for (const char* name : {"X-A", "X-b"}) {
    ASSERT_EQ(decoder.Decode(bytes), DecodeResult::kMessageComplete);
    recorder.transcript.Take();
    buffer::Buffer out;
    EncodeRequestHead(recorder.head(), out);
    EXPECT_EQ(out.ToString(), absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\n", name, ": 1\r\n\r\n"));
  }
}

TEST(Spelling, WhatIsWrongStaysWrong) {
  for (const char* field : {"X y: 1", "nonsense", ": v", " X: 1", "X\xc0: 1", "A: b\nC: d"}) {
    EXPECT_EQ(Pass(absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\n", field, "\r\n\r\n"),
                   NameStyle::kPreserve, {}),
              "error")
        << field;
  }
}

TEST(Spelling, OfResponses) {
  const ResponseDecoderOptions options;
  ResponseRecorder recorder;
  recorder.names = NameStyle::kPreserveOrWords;
  ResponseDecoder decoder(options, recorder);
  decoder.Expect(http::Method::kGet, false);
  buffer::Slice bytes = buffer::Slice::Copy(
      "HTTP/1.1 200 OK\r\nTransfer-encoding: chunked\r\nx-lower: 1\r\nETag: 2\r\n\r\n0\r\n\r\n");
  ASSERT_EQ(decoder.Decode(bytes), DecodeResult::kMessageComplete);
  ResponseOptions to;
  to.close = true;
  buffer::Buffer out;
  EncodeResponseHead(recorder.head(), to, out);
  EXPECT_EQ(out.ToString(),
            "HTTP/1.1 200 OK\r\nx-lower: 1\r\nETag: 2\r\nTransfer-encoding: chunked\r\n"
            "Connection: close\r\n\r\n");
}

TEST(Spelling, ResponsesWithoutFields) {
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = 204;
  ResponseOptions to;
  to.names = NameStyle::kWords;
  buffer::Buffer out;
  EncodeResponseHead(head, to, out);
  EXPECT_EQ(out.ToString(), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(AbsoluteForm, OfWhatIsAPath) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  head.scheme = "https";
  head.authority = "a:1";
  head.path = "/p?q";
  const auto encode = [&head] {
    buffer::Buffer out;
    EncodeRequestHead(head, out, {NameStyle::kLowerCase, /*absolute_form=*/true});
    return out.ToString();
  };
  EXPECT_EQ(encode(), "GET https://a:1/p?q HTTP/1.1\r\nhost: a:1\r\n\r\n");
  head.method_text = "OPTIONS";
  head.path = "*";
  EXPECT_EQ(encode(), "OPTIONS * HTTP/1.1\r\nhost: a:1\r\n\r\n");
}

}  // namespace
}  // namespace proxenos::http1
