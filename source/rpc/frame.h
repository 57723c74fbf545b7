// The framing of gRPC messages inside of a body: one byte of flags, four of length, the message.
//
// Bytes come from a peer: a length above the limit is an error before anything is stored for it.
#pragma once

#include <cstdint>
#include <utility>

#include "source/buffer/buffer.h"

namespace proxenos::rpc {

inline constexpr uint32_t kFrameHeaderBytes = 5;
inline constexpr uint8_t kCompressedFlag = 0x01;
inline constexpr uint8_t kWebTrailersFlag = 0x80;  // gRPC-Web: the frame holds trailers.

// Appends the header of a frame of `length` bytes.
void AppendFrameHeader(uint8_t flags, uint32_t length, buffer::Buffer& out);
// Makes `message` one frame.
void PrependFrameHeader(uint8_t flags, buffer::Buffer& message);

// Thread: one. Used for a single body.
class FrameDecoder {
 public:
  enum class Result : uint8_t { kNeedMore, kFrame, kTooLarge };

  explicit FrameDecoder(uint32_t max_message_bytes) : limit_(max_message_bytes) {}

  // Takes bytes off the front of `in` until a frame is whole (flags() and TakeMessage() then tell
  // it) or `in` is empty. After kTooLarge nothing more is read.
  Result Next(buffer::Buffer& in);

  uint8_t flags() const { return header_[0]; }
  buffer::Buffer TakeMessage() { return std::move(message_); }
  // No frame has begun that is not whole: the body may end here.
  bool at_boundary() const { return header_size_ == 0; }

 private:
  uint32_t length() const;

  const uint32_t limit_;
  uint8_t header_[kFrameHeaderBytes] = {};
  uint8_t header_size_ = 0;  // 0 also after a whole frame.
  bool too_large_ = false;
  buffer::Buffer message_;
};

// Counts frames of a body that passes by, keeping none of it.
class FrameCounter {
 public:
  // How many frames begin in `body`.
  uint64_t Add(const buffer::Buffer& body);
  bool at_boundary() const { return header_size_ == 0 && left_ == 0; }

 private:
  uint8_t header_[kFrameHeaderBytes] = {};
  uint8_t header_size_ = 0;
  uint32_t left_ = 0;  // Of the message under way.
};

}  // namespace proxenos::rpc
