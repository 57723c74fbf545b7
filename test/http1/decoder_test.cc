// What the cases in testdata do not say: lifetimes, tunnels that are refused, and the cost of input
// that comes in drips.
#include "source/http1/decoder.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/http1/recorder.h"

namespace proxenos::http1 {
namespace {

constexpr char kUpgrade[] =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

struct Requests {
  RequestDecoderOptions options;
  RequestRecorder recorder;
  RequestDecoder decoder{options, recorder};
};

TEST(RequestDecoder, HeadLivesInItsSlab) {
  Requests r;
  buffer::Slice bytes = buffer::Slice::Copy("GET /a HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\nGET");
  const char* const begin = bytes.data();
  ASSERT_EQ(r.decoder.Decode(bytes), DecodeResult::kMessageComplete);
  EXPECT_EQ(bytes.view(), "GET");
  EXPECT_EQ(r.recorder.head_bytes.data(), begin);
  EXPECT_EQ(r.recorder.head_bytes.size(), 34u);
  EXPECT_EQ(r.recorder.head().path.data(), begin + 4);
  EXPECT_EQ(r.recorder.head().authority.data(), begin + 23);
  EXPECT_EQ(r.recorder.head().headers.begin()->value_data, begin + 29);
}

TEST(RequestDecoder, BodySharesTheSlabOfTheInput) {
  class Body final : public http::RequestVisitor {
   public:
    http::RequestHead& OnMessageBegin() override { return head_; }
    void OnHead(buffer::Slice) override {}
    void OnBody(buffer::Slice data) override { parts.push_back(std::move(data)); }
    http::HeaderMap& OnTrailersBegin() override { return head_.headers; }
    void OnTrailers(buffer::Slice) override {}
    void OnComplete() override {}
    std::vector<buffer::Slice> parts;

   private:
    buffer::Arena arena_;
    http::RequestHead head_{arena_};
  } visitor;
  const RequestDecoderOptions options;
  RequestDecoder decoder(options, visitor);
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  buffer::Slice bytes = buffer::Slice::Copy(absl::StrCat(head, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  const char* const begin = bytes.data();
  ASSERT_EQ(decoder.Decode(bytes), DecodeResult::kMessageComplete);
  EXPECT_TRUE(bytes.empty());
  ASSERT_EQ(visitor.parts.size(), 2u);
  EXPECT_EQ(visitor.parts[0].data(), begin + head.size() + 3);
  EXPECT_EQ(visitor.parts[1].view(), "de");
}

TEST(RequestDecoder, SaysWhetherAMessageIsUnderWay) {
  Requests r;
  EXPECT_FALSE(r.decoder.InMessage());
  EXPECT_EQ(r.decoder.OnEof(), DecodeResult::kNeedMore);
  buffer::Slice bytes = buffer::Slice::Copy("G");
  EXPECT_EQ(r.decoder.Decode(bytes), DecodeResult::kNeedMore);
  EXPECT_EQ(bytes.size(), 1u);
  EXPECT_TRUE(r.decoder.InMessage());
  EXPECT_EQ(r.decoder.OnEof(), DecodeResult::kError);
  EXPECT_EQ(r.decoder.error(), http::CodecError::kUnexpectedEnd);
}

TEST(RequestDecoder, RefusedTunnelTakesNothingMore) {
  Requests r;
  buffer::Slice bytes = buffer::Slice::Copy(kUpgrade);
  ASSERT_EQ(r.decoder.Decode(bytes), DecodeResult::kNeedMore);
  r.decoder.RefuseTunnel();
  EXPECT_FALSE(r.decoder.InMessage());
  buffer::Slice none;
  EXPECT_EQ(r.decoder.Decode(none), DecodeResult::kNeedMore);
  buffer::Slice more = buffer::Slice::Copy("GET / HTTP/1.1\r\n");
  EXPECT_EQ(r.decoder.Decode(more), DecodeResult::kError);
  EXPECT_EQ(r.decoder.error(), http::CodecError::kBadUpgrade);
}

TEST(RequestDecoder, RefusedTunnelMayEnd) {
  Requests r;
  buffer::Slice bytes = buffer::Slice::Copy(kUpgrade);
  ASSERT_EQ(r.decoder.Decode(bytes), DecodeResult::kNeedMore);
  r.decoder.RefuseTunnel();
  EXPECT_EQ(r.decoder.OnEof(), DecodeResult::kNeedMore);
}

TEST(RequestDecoder, StatusOfEachKindOfError) {
  const auto status_of = [](absl::string_view input) {
    Requests r;
    buffer::Slice bytes = buffer::Slice::Copy(input);
    EXPECT_EQ(r.decoder.Decode(bytes), DecodeResult::kError) << input;
    return http::StatusOf(r.decoder.error());
  };
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of(absl::StrCat("GET /", std::string(20000, 'a'))), 414);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n"), 417);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n"), 426);
  EXPECT_EQ(status_of(absl::StrCat("GET / HTTP/1.1\r\nX: ", std::string(70000, 'a'))), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x, chunked\r\n\r\n"), 501);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n"), 505);
}

