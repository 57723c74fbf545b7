// Free lists by size, and operator new and delete that look there first.
#include "source/waf/pool_memory.h"

#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#include "source/base/check.h"

namespace proxenos::waf {
namespace {

constexpr size_t kStep = 16;
constexpr size_t kMaxBlock = 1024;

struct Block {
  Block* next;
};

struct Kept {
  Block* free[kMaxBlock / kStep] = {};  // By size: up to 16 bytes, up to 32, and so on.
  size_t bytes = 0;
};

// Without a constructor to run: operator new may be called before any.
constinit thread_local Kept* kept = nullptr;

}  // namespace

PoolMemory::PoolMemory() {
  CHECK(kept == nullptr);
  kept = static_cast<Kept*>(calloc(1, sizeof(Kept)));
}

PoolMemory::~PoolMemory() {
  Kept* const mine = kept;
  kept = nullptr;
  if (mine == nullptr) return;
  for (Block* block : mine->free) {
    while (block != nullptr) {
      Block* const next = block->next;
      free(block);
      block = next;
    }
  }
  free(mine);
}

size_t PoolMemory::kept_bytes() { return kept == nullptr ? 0 : kept->bytes; }

// Sanitizers have their own.
#if !defined(PROXENOS_ASAN) && !defined(PROXENOS_TSAN)

namespace {

size_t ClassOf(size_t size) { return size == 0 ? 0 : (size - 1) / kStep; }

void* Take(size_t size) {
  Kept* const mine = kept;
  if (mine == nullptr || size > kMaxBlock) [[likely]] {
    return malloc(size == 0 ? 1 : size);
  }
  Block*& list = mine->free[ClassOf(size)];
  Block* const block = list;
  // A new one has the size of its class, so that it is found again.
  if (block == nullptr) return malloc((ClassOf(size) + 1) * kStep);
  list = block->next;
  mine->bytes -= (ClassOf(size) + 1) * kStep;
  return block;
}

void Leave(void* memory) noexcept {
  Kept* const mine = kept;
  if (mine == nullptr || memory == nullptr) [[likely]] {
    return free(memory);
  }
  // At least what was asked for; the class whose blocks are all that large.
  const size_t usable = malloc_usable_size(memory) / kStep * kStep;
  if (usable < kStep || usable > kMaxBlock || mine->bytes + usable > PoolMemory::kMaxKeptBytes) {
    return free(memory);
  }
  auto* const block = static_cast<Block*>(memory);
  Block*& list = mine->free[ClassOf(usable)];
  block->next = list;
  list = block;
  mine->bytes += usable;
}

}  // namespace

#endif

}  // namespace proxenos::waf

#if !defined(PROXENOS_ASAN) && !defined(PROXENOS_TSAN)

// The other forms (arrays, sizes, without exceptions) are made of these two; those with an
// alignment are not, and keep to themselves.
void* operator new(size_t size) {
  void* const memory = proxenos::waf::Take(size);
  CHECK(memory != nullptr);
  return memory;
}

void operator delete(void* memory) noexcept { proxenos::waf::Leave(memory); }
void operator delete(void* memory, size_t) noexcept { proxenos::waf::Leave(memory); }

#endif
