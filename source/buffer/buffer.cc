// The slice queue: what is not done in a few instructions.
#include "source/buffer/buffer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/limits.h"

namespace proxenos::buffer {
namespace {

// From so many slabs on that are kept for the sake of a few bytes each, those are copied together.
constexpr uint32_t kManySlabs = 2;
// Slices that are copied with their neighbours then, whatever they keep.
constexpr uint32_t kSmallBytes = 1024;

bool Wastes(const Slice& slice) { return slice.slab_capacity() / 8 > slice.size(); }

// Of `slices` that waste theirs. Those that lie close together are taken to share one.
uint32_t WastedSlabs(const Slice* slices, uint32_t count) {
  uint32_t slabs = 0;
  uintptr_t last = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (!Wastes(slices[i])) continue;
    const auto at = reinterpret_cast<uintptr_t>(slices[i].data());
    const uintptr_t distance = at > last ? at - last : last - at;
    if (slabs > 0 && distance < base::limits::kSlabBytes) continue;
    ++slabs;
    last = at;
  }
  return slabs;
}

// Copies small neighbours into one block each; returns how many slices are left, at the front.
uint32_t CopyTogether(Slice* slices, uint32_t count) {
  const auto is_small = [](const Slice& slice) {
    return Wastes(slice) || slice.size() < kSmallBytes;
  };
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count;) {
    uint32_t bytes = 0;
    uint32_t end = i;
    while (end < count && is_small(slices[end])) bytes += slices[end++].size();
    if (end == i) {
      Slice large = std::move(slices[i++]);
      slices[kept++] = std::move(large);
      continue;
    }
    Slice together = Slice::WithCapacity(bytes);
    for (; i < end; ++i) {
      std::memcpy(together.data() + together.size(), slices[i].data(), slices[i].size());
      together.Grow(slices[i].size());
      slices[i] = Slice();
    }
    slices[kept++] = std::move(together);
  }
  return kept;
}

}  // namespace

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
// half of them are free at the front, that is room enough. Nor may bytes that come one by one, each
// into another slab that the bytes of others have filled meanwhile, keep all of these.
void Buffer::MakeRoom() {
  Slice* const from = slots();
  if (WastedSlabs(from + head_, tail_ - head_) >= kManySlabs) {
    const uint32_t kept = CopyTogether(from + head_, tail_ - head_);
    std::destroy(from + head_ + kept, from + tail_);
    tail_ = head_ + kept;
    if (tail_ < capacity_) return;
  }
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
