// ProcessMemory: what the allocator and the kernel say of this process's memory.
#pragma once

#include <cstdint>

namespace proxenos::admin {

struct ProcessMemory {
  uint64_t allocated = 0;  // Handed out and not given back.
  uint64_t heap_size = 0;  // Taken from the kernel by the allocator.
  uint64_t heap_free = 0;  // Of it, what is free at the moment.
  uint64_t physical = 0;   // Resident, of the whole process.
};

// With glibc's allocator all four are its own figures. mimalloc tells what it has committed and not
// what is handed out: then `allocated` is the same as `heap_size`.
ProcessMemory ReadProcessMemory();

// What the heap costs: what the allocator took from the kernel, as far as it is resident.
uint64_t HeapBytesInUse();
// Gives back to the kernel what the allocator holds and nobody uses. Takes milliseconds at most for
// each gigabyte.
void ReleaseFreeMemory();

}  // namespace proxenos::admin
