// The slice queue.
#include "source/buffer/buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/limits.h"

namespace proxenos::buffer {
namespace {

// Below this a memcpy costs less than a further iovec in the kernel and keeps send() possible.
constexpr uint32_t kCopyBelow = 2048;

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : slices_(std::move(other.slices_)),
      head_(std::exchange(other.head_, 0)),
      size_(std::exchange(other.size_, 0)) {
  other.slices_.clear();
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  slices_ = std::move(other.slices_);
  other.slices_.clear();
  head_ = std::exchange(other.head_, 0);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void Buffer::PushSlice(Slice slice) {
  size_ += slice.size();
  slices_.push_back(std::move(slice));
}

void Buffer::Append(Slice slice) {
  if (slice.empty()) return;
  if (slice.size() < kCopyBelow && !empty() && SlabPool::ThisThread().IsTail(slices_.back())) {
    Append(slice.view());
    return;
  }
  PushSlice(std::move(slice));
}

void Buffer::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const uint32_t part =
        static_cast<uint32_t>(std::min<size_t>(bytes.size(), base::limits::kSlabBytes));
    std::memcpy(Reserve(part), bytes.data(), part);
    Commit(part);
    bytes.remove_prefix(part);
  }
}

void Buffer::Append(Buffer&& other) {
  if (empty()) {
    *this = std::move(other);
    return;
  }
  while (!other.empty()) Append(other.PopFront());
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

char* Buffer::Reserve(uint32_t n) { return SlabPool::ThisThread().Lend(n).data; }

void Buffer::Commit(uint32_t n) {
  SlabPool& pool = SlabPool::ThisThread();
  if (!empty() && pool.IsTail(slices_.back())) {
    pool.Extend(slices_.back(), n);
    size_ += n;
    return;
  }
  if (n > 0) PushSlice(pool.Take(n));
}

void Buffer::Drain(uint64_t n) {
  DCHECK(n <= size_);
  size_ -= n;
  while (n > 0) {
    Slice& first = slices_[head_];
    if (first.size() > n) {
      first.RemovePrefix(static_cast<uint32_t>(n));
      break;
    }
    n -= first.size();
    first = Slice();
    ++head_;
  }
  ForgetDrained();
}

// A queue that never runs empty must not keep the places of all that ever went through it.
void Buffer::ForgetDrained() {
  if (size_ == 0) {
    slices_.clear();
    head_ = 0;
  } else if (head_ > 32 && head_ * 2 > slices_.size()) {
    slices_.erase(slices_.begin(), slices_.begin() + head_);
    head_ = 0;
  }
}

void Buffer::Clear() {
  slices_.clear();
  head_ = 0;
  size_ = 0;
}

Slice Buffer::PopFront() {
  DCHECK(!empty());
  Slice first = std::move(slices_[head_]);
  size_ -= first.size();
  ++head_;
  ForgetDrained();
  return first;
}

int Buffer::Gather(iovec* out, int max) const {
  int n = 0;
  for (size_t i = head_; i < slices_.size() && n < max; ++i) {
    out[n].iov_base = slices_[i].data();
    out[n].iov_len = slices_[i].size();
    ++n;
  }
  return n;
}

std::string Buffer::ToString() const {
  std::string out;
  out.reserve(size_);
  for (size_t i = head_; i < slices_.size(); ++i) absl::StrAppend(&out, slices_[i].view());
  return out;
}

}  // namespace proxenos::buffer
