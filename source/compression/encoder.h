// Encoder: one stream of bytes made smaller, in a content coding of HTTP (RFC 9110, section 8.4.1).
//
// Owner: a filter, for as long as its message is under way: what it weighs (tens of KiB for gzip,
// up to some MiB for the others) is there while a message is compressed and not otherwise.
// Thread: the owner's.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"

namespace proxenos::compression {

enum class Coding : uint8_t { kGzip, kBrotli, kZstd };
absl::string_view NameOf(Coding coding);  // "gzip", "br", "zstd"

enum class Flush : uint8_t {
  kPiece,  // All that was given can be read at the other end.
  kEnd,    // Nothing follows.
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Takes all of `in`; what it becomes goes to the end of `out`. False: the library has failed
  // (there was no memory), and the stream cannot go on.
  virtual bool Encode(buffer::Buffer& in, Flush flush, buffer::Buffer& out) = 0;
};

// Bytes of output that are made at a time (chunk_size).
inline constexpr uint32_t kDefaultChunk = 4096;

struct GzipSettings {
  int level = 6;
  int memory_level = 5;
  int window_bits = 12;
  int strategy = 0;  // Of zlib.
  uint32_t chunk = kDefaultChunk;
};
struct BrotliSettings {
  uint32_t quality = 3;
  uint32_t mode = 0;  // Of brotli's encoder.
  uint32_t window_bits = 18;
  uint32_t block_bits = 18;
  bool plain_literals = false;  // No literal context modelling.
  uint32_t chunk = kDefaultChunk;
};
struct ZstdSettings {
  int level = 3;
  int strategy = 0;  // Of zstd; 0: the level's.
  bool checksum = false;
  uint32_t chunk = kDefaultChunk;
};
using EncoderSettings = std::variant<GzipSettings, BrotliSettings, ZstdSettings>;

Coding CodingOf(const EncoderSettings& settings);
std::unique_ptr<Encoder> MakeEncoder(const EncoderSettings& settings);

}  // namespace proxenos::compression
