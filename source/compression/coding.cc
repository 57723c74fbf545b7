// The three codings by their settings.
#include "source/compression/brotli.h"
#include "source/compression/decoder.h"
#include "source/compression/encoder.h"
#include "source/compression/gzip.h"
#include "source/compression/zstd.h"

namespace proxenos::compression {
namespace {

struct EncoderMaker {
  std::unique_ptr<Encoder> operator()(const GzipSettings& of) const { return MakeGzipEncoder(of); }
  std::unique_ptr<Encoder> operator()(const BrotliSettings& of) const {
    return MakeBrotliEncoder(of);
  }
  std::unique_ptr<Encoder> operator()(const ZstdSettings& of) const { return MakeZstdEncoder(of); }
};

struct DecoderMaker {
  std::unique_ptr<Decoder> operator()(const GzipDecoding& of) const { return MakeGzipDecoder(of); }
  std::unique_ptr<Decoder> operator()(const BrotliDecoding& of) const {
    return MakeBrotliDecoder(of);
  }
  std::unique_ptr<Decoder> operator()(const ZstdDecoding& of) const { return MakeZstdDecoder(of); }
};

}  // namespace

absl::string_view NameOf(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kBrotli:
      return "br";
    case Coding::kZstd:
      break;
  }
  return "zstd";
}

// The alternatives stand in the order of the codings.
Coding CodingOf(const EncoderSettings& settings) { return static_cast<Coding>(settings.index()); }
Coding CodingOf(const DecoderSettings& settings) { return static_cast<Coding>(settings.index()); }

std::unique_ptr<Encoder> MakeEncoder(const EncoderSettings& settings) {
  return std::visit(EncoderMaker{}, settings);
}

std::unique_ptr<Decoder> MakeDecoder(const DecoderSettings& settings) {
  return std::visit(DecoderMaker{}, settings);
}

}  // namespace proxenos::compression
