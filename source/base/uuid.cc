// 32 hexadecimal digits, of which six bits are fixed.
#include "source/base/uuid.h"

#include <cstring>

namespace proxenos::base {
namespace {

// The eight digits of `word`, all at once: each request may be given an id.
void FormatWord(uint32_t word, char* out) {
  uint64_t digits = word;
  digits = (digits | digits << 16) & 0x0000ffff0000ffff;
  digits = (digits | digits << 8) & 0x00ff00ff00ff00ff;
  digits = (digits | digits << 4) & 0x0f0f0f0f0f0f0f0f;
  // One in each byte that is beyond 9: it is a letter.
  const uint64_t letters = (digits + 0x0606060606060606) >> 4 & 0x0101010101010101;
  digits += 0x3030303030303030 + letters * ('a' - '0' - 10);
  digits = __builtin_bswap64(digits);
  std::memcpy(out, &digits, sizeof(digits));
}

}  // namespace

void FormatUuid(const uint64_t random[2], char* out) {
  const uint64_t high = (random[0] & ~uint64_t{0xf000}) | 0x4000;                 // Version 4.
  const uint64_t low = (random[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // RFC variant.
  char digits[32];
  FormatWord(static_cast<uint32_t>(high >> 32), digits);
  FormatWord(static_cast<uint32_t>(high), digits + 8);
  FormatWord(static_cast<uint32_t>(low >> 32), digits + 16);
  FormatWord(static_cast<uint32_t>(low), digits + 24);
  std::memcpy(out, digits, 8);
  out[8] = out[13] = out[18] = out[23] = '-';
  std::memcpy(out + 9, digits + 8, 4);
  std::memcpy(out + 14, digits + 12, 4);
  std::memcpy(out + 19, digits + 16, 4);
  std::memcpy(out + 24, digits + 20, 12);
}

}  // namespace proxenos::base
