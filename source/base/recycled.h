// Recycled: the base of a class whose objects come and go with every request. The memory of those
// that went is kept for the next of the class on the same thread: it is at hand without a search,
// and warm. (malloc has no fast way for blocks of more than a kilobyte.)
//
//   class Stream final : public base::Recycled<Stream> { ... };
//
// Under a sanitizer nothing is kept, so that it sees uses after death.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace proxenos::base {

template <typename T>
class Recycled {
 public:
  static void* operator new(size_t size) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    Kept& kept = ThisThread();
    if (kept.first == nullptr || size != sizeof(T)) return ::operator new(size);
    Block* const block = kept.first;
    kept.first = block->next;
    --kept.count;
    return block;
  }

  static void operator delete(void* memory, size_t size) {
    Kept& kept = ThisThread();
    if (kept.count >= kMost || size != sizeof(T)) {
      ::operator delete(memory);
      return;
    }
    kept.first = new (memory) Block{kept.first};
    ++kept.count;
  }

  // How many blocks the calling thread keeps; for tests.
  static size_t kept() { return ThisThread().count; }

 protected:
  ~Recycled() = default;

 private:
#if defined(PROXENOS_ASAN) || defined(PROXENOS_TSAN)
  static constexpr size_t kMost = 0;
#else
  static constexpr size_t kMost = 256;  // What a burst leaves behind, not more.
#endif

  struct Block {
    Block* next;
  };
  struct Kept {
    ~Kept() {
      while (first != nullptr) ::operator delete(std::exchange(first, first->next));
    }
    Block* first = nullptr;
    size_t count = 0;
  };
  static Kept& ThisThread() {
    static thread_local Kept kept;
    return kept;
  }
};

}  // namespace proxenos::base
