// RecycledBySize: the base of a family of classes, of which every request makes some and drops
// them again, whichever its configuration names. The memory of those that went is kept, by size,
// for the next of the family on the same thread. (Recycled serves a single class.)
//
// Under a sanitizer nothing is kept, so that it sees uses after death.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace proxenos::base {

template <typename Family>
class RecycledBySize {
 public:
  static void* operator new(size_t size) {
    if (size > kLargest) [[unlikely]] {
      return ::operator new(size);
    }
    Kept& kept = ThisThread();
    Block*& first = kept.first[ListOf(size)];
    if (first == nullptr) return ::operator new(RoundedUp(size));
    Block* const block = first;
    first = block->next;
    kept.bytes -= RoundedUp(size);
    return block;
  }

  static void operator delete(void* memory, size_t size) {
    Kept& kept = ThisThread();
    if (size > kLargest || kept.bytes >= kMostBytes) [[unlikely]] {
      ::operator delete(memory);
      return;
    }
    Block*& first = kept.first[ListOf(size)];
    first = new (memory) Block{first};
    kept.bytes += RoundedUp(size);
  }

  // Bytes that the calling thread keeps; for tests.
  static size_t kept_bytes() { return ThisThread().bytes; }

 protected:
  ~RecycledBySize() = default;

 private:
  static constexpr size_t kStep = 64;
  static constexpr size_t kLargest = 2048;
#if defined(PROXENOS_ASAN) || defined(PROXENOS_TSAN)
  static constexpr size_t kMostBytes = 0;
#else
  static constexpr size_t kMostBytes = 512 * 1024;  // What a burst leaves behind, not more.
#endif

  struct Block {
    Block* next;
  };
  struct Kept {
    ~Kept() {
      for (Block* block : first) {
        while (block != nullptr) ::operator delete(std::exchange(block, block->next));
      }
      bytes = kMostBytes;  // Who dies after it is not kept.
    }
    Block* first[kLargest / kStep] = {};
    size_t bytes = 0;
  };

  static constexpr size_t ListOf(size_t size) { return (size - 1) / kStep; }
  static constexpr size_t RoundedUp(size_t size) { return (ListOf(size) + 1) * kStep; }

  static Kept& ThisThread() {
    static thread_local Kept kept;
    return kept;
  }
};

}  // namespace proxenos::base
