// Decoder: one stream of bytes made large again. What comes is hostile: a call makes no more than
// its caller allows.
//
// Owner: a filter, for as long as its message is under way. Thread: the owner's.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "source/buffer/buffer.h"
#include "source/compression/encoder.h"

namespace proxenos::compression {

class Decoder {
 public:
  enum class Result : uint8_t {
    kTaken,    // All of `in`.
    kBroken,   // It is not in this coding, or something follows its end.
    kTooMuch,  // It makes more than was allowed.
  };

  virtual ~Decoder() = default;
  // Takes all of `in`; what it becomes, `most` bytes of it at most, goes to the end of `out`. After
  // anything but kTaken the stream cannot go on.
  virtual Result Decode(buffer::Buffer& in, uint64_t most, buffer::Buffer& out) = 0;
  // Whether what has come is whole; nothing at all is not.
  virtual bool complete() const = 0;
};

struct GzipDecoding {
  int window_bits = 15;
  uint32_t chunk = kDefaultChunk;
};
struct BrotliDecoding {
  bool whole_ring = false;  // disable_ring_buffer_reallocation
  uint32_t chunk = kDefaultChunk;
};
struct ZstdDecoding {
  uint32_t chunk = kDefaultChunk;
};
using DecoderSettings = std::variant<GzipDecoding, BrotliDecoding, ZstdDecoding>;

Coding CodingOf(const DecoderSettings& settings);
std::unique_ptr<Decoder> MakeDecoder(const DecoderSettings& settings);

}  // namespace proxenos::compression
