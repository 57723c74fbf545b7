// Requests from a hostile client. The first byte chooses options, the rest is the conversation.
//
// Invariants: how the input is cut never changes what is said of it; and a head that was accepted,
// encoded and decoded again is the same head, so that the origin sees what the filters saw.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/http1/decoder.h"
#include "source/http1/encoder.h"
#include "test/http1/recorder.h"
#include "test/http1/replay.h"

namespace proxenos::http1 {
namespace {

constexpr size_t kMaxMovedBytes = 1024;

RequestDecoderOptions Options(uint8_t choice) {
  RequestDecoderOptions options;
  options.accept_http_10 = (choice & 1) != 0;
  options.enable_trailers = (choice & 2) != 0;
  if ((choice & 4) != 0) {
    options.max_head_bytes = 200;
    options.max_target_bytes = 30;
    options.max_headers = 5;
    options.max_trailer_bytes = 40;
  }
  options.underscores = (choice & 8) != 0    ? Underscores::kRejectRequest
                        : (choice & 16) != 0 ? Underscores::kDropHeader
                                             : Underscores::kAllow;
  options.allow_upgrade = (choice & 32) == 0;
  return options;
}

// What of a head must survive its way through the encoder.
std::string Essence(const http::RequestHead& head) {
  std::string text =
      absl::StrCat(head.method_text, " ", head.path, " ", head.authority, " ", head.upgrade, "\n");
  const http::Framing::Kind kind = head.framing.kind;
  if (kind == http::Framing::kChunked) absl::StrAppend(&text, "chunked\n");
  if (kind == http::Framing::kTunnel) absl::StrAppend(&text, "tunnel\n");
  absl::StrAppend(&text, head.framing.length, "\n");
  for (const http::Header& header : head.headers) {
    if (header.id == http::HeaderId::kContentLength) continue;
    absl::StrAppend(&text, header.name(), ": ", header.value(), "\n");
  }
  return text;
}

void CheckRoundTrip(absl::string_view input, const RequestDecoderOptions& options,
                    http::NameStyle names) {
  RequestRecorder first;
  first.names = names;
  RequestDecoder decoder(options, first);
  buffer::Slice bytes = buffer::Slice::Copy(input);
  decoder.Decode(bytes);
  // Without an authority (HTTP/1.0) there is nothing that could be forwarded.
  if (first.head_bytes.empty() || first.head().authority.empty()) return;
  buffer::Buffer encoded;
  EncodeRequestHead(first.head(), encoded, {names});

  RequestRecorder second;
  const RequestDecoderOptions plain;
  RequestDecoder again(plain, second);
  buffer::Slice copy = buffer::Slice::Copy(encoded.ToString());
  again.Decode(copy);
  CHECK(again.error() == http::CodecError::kNone && !second.head_bytes.empty());
  CHECK(Essence(first.head()) == Essence(second.head()));
}

}  // namespace
}  // namespace proxenos::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos::http1;
  if (size == 0) return 0;
  const RequestDecoderOptions options = Options(data[0]);
  const auto names = static_cast<proxenos::http::NameStyle>(data[0] >> 6);
  const absl::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = ReplayRequests(input, options, Cut::Whole(), names);
  CHECK(ReplayRequests(input, options, Cut::ByteByByte(size < kMaxMovedBytes), names) == whole);
  const uint32_t seed = static_cast<uint32_t>(size) * 31 + data[0] + data[size - 1] * 257u;
  CHECK(ReplayRequests(input, options, Cut::Random(seed, 20), names) == whole);
  CheckRoundTrip(input, options, names);
  return 0;
}
