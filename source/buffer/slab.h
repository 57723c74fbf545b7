// Slab: one reference-counted block of bytes, and SlabPool, from which a worker's reads and writes
// take their memory.
//
// A read goes into a slab that the pool lends; what the reader keeps is a Slice of it, without a
// copy. When nobody kept anything the same (cache-warm) bytes are lent again; when slices were kept
// the next read goes behind them, so that many small messages share one slab and an idle connection
// holds none.
//
// Thread: a slab belongs to the thread that made it; counts are plain integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/base/check.h"

namespace proxenos::buffer {

class SlabPool;

// Bytes behind each slab's capacity that may be read (never written), so that a scanner may load
// whole vectors at the end of a slice.
inline constexpr uint32_t kReadablePadding = 64;

struct Slab {
  uint32_t references;
  uint32_t capacity;
  SlabPool* pool;  // Where it goes when the last reference does; nullptr: to the allocator.
  char* data() { return reinterpret_cast<char*>(this + 1); }
};

// Frees or pools a slab whose last reference went.
void ReleaseSlab(Slab* slab);

// A counted view of bytes in a slab. Bytes may be changed in place only by the codec that first
// sees them. Copying a Slice costs an increment.
class Slice {
 public:
  Slice() = default;
  Slice(Slab* slab, char* data, uint32_t size) : slab_(slab), data_(data), size_(size) {
    ++slab_->references;
  }
  Slice(const Slice& other) : slab_(other.slab_), data_(other.data_), size_(other.size_) {
    if (slab_ != nullptr) ++slab_->references;
  }
  Slice(Slice&& other) noexcept
      : slab_(std::exchange(other.slab_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Slice& operator=(Slice other) noexcept {
    std::swap(slab_, other.slab_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Slice() {
    if (slab_ != nullptr && --slab_->references == 0) ReleaseSlab(slab_);
  }

  // A copy of `bytes` in a slab of its own size.
  static Slice Copy(absl::string_view bytes);
  // An empty slice at the start of a private slab with room for `capacity` bytes.
  static Slice WithCapacity(uint32_t capacity);

  char* data() const { return data_; }
  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  absl::string_view view() const { return absl::string_view(data_, size_); }

  // The part [offset, offset + size), sharing the slab.
  Slice Sub(uint32_t offset, uint32_t size) const {
    DCHECK(offset + size <= size_);
    return Slice(slab_, data_ + offset, size);
  }
  void RemovePrefix(uint32_t n) {
    DCHECK(n <= size_);
    data_ += n;
    size_ -= n;
  }

  // Room behind the slice, which the holder of the only reference may write to and then Grow over.
  uint32_t TailRoom() const {
    if (slab_ == nullptr || slab_->references != 1) return 0;
    return static_cast<uint32_t>(slab_->data() + slab_->capacity - (data_ + size_));
  }
  void Grow(uint32_t n) { size_ += n; }

  // Bytes of memory that holding this slice keeps from being used otherwise.
  uint32_t slab_capacity() const { return slab_ == nullptr ? 0 : slab_->capacity; }

 private:
  Slab* slab_ = nullptr;
  char* data_ = nullptr;
  uint32_t size_ = 0;
};

// Owner: the thread (see ThisThread). Dies when: the thread ends, after all slices of it.
class SlabPool {
 public:
  SlabPool() = default;
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;
  ~SlabPool();

  // The pool of the calling thread: an allocator, not a registry.
  static SlabPool& ThisThread() {
    static thread_local SlabPool pool;
    return pool;
  }

  struct Room {
    char* data;
    uint32_t size;
  };
  // Room of at least `min` bytes to read into or to write to; valid until the next Lend.
  // REQUIRES: min <= limits::kSlabBytes.
  Room Lend(uint32_t min) {
    if (current_ != nullptr && current_->references == 1) used_ = 0;
    if (current_ == nullptr || current_->capacity - used_ < min) Renew(min);
    return Room{current_->data() + used_, current_->capacity - used_};
  }
  // The first `n` bytes of the room lent last, to keep.
  Slice Take(uint32_t n) {
    Slice slice(current_, current_->data() + used_, n);
    used_ += n;
    return slice;
  }
  // Extends `slice` in place by `n` bytes of the room lent last. REQUIRES: IsTail(slice).
  void Extend(Slice& slice, uint32_t n) {
    DCHECK(IsTail(slice));
    slice.Grow(n);
    used_ += n;
  }
  // Whether the room lent next starts right behind `slice`.
  bool IsTail(const Slice& slice) const {
    return current_ != nullptr && !slice.empty() &&
           slice.data() + slice.size() == current_->data() + used_;
  }

  // For tests and /memory: slabs in use or kept ready.
  uint32_t slabs() const { return slabs_; }

 private:
  friend void ReleaseSlab(Slab* slab);

  Slab* NewSlab();
  // Another slab becomes the current one.
  void Renew(uint32_t min);
  void Return(Slab* slab);

  Slab* current_ = nullptr;  // Holds one reference; bytes below used_ may be in slices.
  uint32_t used_ = 0;
  Slab* free_[16] = {};  // Kept ready; more than these go back to the allocator.
  uint32_t free_count_ = 0;
  uint32_t slabs_ = 0;
};

}  // namespace proxenos::buffer
