// Body: the bytes of a stored response, in blocks that all workers serve from without a copy; and
// BodyBuilder, which puts them together while they come.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/buffer/shared_bytes.h"

namespace proxenos::cache {

// Published bytes never change, so that a copy of it is a view of what there was then.
// Thread: any, each with a copy of its own or a const one.
class Body {
 public:
  uint64_t size() const { return size_; }
  // What its blocks take.
  uint64_t memory() const { return memory_; }
  // Appends slices of [first, first + count) for this thread. REQUIRES: within size().
  void AppendTo(buffer::Buffer& out, uint64_t first, uint64_t count) const;

 private:
  friend class BodyBuilder;
  struct Block {
    buffer::SharedBytes bytes;
    uint64_t start;  // In the body.
    uint32_t used;
  };
  std::vector<Block> blocks_;
  uint64_t size_ = 0;
  uint64_t memory_ = 0;
};

// Thread: one.
class BodyBuilder {
 public:
  // `length`: how much will come, where it is known: then one block of that size holds it, or
  // several of kBlockBytes.
  explicit BodyBuilder(std::optional<uint64_t> length) : length_(length) {}

  void Append(absl::string_view bytes);
  const Body& body() const { return body_; }

 private:
  static constexpr uint32_t kBlockBytes = 256 * 1024;
  static constexpr uint32_t kFirstBlockBytes = 4 * 1024;
  uint32_t NextBlock() const;

  const std::optional<uint64_t> length_;
  Body body_;
};

}  // namespace proxenos::cache
