// What makes encoders and decoders of gzip; the library is seen in gzip.cc alone.
#pragma once

#include <memory>

#include "source/compression/decoder.h"
#include "source/compression/encoder.h"

namespace proxenos::compression {

std::unique_ptr<Encoder> MakeGzipEncoder(const GzipSettings& settings);
std::unique_ptr<Decoder> MakeGzipDecoder(const GzipDecoding& settings);

}  // namespace proxenos::compression