// Gives `input` to the decoder byte by byte, without moving it, and returns how often its bytes
// were looked at.
uint64_t DripCost(const std::string& input, DecodeResult expected) {
  Requests r;
  const buffer::Slice all = buffer::Slice::Copy(input);
  DecodeResult result = DecodeResult::kNeedMore;
  buffer::Slice bytes;
  for (uint32_t i = 0; i < all.size() && result == DecodeResult::kNeedMore; ++i) {
    const uint32_t kept = bytes.size();
    bytes = all.Sub(i - kept, kept + 1);
    result = r.decoder.Decode(bytes);
  }
  EXPECT_EQ(result, expected);
  return r.decoder.bytes_examined();
}

constexpr uint64_t kMaxLooks = 4;

TEST(RequestDecoder, DrippedHeadOfOneLongFieldIsLinear) {
  const std::string input =
      absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\nX: ", std::string(60000, 'x'), "\r\n\r\n");
  const uint64_t cost = DripCost(input, DecodeResult::kMessageComplete);
  EXPECT_GE(cost, input.size());
  EXPECT_LE(cost, kMaxLooks * input.size());
}

TEST(RequestDecoder, DrippedHeadOfManyFieldsIsLinear) {
  std::string input = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) absl::StrAppend(&input, "X: ", std::string(500, 'x'), "\r\n");
  absl::StrAppend(&input, "\r\n");
  EXPECT_LE(DripCost(input, DecodeResult::kMessageComplete), kMaxLooks * input.size());
}

TEST(RequestDecoder, DrippedWrongLineIsLinear) {
  const std::string input =
      absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\nX\x01", std::string(60000, 'x'), "\r\n");
  EXPECT_LE(DripCost(input, DecodeResult::kError), kMaxLooks * input.size());
}

TEST(RequestDecoder, DrippedTargetIsLinear) {
  const std::string input =
      absl::StrCat("GET /", std::string(16000, 'x'), " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_LE(DripCost(input, DecodeResult::kMessageComplete), kMaxLooks * input.size());
}

TEST(RequestDecoder, DrippedChunksAreLinear) {
  std::string input = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 80; ++i) absl::StrAppend(&input, "1;", std::string(180, 'x'), "\r\na\r\n");
  absl::StrAppend(&input, "0\r\nX: ", std::string(8000, 'x'), "\r\n\r\n");
  EXPECT_LE(DripCost(input, DecodeResult::kMessageComplete), kMaxLooks * input.size());
}

TEST(ResponseDecoder, ExpectsOneResponseAtATime) {
  const ResponseDecoderOptions options;
  ResponseRecorder recorder;
  ResponseDecoder decoder(options, recorder);
  EXPECT_FALSE(decoder.Expecting());
  EXPECT_EQ(decoder.OnEof(), DecodeResult::kNeedMore);
  decoder.Expect(http::Method::kGet, false);
  EXPECT_TRUE(decoder.Expecting());
  buffer::Slice bytes = buffer::Slice::Copy("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(decoder.Decode(bytes), DecodeResult::kMessageComplete);
  EXPECT_FALSE(decoder.Expecting());
  EXPECT_FALSE(decoder.InMessage());
  decoder.Expect(http::Method::kHead, false);
  bytes = buffer::Slice::Copy("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(decoder.Decode(bytes), DecodeResult::kMessageComplete);
  bytes = buffer::Slice::Copy("H");
  EXPECT_EQ(decoder.Decode(bytes), DecodeResult::kError);
  EXPECT_EQ(decoder.error(), http::CodecError::kUnexpectedResponse);
}

}  // namespace
}  // namespace proxenos::http1
