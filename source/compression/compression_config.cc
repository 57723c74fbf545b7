// Library by library.
#include "source/compression/compression_config.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/compression/brotli/compressor/v3/brotli.pb.h"
#include "envoy/extensions/compression/brotli/decompressor/v3/brotli.pb.h"
#include "envoy/extensions/compression/gzip/compressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/gzip/decompressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/zstd/compressor/v3/zstd.pb.h"
#include "envoy/extensions/compression/zstd/decompressor/v3/zstd.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::compression {
namespace {

namespace api = envoy::extensions::compression;
using Library = envoy::config::core::v3::TypedExtensionConfig;

template <typename Proto>
uint32_t ChunkOf(const Proto& proto) {
  return proto.has_chunk_size() ? proto.chunk_size().value() : kDefaultChunk;
}

GzipSettings Settings(const api::gzip::compressor::v3::Gzip& proto) {
  GzipSettings settings;
  // Both enumerations have zlib's own numbers, but for the default level.
  if (proto.compression_level() != 0) settings.level = proto.compression_level();
  settings.strategy = proto.compression_strategy();
  if (proto.has_memory_level()) {
    settings.memory_level = static_cast<int>(proto.memory_level().value());
  }
  if (proto.has_window_bits()) settings.window_bits = static_cast<int>(proto.window_bits().value());
  settings.chunk = ChunkOf(proto);
  return settings;
}

BrotliSettings Settings(const api::brotli::compressor::v3::Brotli& proto) {
  using Proto = api::brotli::compressor::v3::Brotli;
  BrotliSettings settings;
  if (proto.has_quality()) settings.quality = proto.quality().value();
  // The library's modes: generic, text, font.
  if (proto.encoder_mode() == Proto::TEXT) settings.mode = 1;
  if (proto.encoder_mode() == Proto::FONT) settings.mode = 2;
  if (proto.has_window_bits()) settings.window_bits = proto.window_bits().value();
  settings.block_bits =
      proto.has_input_block_bits() ? proto.input_block_bits().value() : settings.window_bits;
  settings.plain_literals = proto.disable_literal_context_modeling();
  settings.chunk = ChunkOf(proto);
  return settings;
}

ZstdSettings Settings(const api::zstd::compressor::v3::Zstd& proto) {
  ZstdSettings settings;
  constexpr uint32_t kHighestLevel = 22;
  if (proto.compression_level().value() != 0) {
    settings.level = static_cast<int>(std::min(proto.compression_level().value(), kHighestLevel));
  }
  settings.strategy = proto.strategy();
  settings.checksum = proto.enable_checksum();
  settings.chunk = ChunkOf(proto);
  return settings;
}

void Unknown(const std::string& type, const config::Path& path, config::Errors& errors) {
  errors.Add(path, absl::StrCat("'", type, "' is not a library that proxenos knows: write gzip, ",
                                "brotli or zstd of envoy.extensions.compression"));
}

}  // namespace

std::optional<EncoderSettings> CompileEncoder(const Library& library, const config::Path& path,
                                              config::Errors& errors) {
  const config::Path at = path.Field("typed_config");
  const auto& any = library.typed_config();
  const std::string type = config::TypedConfigType(any);
  api::gzip::compressor::v3::Gzip gzip;
  api::brotli::compressor::v3::Brotli brotli;
  api::zstd::compressor::v3::Zstd zstd;
  if (type == gzip.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(any, gzip, at, errors)) return std::nullopt;
    return Settings(gzip);
  }
  if (type == brotli.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(any, brotli, at, errors)) return std::nullopt;
    return Settings(brotli);
  }
  if (type == zstd.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(any, zstd, at, errors)) return std::nullopt;
    return Settings(zstd);
  }
  Unknown(type, at, errors);
  return std::nullopt;
}

std::optional<DecoderLibrary> CompileDecoder(const Library& library, const config::Path& path,
                                             config::Errors& errors) {
  const config::Path at = path.Field("typed_config");
  const auto& any = library.typed_config();
  const std::string type = config::TypedConfigType(any);
  DecoderLibrary compiled;
  api::gzip::decompressor::v3::Gzip gzip;
  api::brotli::decompressor::v3::Brotli brotli;
  api::zstd::decompressor::v3::Zstd zstd;
  if (type == gzip.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(any, gzip, at, errors)) return std::nullopt;
    GzipDecoding settings;
    if (gzip.has_window_bits()) settings.window_bits = static_cast<int>(gzip.window_bits().value());
    settings.chunk = ChunkOf(gzip);
    compiled.settings = settings;
    if (gzip.has_max_inflate_ratio()) compiled.max_ratio = gzip.max_inflate_ratio().value();
    return compiled;
  }
  if (type == brotli.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(any, brotli, at, errors)) return std::nullopt;
    compiled.settings = BrotliDecoding{brotli.disable_ring_buffer_reallocation(), ChunkOf(brotli)};
    return compiled;
  }
  if (type == zstd.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(any, zstd, at, errors)) return std::nullopt;
    compiled.settings = ZstdDecoding{ChunkOf(zstd)};
    return compiled;
  }
  Unknown(type, at, errors);
  return std::nullopt;
}

}  // namespace proxenos::compression
