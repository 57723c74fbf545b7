// gRPC frames and base64 of gRPC-Web: bytes of a peer, in pieces. Whole and in pieces must mean the
// same, nothing above the limit may be kept, and the counter must agree with the decoder.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "source/base/check.h"
#include "source/filters/http/grpc_web/base64_stream.h"
#include "source/rpc/frame.h"

namespace {

using proxenos::buffer::Buffer;
using proxenos::filters::grpc_web::Base64Decoder;
using proxenos::filters::grpc_web::Base64Encoder;
using proxenos::rpc::FrameCounter;
using proxenos::rpc::FrameDecoder;

constexpr uint32_t kLimit = 1000;

struct Outcome {
  std::vector<std::string> messages;
  bool too_large = false;
  uint64_t counted = 0;
};

Outcome Decode(absl::string_view bytes, size_t piece) {
  Outcome outcome;
  FrameDecoder decoder(kLimit);
  FrameCounter counter;
  for (size_t at = 0; at < bytes.size() && !outcome.too_large; at += piece) {
    Buffer in;
    in.Append(bytes.substr(at, piece));
    outcome.counted += counter.Add(in);
    FrameDecoder::Result result;
    while ((result = decoder.Next(in)) == FrameDecoder::Result::kFrame) {
      outcome.messages.push_back(decoder.TakeMessage().ToString());
      CHECK(outcome.messages.back().size() <= kLimit);
    }
    outcome.too_large = result == FrameDecoder::Result::kTooLarge;
    if (!outcome.too_large) CHECK(in.empty());
  }
  CHECK(outcome.counted >= outcome.messages.size());
  return outcome;
}

// Nothing when it is no base64.
std::string Unescape(absl::string_view text, size_t piece, bool* good) {
  Base64Decoder decoder;
  std::string out;
  *good = true;
  for (size_t at = 0; at < text.size() && *good; at += piece) {
    Buffer in;
    in.Append(text.substr(at, piece));
    *good = decoder.Decode(in);
    if (*good) out += in.ToString();
  }
  *good = *good && decoder.complete();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0] % 16;
  const absl::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const Outcome whole = Decode(bytes, size);
  const Outcome pieces = Decode(bytes, piece);
  CHECK(whole.messages == pieces.messages);
  CHECK(whole.too_large == pieces.too_large);

  bool good = false;
  bool good_in_pieces = false;
  const std::string decoded = Unescape(bytes, size, &good);
  const std::string again = Unescape(bytes, piece, &good_in_pieces);
  CHECK(good == good_in_pieces);
  if (good) CHECK(decoded == again);

  Base64Encoder encoder;
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    Buffer in;
    in.Append(bytes.substr(at, piece));
    encoder.Encode(in, at + piece >= bytes.size());
    text += in.ToString();
  }
  CHECK(Unescape(text, piece, &good) == bytes);
  CHECK(good);
  return 0;
}
