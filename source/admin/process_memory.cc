// The allocator's own figures, and /proc/self/statm.
#include "source/admin/process_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstddef>
#include <cstdio>

// Of mimalloc, when the binary is linked with it; else null.
extern "C" __attribute__((weak)) void mi_process_info(size_t* elapsed_ms, size_t* user_ms,
                                                      size_t* system_ms, size_t* current_rss,
                                                      size_t* peak_rss, size_t* current_commit,
                                                      size_t* peak_commit, size_t* page_faults);

extern "C" __attribute__((weak)) void mi_collect(bool force);

// Of a sanitizer, whose allocator mallinfo2 does not see; else null.
extern "C" __attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes();
extern "C" __attribute__((weak)) size_t __sanitizer_get_heap_size();

namespace proxenos::admin {
namespace {

// Resident bytes; 0 where the kernel does not tell.
uint64_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  uint64_t size = 0;
  uint64_t resident = 0;
  const int fields = std::fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

ProcessMemory ReadProcessMemory() {
  ProcessMemory memory;
  memory.physical = ResidentBytes();
  if (mi_process_info != nullptr) {
    size_t unused, committed;
    mi_process_info(&unused, &unused, &unused, &unused, &unused, &committed, &unused, &unused);
    memory.allocated = memory.heap_size = committed;
    return memory;
  }
  if (__sanitizer_get_current_allocated_bytes != nullptr) {
    memory.allocated = __sanitizer_get_current_allocated_bytes();
    memory.heap_size = __sanitizer_get_heap_size();
    return memory;
  }
  const struct mallinfo2 info = mallinfo2();
  memory.allocated = info.uordblks + info.hblkhd;
  memory.heap_size = info.arena + info.hblkhd;
  memory.heap_free = info.fordblks;
  return memory;
}

uint64_t HeapBytesInUse() {
  const ProcessMemory memory = ReadProcessMemory();
  return memory.physical == 0 ? memory.heap_size : std::min(memory.heap_size, memory.physical);
}

void ReleaseFreeMemory() {
  if (mi_collect != nullptr) return mi_collect(true);
  malloc_trim(0);
}

}  // namespace proxenos::admin
