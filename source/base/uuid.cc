// 32 hexadecimal digits, of which six bits are fixed.
#include "source/base/uuid.h"

namespace proxenos::base {

void FormatUuid(const uint64_t random[2], char* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  const uint64_t high = (random[0] & ~uint64_t{0xf000}) | 0x4000;                 // Version 4.
  const uint64_t low = (random[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // RFC variant.
  int at = 0;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out[at++] = '-';
    const uint64_t word = i < 16 ? high : low;
    out[at++] = kHex[(word >> (60 - 4 * (i % 16))) & 0xf];
  }
}

}  // namespace proxenos::base
