// Blocks of bodies.
#include "source/cache/body.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/base/check.h"

namespace proxenos::cache {

void Body::AppendTo(buffer::Buffer& out, uint64_t first, uint64_t count) const {
  DCHECK(first <= size_ && count <= size_ - first);
  auto block = std::upper_bound(blocks_.begin(), blocks_.end(), first,
                                [](uint64_t at, const Block& b) { return at < b.start; });
  while (count > 0) {
    const Block& from = *(block - 1);
    const uint32_t offset = static_cast<uint32_t>(first - from.start);
    const uint32_t size = static_cast<uint32_t>(std::min<uint64_t>(count, from.used - offset));
    out.Append(from.bytes.Lend(offset, size));
    first += size;
    count -= size;
    ++block;
  }
}

uint32_t BodyBuilder::NextBlock() const {
  if (length_ && *length_ > body_.size_) {
    return static_cast<uint32_t>(std::min<uint64_t>(*length_ - body_.size_, kBlockBytes));
  }
  if (body_.blocks_.empty()) return kFirstBlockBytes;
  return std::min(body_.blocks_.back().bytes.capacity() * 2, kBlockBytes);
}

void BodyBuilder::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (body_.blocks_.empty() ||
        body_.blocks_.back().used == body_.blocks_.back().bytes.capacity()) {
      const uint32_t capacity = NextBlock();
      body_.blocks_.push_back(
          Body::Block{buffer::SharedBytes::WithCapacity(capacity), body_.size_, 0});
      body_.memory_ += buffer::SharedBytes::MemoryOf(capacity);
    }
    Body::Block& block = body_.blocks_.back();
    const uint32_t size = static_cast<uint32_t>(
        std::min<uint64_t>(bytes.size(), block.bytes.capacity() - block.used));
    std::memcpy(block.bytes.data() + block.used, bytes.data(), size);
    block.used += size;
    body_.size_ += size;
    bytes.remove_prefix(size);
  }
}

}  // namespace proxenos::cache
