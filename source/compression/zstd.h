// What makes encoders and decoders of zstd; the library is seen in zstd.cc alone.
#pragma once

#include <memory>

#include "source/compression/decoder.h"
#include "source/compression/encoder.h"

namespace proxenos::compression {

std::unique_ptr<Encoder> MakeZstdEncoder(const ZstdSettings& settings);
std::unique_ptr<Decoder> MakeZstdDecoder(const ZstdDecoding& settings);

}  // namespace proxenos::compression
