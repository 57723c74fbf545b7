// Copies into the output that look at every byte they copy: the last line of defence against
// a value that would end its line. One pass, 16 bytes at a time; reads and writes nothing outside
// of the range (the source may lie anywhere).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "source/http/chars.h"

namespace proxenos::http {

// Copies `n` bytes; returns how many of them are not fit for a field value.
size_t CopyCountingControls(char* to, const char* from, size_t n);

#if defined(__SSE2__)

namespace vector {

// Copies `n` bytes; whether mask(16 bytes) was 0 for all of them.
template <typename Mask>
inline bool CopyIf(char* to, const char* from, size_t n, Mask mask) {
  if (n >= 16) {
    uint32_t bad = 0;
    for (size_t i = 0;; i = i + 32 <= n ? i + 16 : n - 16) {
      const __m128i x = Load(from + i);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), x);
      bad |= mask(x);
      if (i + 16 == n) return bad == 0;
    }
  }
  // Two halves that overlap, each a load and a store.
  uint64_t low = 0, high = 0;
  if (n >= 8) {
    std::memcpy(&low, from, 8);
    std::memcpy(&high, from + n - 8, 8);
    std::memcpy(to, &low, 8);
    std::memcpy(to + n - 8, &high, 8);
  } else if (n >= 4) {
    uint32_t first, last;
    std::memcpy(&first, from, 4);
    std::memcpy(&last, from + n - 4, 4);
    std::memcpy(to, &first, 4);
    std::memcpy(to + n - 4, &last, 4);
    low = high = uint64_t{last} << 32 | first;
  } else if (n > 0) {
    // First, middle and last are all of up to three bytes.
    const char first = from[0], middle = from[n / 2], last = from[n - 1];
    to[0] = first;
    to[n / 2] = middle;
    to[n - 1] = last;
    const auto byte = [](char c) { return uint32_t{static_cast<uint8_t>(c)}; };
    const uint32_t word = byte(first) << 24 | byte(first) << 16 | byte(middle) << 8 | byte(last);
    low = high = word * uint64_t{0x100000001};
  } else {
    return true;
  }
  return mask(_mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low))) == 0;
}

// Whether mask(16 bytes) is 0 for all of `n` bytes.
template <typename Mask>
inline bool AllOf(const char* from, size_t n, Mask mask) {
  if (n >= 16) {
    uint32_t bad = 0;
    for (size_t i = 0;; i = i + 32 <= n ? i + 16 : n - 16) {
      bad |= mask(Load(from + i));
      if (i + 16 == n) return bad == 0;
    }
  }
  char scratch[16];
  return CopyIf(scratch, from, n, mask);
}

}  // namespace vector

// Whether all of `n` bytes are fit for a field value.
inline bool IsValue(const char* from, size_t n) {
  return vector::AllOf(from, n, [](__m128i x) { return vector::NotValueMask(x); });
}
// Copies `n` bytes; whether all were fit for a field value.
inline bool CopyValue(char* to, const char* from, size_t n) {
  return vector::CopyIf(to, from, n, [](__m128i x) { return vector::NotValueMask(x); });
}
// Copies `n` bytes; whether all were fit for a request target.
inline bool CopyTarget(char* to, const char* from, size_t n) {
  return vector::CopyIf(to, from, n, [](__m128i x) { return vector::NotTargetMask(x); });
}

#else

inline bool IsValue(const char* from, size_t n) {
  bool clean = true;
  for (size_t i = 0; i < n; ++i) clean &= IsValueChar(from[i]);
  return clean;
}
inline bool CopyValue(char* to, const char* from, size_t n) {
  bool clean = true;
  for (size_t i = 0; i < n; ++i) clean &= IsValueChar(to[i] = from[i]);
  return clean;
}
inline bool CopyTarget(char* to, const char* from, size_t n) {
  bool clean = true;
  for (size_t i = 0; i < n; ++i) clean &= IsTargetChar(to[i] = from[i]);
  return clean;
}

#endif

}  // namespace proxenos::http
