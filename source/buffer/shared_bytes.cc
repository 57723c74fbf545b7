// Blocks, and the slabs that stand for them on each thread.
#include "source/buffer/shared_bytes.h"

#include <cstdlib>
#include <new>

#include "source/base/check.h"

namespace proxenos::buffer {

// A slab without bytes of its own: its pool is itself, and what frees it comes first behind its
// header (see ReleaseSlab).
struct SharedBytes::Lent {
  Slab slab;
  void (*release)(Slab*);
  Block* block;
};

SharedBytes SharedBytes::WithCapacity(uint32_t capacity) {
  void* memory = std::malloc(sizeof(Block) + capacity + kReadablePadding);
  CHECK(memory != nullptr);
  SharedBytes bytes;
  bytes.block_ = new (memory) Block{{1}, capacity};
  return bytes;
}

void SharedBytes::Release(Block* block) {
  if (block == nullptr || block->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  block->~Block();
  std::free(block);
}

Slice SharedBytes::Lend(uint32_t offset, uint32_t size) const {
  DCHECK(block_ != nullptr && size > 0 && uint64_t{offset} + size <= block_->capacity);
  void* memory = std::malloc(sizeof(Lent));
  CHECK(memory != nullptr);
  Lent* lent = static_cast<Lent*>(memory);
  lent->slab.references = 0;
  lent->slab.capacity = 0;
  lent->slab.pool = reinterpret_cast<SlabPool*>(&lent->slab);
  lent->release = &SharedBytes::ReleaseLent;
  lent->block = block_;
  static_assert(offsetof(Lent, release) == sizeof(Slab));
  block_->references.fetch_add(1, std::memory_order_relaxed);
  return Slice(&lent->slab, block_->data() + offset, size);
}

void SharedBytes::ReleaseLent(Slab* slab) {
  Lent* lent = reinterpret_cast<Lent*>(slab);
  Release(lent->block);
  std::free(lent);
}

}  // namespace proxenos::buffer
