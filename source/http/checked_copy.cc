// Copying and counting in one pass.
#include "source/http/checked_copy.h"

namespace proxenos::http {

#if defined(__SSE2__)

namespace {

// 0xff for each byte that a field value may not hold.
__m128i ControlsOf(__m128i x) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
  const __m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
  return _mm_or_si128(_mm_andnot_si128(tab, low), del);
}

__m128i CopyVector(char* to, const char* from) {
  const __m128i x = vector::Load(from);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), x);
  return ControlsOf(x);
}

// Each lane counted up to 255 controls.
size_t SumOf(__m128i lanes) {
  const __m128i sums = _mm_sad_epu8(lanes, _mm_setzero_si128());
  return static_cast<size_t>(_mm_cvtsi128_si64(sums)) +
         static_cast<size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
}

}  // namespace

size_t CopyCountingControls(char* to, const char* from, size_t n) {
  size_t count = 0;
  size_t i = 0;
  if (n < 16) {
    for (; i < n; ++i) count += !IsValueChar(to[i] = from[i]);
    return count;
  }
  // Each byte lane counts its own (a match is -1); sums are taken before a lane can overflow.
  constexpr size_t kBlock = size_t{16} * 254;
  while (true) {
    __m128i lanes = _mm_setzero_si128();
    const size_t block_end = n - i < kBlock ? n : i + kBlock;
    for (; i + 16 <= block_end; i += 16) lanes = _mm_sub_epi8(lanes, CopyVector(to + i, from + i));
    if (n - i >= 16) {
      count += SumOf(lanes);
      continue;
    }
    if (i < n) {  // The last vector overlaps the one before, whose bytes are counted already.
      const __m128i counted =
          vector::Load(reinterpret_cast<const char*>(vector::kWindow.data()) + (n - i));
      const __m128i controls = CopyVector(to + n - 16, from + n - 16);
      lanes = _mm_sub_epi8(lanes, _mm_andnot_si128(counted, controls));
    }
    return count + SumOf(lanes);
  }
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

}  // namespace proxenos::http
