// The slice queue: what is not done in a few instructions.
#include "source/buffer/buffer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/limits.h"

namespace proxenos::buffer {

void Buffer::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const uint32_t part =
        static_cast<uint32_t>(std::min<size_t>(bytes.size(), base::limits::kSlabBytes));
    std::memcpy(Reserve(part), bytes.data(), part);
    Commit(part);
    bytes.remove_prefix(part);
  }
}

void Buffer::AppendFrom(Buffer& other, uint64_t n) {
  DCHECK(n <= other.size());
  while (n > 0) {
    if (other.front().size() <= n) {
      n -= other.front().size();
      Append(other.PopFront());
    } else {
      const uint32_t part = static_cast<uint32_t>(n);
      Append(other.front().Sub(0, part));
      other.Drain(part);
      n = 0;
    }
  }
}

// A queue that never runs empty must not keep the places of all that ever went through it: when
// half of them are free at the front, that is room enough.
void Buffer::MakeRoom() {
  Slice* const from = slots();
  const uint32_t count = tail_ - head_;
  Slice* to = from;
  if (head_ < capacity_ / 2) to = std::allocator<Slice>().allocate(size_t{2} * capacity_);
  // Forwards: where they overlap, each goes to a place that was left before.
  for (uint32_t i = 0; i < count; ++i) {
    Slice& slice = from[head_ + i];
    new (to + i) Slice(std::move(slice));
    slice.~Slice();
  }
  if (to != from) {
    if (capacity_ != kInlineSlots) std::allocator<Slice>().deallocate(from, capacity_);
    capacity_ *= 2;
    heap_ = to;
  }
  head_ = 0;
  tail_ = count;
}

void Buffer::ReleaseSlots() {
  Slice* const all = slots();
  std::destroy(all + head_, all + tail_);
  if (capacity_ == kInlineSlots) return;
  std::allocator<Slice>().deallocate(all, capacity_);
  capacity_ = kInlineSlots;
}

void Buffer::Clear() {
  Release();
  head_ = tail_ = 0;
  size_ = 0;
}

int Buffer::Gather(iovec* out, int max) const {
  int n = 0;
  for (uint32_t i = head_; i < tail_ && n < max; ++i) {
    const Slice& slice = slots()[i];
    out[n].iov_base = slice.data();
    out[n].iov_len = slice.size();
    ++n;
  }
  return n;
}

std::string Buffer::ToString() const {
  std::string out;
  out.reserve(size_);
  for (size_t i = 0; i < slice_count(); ++i) absl::StrAppend(&out, slice(i).view());
  return out;
}

}  // namespace proxenos::buffer
