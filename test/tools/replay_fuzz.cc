// The smallest fuzz target: proves that the replay main and the libFuzzer build both work.
// Invariant: it never reads outside of its input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  size_t sum = 0;
  for (size_t i = 0; i < size; ++i) sum += data[i];
  if (sum > size * UINT8_MAX) std::abort();
  return 0;
}
