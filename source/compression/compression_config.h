// From the extensions of envoy.compression.compressor and .decompressor to settings. Each function
// returns nothing, with an error below `path`, when the message is wrong.
#pragma once

#include <optional>

#include "envoy/config/core/v3/extension.pb.h"
#include "source/compression/decoder.h"
#include "source/compression/encoder.h"
#include "source/config/errors.h"

namespace proxenos::compression {

std::optional<EncoderSettings> CompileEncoder(
    const envoy::config::core::v3::TypedExtensionConfig& library, const config::Path& path,
    config::Errors& errors);

struct DecoderLibrary {
  DecoderSettings settings;
  uint32_t max_ratio = 100;  // Of what a stream becomes to what came of it.
};
std::optional<DecoderLibrary> CompileDecoder(
    const envoy::config::core::v3::TypedExtensionConfig& library, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::compression
