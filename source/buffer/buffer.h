// Buffer: a move-only queue of slices: bytes on their way, never copied to be moved along.
//
// Small pieces that are appended one after another by the same thread land side by side in the
// pool's current slab, so that what was written piecemeal leaves as one contiguous range.
// Thread: one.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/buffer/slab.h"

namespace proxenos::buffer {

// Its slices stand in slots: two inside of it, more in a block of their own. A message passes
// through half a dozen buffers, so what happens to few slices is short and inline.
class Buffer {
 public:
  Buffer() {}  // The slots are raw memory at first.
  Buffer(Buffer&& other) noexcept { TakeOver(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    Release();
    TakeOver(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { Release(); }

  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Appends without copying, except for slices so small that a copy is cheaper than an iovec.
  void Append(Slice slice) {
    if (slice.empty()) return;
    if (slice.size() < kCopyBelow && !empty() && SlabPool::ThisThread().IsTail(back())) {
      Append(slice.view());
      return;
    }
    PushSlice(std::move(slice));
  }
  // Appends a copy.
  void Append(absl::string_view bytes);
  // Moves all of `other` to the end; `other` is empty afterwards.
  void Append(Buffer&& other) {
    if (empty()) {
      *this = std::move(other);
      return;
    }
    while (!other.empty()) Append(other.PopFront());
  }
  // Moves the first `n` bytes of `other` to the end. REQUIRES: n <= other.size().
  void AppendFrom(Buffer& other, uint64_t n);

  // Contiguous room for exactly `n` bytes to be written at once and then committed: no other
  // Buffer of the thread may be written between the two. REQUIRES: n <= limits::kSlabBytes.
  char* Reserve(uint32_t n) { return SlabPool::ThisThread().Lend(n).data; }
  void Commit(uint32_t n) {
    SlabPool& pool = SlabPool::ThisThread();
    if (!empty() && pool.IsTail(back())) {
      pool.Extend(back(), n);
      size_ += n;
    } else if (n > 0) {
      PushSlice(pool.Take(n));
    }
  }

  // Drops the first `n` bytes. REQUIRES: n <= size().
  void Drain(uint64_t n) {
    DCHECK(n <= size_);
    size_ -= n;
    while (n > 0) {
      Slice& first = slots()[head_];
      if (first.size() > n) {
        first.RemovePrefix(static_cast<uint32_t>(n));
        return;
      }
      n -= first.size();
      first.~Slice();
      ++head_;
    }
    if (head_ == tail_) head_ = tail_ = 0;
  }
  void Clear();

  // The first slice. REQUIRES: !empty().
  const Slice& front() const { return slots()[head_]; }
  Slice PopFront() {
    DCHECK(!empty());
    Slice first = std::move(slots()[head_]);
    size_ -= first.size();
    if (++head_ == tail_) head_ = tail_ = 0;
    return first;
  }
  // Slice `i` of slice_count(), for reading without consuming.
  size_t slice_count() const { return tail_ - head_; }
  const Slice& slice(size_t i) const { return slots()[head_ + i]; }

  // Fills up to `max` entries from the front; returns how many.
  int Gather(iovec* out, int max) const;

  // Slots there is room for, in use or not; for tests.
  size_t slot_count() const { return capacity_; }
  // A copy of everything; for tests, logs and small things.
  std::string ToString() const;

 private:
  static constexpr uint32_t kInlineSlots = 2;
  // Below this a memcpy costs less than a further iovec in the kernel and keeps send() possible.
  static constexpr uint32_t kCopyBelow = 2048;

  Slice* slots() { return capacity_ == kInlineSlots ? inline_ : heap_; }
  const Slice* slots() const { return capacity_ == kInlineSlots ? inline_ : heap_; }
  Slice& back() { return slots()[tail_ - 1]; }

  void PushSlice(Slice slice) {
    if (tail_ == capacity_) MakeRoom();
    size_ += slice.size();
    new (slots() + tail_++) Slice(std::move(slice));
  }
  // Makes room for one more slice at the end.
  void MakeRoom();
  // Destroys the slices; what is left is raw, to be taken over into.
  void Release() {
    if (tail_ != head_ || capacity_ != kInlineSlots) ReleaseSlots();
  }
  void ReleaseSlots();
  // Becomes what `other` is, which is empty afterwards. REQUIRES: released.
  void TakeOver(Buffer& other) {
    head_ = std::exchange(other.head_, 0);
    tail_ = std::exchange(other.tail_, 0);
    size_ = std::exchange(other.size_, 0);
    capacity_ = other.capacity_;
    if (capacity_ != kInlineSlots) {
      heap_ = other.heap_;
      other.capacity_ = kInlineSlots;
      return;
    }
    for (uint32_t i = head_; i < tail_; ++i) new (inline_ + i) Slice(std::move(other.inline_[i]));
  }

  // Slots [head_, tail_) hold slices, all others are raw memory.
  uint32_t head_ = 0;
  uint32_t tail_ = 0;
  uint32_t capacity_ = kInlineSlots;
  uint64_t size_ = 0;  // Sum of the slices' sizes.
  union {
    Slice inline_[kInlineSlots];
    Slice* heap_;  // When capacity_ is more.
  };
};

}  // namespace proxenos::buffer
