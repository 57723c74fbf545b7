// Length-prefixed messages (PROTOCOL-HTTP2.md of gRPC).
#include "source/rpc/frame.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace proxenos::rpc {
namespace {

uint32_t ReadLength(const uint8_t* header) {
  return static_cast<uint32_t>(header[1]) << 24 | static_cast<uint32_t>(header[2]) << 16 |
         static_cast<uint32_t>(header[3]) << 8 | header[4];
}

}  // namespace

void AppendFrameHeader(uint8_t flags, uint32_t length, buffer::Buffer& out) {
  const char header[kFrameHeaderBytes] = {
      static_cast<char>(flags), static_cast<char>(length >> 24), static_cast<char>(length >> 16),
      static_cast<char>(length >> 8), static_cast<char>(length)};
  out.Append(absl::string_view(header, sizeof(header)));
}

void PrependFrameHeader(uint8_t flags, buffer::Buffer& message) {
  buffer::Buffer framed;
  AppendFrameHeader(flags, static_cast<uint32_t>(message.size()), framed);
  framed.Append(std::move(message));
  message = std::move(framed);
}

uint32_t FrameDecoder::length() const { return ReadLength(header_); }

FrameDecoder::Result FrameDecoder::Next(buffer::Buffer& in) {
  if (too_large_) return Result::kTooLarge;
  while (header_size_ < kFrameHeaderBytes && !in.empty()) {
    const buffer::Slice& front = in.front();
    const uint32_t n = std::min<uint32_t>(front.size(), kFrameHeaderBytes - header_size_);
    std::memcpy(header_ + header_size_, front.data(), n);
    header_size_ = static_cast<uint8_t>(header_size_ + n);
    in.Drain(n);
    if (header_size_ == kFrameHeaderBytes) message_.Clear();
  }
  if (header_size_ < kFrameHeaderBytes) return Result::kNeedMore;
  if (length() > limit_) {
    too_large_ = true;
    return Result::kTooLarge;
  }
  message_.AppendFrom(in, std::min<uint64_t>(in.size(), length() - message_.size()));
  if (message_.size() < length()) return Result::kNeedMore;
  header_size_ = 0;
  return Result::kFrame;
}

uint64_t FrameCounter::Add(const buffer::Buffer& body) {
  uint64_t frames = 0;
  for (size_t i = 0; i < body.slice_count(); ++i) {
    const buffer::Slice& slice = body.slice(i);
    for (uint32_t at = 0; at < slice.size();) {
      if (left_ > 0) {
        const uint32_t n = std::min(left_, slice.size() - at);
        left_ -= n;
        at += n;
        continue;
      }
      if (header_size_ == 0) ++frames;
      const uint32_t n = std::min<uint32_t>(kFrameHeaderBytes - header_size_, slice.size() - at);
      std::memcpy(header_ + header_size_, slice.data() + at, n);
      header_size_ = static_cast<uint8_t>(header_size_ + n);
      at += n;
      if (header_size_ < kFrameHeaderBytes) continue;
      left_ = ReadLength(header_);
      header_size_ = 0;
    }
  }
  return frames;
}

}  // namespace proxenos::rpc
