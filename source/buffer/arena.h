// Arena: memory of one stream: bump allocation, freed all at once when the stream ends.
//
// Holds what filters add or change in a message: a header costs a copy of its bytes and no
// allocation of its own. Nothing in it is destroyed: trivially destructible things only.
// Thread: one (chunks come from a per-thread free list).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace proxenos::buffer {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { Reset(); }

  // Uninitialised memory, aligned to 8.
  void* Allocate(size_t bytes) {
    // The room left is a multiple of 8, so what fits in it still fits once rounded up.
    const size_t rounded = (bytes + 7) & ~size_t{7};
    if (static_cast<size_t>(end_ - next_) < bytes) return AllocateSlow(rounded);
    void* result = next_;
    next_ += rounded;
    return result;
  }

  template <typename T>
  T* AllocateArray(size_t n) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(Allocate(n * sizeof(T)));
  }

  absl::string_view Copy(absl::string_view bytes) {
    if (bytes.empty()) return absl::string_view();
    char* copy = static_cast<char*>(Allocate(bytes.size()));
    std::memcpy(copy, bytes.data(), bytes.size());
    return absl::string_view(copy, bytes.size());
  }

  // Frees everything.
  void Reset();

  // Bytes taken from the allocator so far.
  size_t footprint() const { return footprint_; }

 private:
  struct Chunk {
    Chunk* next;
    size_t size;  // With this header.
  };
  void* AllocateSlow(size_t bytes);

  char* next_ = nullptr;
  char* end_ = nullptr;
  Chunk* chunks_ = nullptr;
  size_t footprint_ = 0;
};

}  // namespace proxenos::buffer
