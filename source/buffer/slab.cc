// Allocation and lending of slabs.
#include "source/buffer/slab.h"

#include <cstdlib>
#include <cstring>

#include "source/base/limits.h"

namespace proxenos::buffer {
namespace {

using base::limits::kSlabBytes;

Slab* Allocate(uint32_t capacity, SlabPool* pool) {
  void* memory = std::malloc(sizeof(Slab) + capacity + kReadablePadding);
  CHECK(memory != nullptr);
  Slab* slab = static_cast<Slab*>(memory);
  slab->references = 0;
  slab->capacity = capacity;
  slab->pool = pool;
  return slab;
}

}  // namespace

void ReleaseSlab(Slab* slab) {
  if (slab->pool == nullptr) {
    std::free(slab);
  } else if (slab->pool == reinterpret_cast<SlabPool*>(slab)) {
    // It stands for bytes elsewhere (shared_bytes.h): what frees it lies behind its header.
    using Release = void (*)(Slab*);
    (*reinterpret_cast<Release*>(slab->data()))(slab);
  } else {
    slab->pool->Return(slab);
  }
}

Slice Slice::Copy(absl::string_view bytes) {
  Slice slice = WithCapacity(static_cast<uint32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(slice.data_, bytes.data(), bytes.size());
  slice.size_ = static_cast<uint32_t>(bytes.size());
  return slice;
}

Slice Slice::WithCapacity(uint32_t capacity) {
  Slab* slab = Allocate(capacity, nullptr);
  return Slice(slab, slab->data(), 0);
}

SlabPool::~SlabPool() {
  if (current_ != nullptr) {
    current_->pool = nullptr;
    if (--current_->references == 0) ReleaseSlab(current_);
  }
  for (uint32_t i = 0; i < free_count_; ++i) std::free(free_[i]);
}

Slab* SlabPool::NewSlab() {
  if (free_count_ > 0) return free_[--free_count_];
  ++slabs_;
  return Allocate(kSlabBytes, this);
}

void SlabPool::Return(Slab* slab) {
  if (free_count_ < sizeof(free_) / sizeof(free_[0])) {
    free_[free_count_++] = slab;
    return;
  }
  --slabs_;
  std::free(slab);
}

void SlabPool::Renew(uint32_t min) {
  DCHECK(min <= kSlabBytes);
  if (current_ != nullptr) --current_->references;  // Slices hold the rest.
  current_ = NewSlab();
  current_->references = 1;
  used_ = 0;
}

}  // namespace proxenos::buffer
