// Content codings from strangers: whole and in pieces they must become the same, and never more
// than is allowed. And Accept-Encoding, whose choice must be one of the offers.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/compression/decoder.h"
#include "source/filters/http/compressor/negotiation.h"

namespace {

using proxenos::buffer::Buffer;
using proxenos::compression::Decoder;
using proxenos::compression::DecoderSettings;
using proxenos::compression::kDefaultChunk;
namespace compressor = proxenos::filters::compressor;

constexpr uint64_t kMost = 200'000;

// What the bytes become; `good` says whether they were taken whole.
std::string Decode(const DecoderSettings& settings, absl::string_view bytes, size_t piece,
                   bool* good) {
  auto decoder = proxenos::compression::MakeDecoder(settings);
  std::string text;
  *good = true;
  for (size_t at = 0; at < bytes.size() && *good; at += piece) {
    Buffer in, out;
    in.Append(bytes.substr(at, piece));
    *good = decoder->Decode(in, kMost - text.size(), out) == Decoder::Result::kTaken;
    text += out.ToString();
    CHECK(text.size() <= kMost + kDefaultChunk);
  }
  return text;
}

void CheckChoice(absl::string_view header) {
  const compressor::Offer offers[] = {{"gzip"}, {"br", true}, {"zstd"}};
  const compressor::Choice choice = compressor::Choose(&header, offers);
  const bool names = choice.reason == compressor::Reason::kCompressor ||
                     choice.reason == compressor::Reason::kWildcard;
  CHECK(names == (choice.offer < 3));
}

}  // namespace

// The first byte chooses the coding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckChoice(bytes);
  DecoderSettings settings = proxenos::compression::GzipDecoding();
  if (data[0] % 3 == 1) settings = proxenos::compression::BrotliDecoding();
  if (data[0] % 3 == 2) settings = proxenos::compression::ZstdDecoding();
  bool whole_good = false, pieces_good = false;
  const std::string whole = Decode(settings, bytes, bytes.size() + 1, &whole_good);
  const std::string pieces = Decode(settings, bytes, 7, &pieces_good);
  CHECK(whole_good == pieces_good);
  if (whole_good) CHECK(whole == pieces);
  return 0;
}
