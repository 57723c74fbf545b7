// What makes encoders and decoders of brotli; the library is seen in brotli.cc alone.
#pragma once

#include <memory>

#include "source/compression/decoder.h"
#include "source/compression/encoder.h"

namespace proxenos::compression {

std::unique_ptr<Encoder> MakeBrotliEncoder(const BrotliSettings& settings);
std::unique_ptr<Decoder> MakeBrotliDecoder(const BrotliDecoding& settings);

}  // namespace proxenos::compression
