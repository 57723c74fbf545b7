// Copying and counting in one pass.
#include "source/http1/checked_copy.h"

namespace proxenos::http1 {

#if defined(__SSE2__)

size_t CopyCountingControls(char* to, const char* from, size_t n) {
  // Each byte lane counts its own controls (compares give -1); sums are taken before a lane can
  // overflow.
  constexpr size_t kBlock = 16 * 255;
  size_t count = 0;
  size_t i = 0;
  while (n - i >= 16) {
    __m128i lanes = _mm_setzero_si128();
    const size_t block_end = n - i < kBlock ? n : i + kBlock;
    for (; i + 16 <= block_end; i += 16) {
      const __m128i x = vector::Load(from + i);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), x);
      const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
      const __m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
      const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
      lanes = _mm_sub_epi8(lanes, _mm_or_si128(_mm_andnot_si128(tab, control), del));
    }
    const __m128i sums = _mm_sad_epu8(lanes, _mm_setzero_si128());
    count += static_cast<size_t>(_mm_cvtsi128_si64(sums)) +
             static_cast<size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
  }
  for (; i < n; ++i) {
    to[i] = from[i];
    count += !IsValueChar(from[i]);
  }
  return count;
}

#else

size_t CopyCountingControls(char* to, const char* from, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; ++i) {
    to[i] = from[i];
    count += !IsValueChar(from[i]);
  }
  return count;
}

#endif

}  // namespace proxenos::http1
