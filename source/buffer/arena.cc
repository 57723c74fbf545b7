// Chunks of arenas and their per-thread free list.
#include "source/buffer/arena.h"

#include <cstdlib>

#include "source/base/check.h"

namespace proxenos::buffer {
namespace {

constexpr size_t kChunkBytes = 4096;
constexpr int kMaxFree = 256;  // 1 MiB a thread: what a burst leaves behind, not more.

struct FreeList {
  void* chunks[kMaxFree];
  int count = 0;
  ~FreeList() {
    while (count > 0) std::free(chunks[--count]);
  }
};

FreeList& ThisThreadsFreeList() {
  static thread_local FreeList list;
  return list;
}

}  // namespace

void* Arena::AllocateSlow(size_t bytes) {
  const size_t need = bytes + sizeof(Chunk);
  const size_t size = need > kChunkBytes ? need : kChunkBytes;
  FreeList& free_list = ThisThreadsFreeList();
  void* memory = size == kChunkBytes && free_list.count > 0 ? free_list.chunks[--free_list.count]
                                                            : std::malloc(size);
  CHECK(memory != nullptr);
  Chunk* chunk = static_cast<Chunk*>(memory);
  chunk->next = chunks_;
  chunk->size = size;
  chunks_ = chunk;
  footprint_ += size;
  char* data = reinterpret_cast<char*>(chunk + 1);
  if (size == kChunkBytes) {  // An oversized chunk is full at once: keep bumping the old one.
    next_ = data + bytes;
    end_ = static_cast<char*>(memory) + size;
  }
  return data;
}

void Arena::Reset() {
  FreeList& free_list = ThisThreadsFreeList();
  while (chunks_ != nullptr) {
    Chunk* chunk = chunks_;
    chunks_ = chunk->next;
    if (chunk->size == kChunkBytes && free_list.count < kMaxFree) {
      free_list.chunks[free_list.count++] = chunk;
    } else {
      std::free(chunk);
    }
  }
  next_ = end_ = nullptr;
  footprint_ = 0;
}

}  // namespace proxenos::buffer
