// SharedBytes: a block of bytes that several threads read, without copies: each thread lends itself
// slices of it, whose counts are its own, and of the block only one atomic count is shared.
//
// Whoever makes a block writes it before others see it; published bytes never change.
// Owner: its references. Thread: any; a slice belongs to the thread that lent it.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/buffer/slab.h"

namespace proxenos::buffer {

class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(const SharedBytes& other) : block_(other.block_) {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() { Release(block_); }

  static SharedBytes WithCapacity(uint32_t capacity);

  char* data() const { return block_->data(); }
  uint32_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  // What the allocator gave for it.
  static uint64_t MemoryOf(uint32_t capacity) { return sizeof(Block) + capacity; }

  // A slice of [offset, offset + size) for this thread. REQUIRES: size > 0, within the block.
  Slice Lend(uint32_t offset, uint32_t size) const;

 private:
  struct Block {
    std::atomic<uint32_t> references;
    uint32_t capacity;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };
  struct Lent;
  static void Release(Block* block);
  static void ReleaseLent(Slab* slab);

  Block* block_ = nullptr;
};

}  // namespace proxenos::buffer
