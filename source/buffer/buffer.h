// Buffer: a move-only queue of slices: bytes on their way, never copied to be moved along.
//
// Small pieces that are appended one after another by the same thread land side by side in the
// pool's current slab, so that what was written piecemeal leaves as one contiguous range.
// Thread: one.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "source/buffer/slab.h"

namespace proxenos::buffer {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Appends without copying, except for slices so small that a copy is cheaper than an iovec.
  void Append(Slice slice);
  // Appends a copy.
  void Append(absl::string_view bytes);
  // Moves all of `other` to the end; `other` is empty afterwards.
  void Append(Buffer&& other);
  // Moves the first `n` bytes of `other` to the end. REQUIRES: n <= other.size().
  void AppendFrom(Buffer& other, uint64_t n);

  // Contiguous room for exactly `n` bytes to be written at once and then committed: no other
  // Buffer of the thread may be written between the two. REQUIRES: n <= limits::kSlabBytes.
  char* Reserve(uint32_t n);
  void Commit(uint32_t n);

  // Drops the first `n` bytes. REQUIRES: n <= size().
  void Drain(uint64_t n);
  void Clear();

  // The first slice. REQUIRES: !empty().
  const Slice& front() const { return slices_[head_]; }
  Slice PopFront();
  // Slice `i` of slice_count(), for reading without consuming.
  size_t slice_count() const { return slices_.size() - head_; }
  const Slice& slice(size_t i) const { return slices_[head_ + i]; }

  // Fills up to `max` entries from the front; returns how many.
  int Gather(iovec* out, int max) const;

  // Slots in use, those of drained slices included; for tests.
  size_t slot_count() const { return slices_.size(); }
  // A copy of everything; for tests, logs and small things.
  std::string ToString() const;

 private:
  void PushSlice(Slice slice);
  void ForgetDrained();

  absl::InlinedVector<Slice, 2> slices_;
  uint32_t head_ = 0;  // Slices before it are drained.
  uint64_t size_ = 0;  // Sum of the sizes from head_ on.
};

}  // namespace proxenos::buffer
