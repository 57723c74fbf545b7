// PoolMemory: memory for threads that inspect. libmodsecurity spends half of its time in malloc and
// free of small blocks, hundreds of thousands for a large form; a thread that has this keeps what
// it frees, by size, and takes it again, without a lock or a walk.
//
// The program's operator new and delete are replaced for it: to threads without PoolMemory they are
// malloc and free. Blocks may be freed by another thread than made them.
#pragma once

#include <cstddef>

namespace proxenos::waf {

// Owner: the thread, for as long as it inspects. Thread: its own.
class PoolMemory {
 public:
  // What a thread keeps at most.
  static constexpr size_t kMaxKeptBytes = size_t{16} << 20;

  // REQUIRES: the thread has none.
  PoolMemory();
  PoolMemory(const PoolMemory&) = delete;
  PoolMemory& operator=(const PoolMemory&) = delete;
  // Gives back what is kept.
  ~PoolMemory();

  // What this thread keeps now; for tests.
  static size_t kept_bytes();
};

}  // namespace proxenos::waf
