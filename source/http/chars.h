// Character classes of RFC 9110 and 9112, and scans that stop at the first byte outside of one.
//
// The vector scans load 16 bytes at a time and may read up to 15 bytes behind `end`, which
// buffer::kReadablePadding makes safe for bytes in a slab, and only for those. SSE2 is part of
// every x86-64; elsewhere the table versions do the same byte by byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace proxenos::http {

// For each tchar (RFC 9110, 5.6.2) its lower case, for any other byte 0.
inline constexpr std::array<char, 256> kTokenLower = [] {
  std::array<char, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = static_cast<char>(c);
  for (int c = 'a'; c <= 'z'; ++c) table[c] = static_cast<char>(c);
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = static_cast<char>(c - 'A' + 'a');
  for (char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<uint8_t>(c)] = c;
  }
  return table;
}();

inline char TokenLower(char c) { return kTokenLower[static_cast<uint8_t>(c)]; }
inline bool IsTokenChar(char c) { return TokenLower(c) != 0; }
inline char LowerLetter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }
// What a field value or reason phrase may hold: HTAB, SP, VCHAR, obs-text (RFC 9110, 5.5).
inline bool IsValueChar(char c) {
  const uint8_t byte = static_cast<uint8_t>(c);
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}
// What we let stand in a request target: any VCHAR but '#', which has no place there (RFC 9112,
// 3.2). More than the grammar of URIs has, less than what could end the line.
inline bool IsTargetChar(char c) { return c > 0x20 && c < 0x7f && c != '#'; }
// What stands for itself in every part of a URI (RFC 3986, section 2.3).
inline bool IsUnreserved(char c) {
  return IsDigit(c) || (LowerLetter(c) >= 'a' && LowerLetter(c) <= 'z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}
// The value of a hexadecimal digit, or -1.
inline int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

#if defined(__SSE2__)

namespace vector {

inline __m128i Load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
// Bytes of x in [first, first + count), as 0xff.
inline __m128i InRange(__m128i x, char first, int count) {
  return _mm_cmplt_epi8(_mm_add_epi8(x, _mm_set1_epi8(static_cast<char>(-128 - first))),
                        _mm_set1_epi8(static_cast<char>(-128 + count)));
}
// A bit for each control of the 16 bytes at `p`: below 0x20, or DEL.
inline uint64_t ControlMask(const char* p) {
  const __m128i x = Load(p);
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
  const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
  return static_cast<uint64_t>(_mm_movemask_epi8(_mm_or_si128(low, del)));
}
// A bit for each byte that a field value may not hold.
inline uint32_t NotValueMask(__m128i x) {
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
  const __m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
  return static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del)));
}
// A bit for each letter, digit and dash.
inline uint32_t PlainNameMask(__m128i x) {
  const __m128i letter = InRange(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26);
  const __m128i digit = InRange(x, '0', 10);
  const __m128i dash = _mm_cmpeq_epi8(x, _mm_set1_epi8('-'));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(letter, _mm_or_si128(digit, dash))));
}
inline uint32_t NotTargetMask(__m128i x) {
  const __m128i visible = _mm_cmpgt_epi8(x, _mm_set1_epi8(0x20));  // Signed: also drops 0x80-0xff.
  const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
  const __m128i hash = _mm_cmpeq_epi8(x, _mm_set1_epi8('#'));
  return static_cast<uint32_t>(
             _mm_movemask_epi8(_mm_andnot_si128(_mm_or_si128(del, hash), visible))) ^
         0xffffu;
}
// 16 bytes of 0xff, then 16 of 0: loaded at [16 - n], a mask of the first n bytes.
inline constexpr std::array<uint8_t, 32> kWindow = [] {
  std::array<uint8_t, 32> window{};
  for (int i = 0; i < 16; ++i) window[i] = 0xff;
  return window;
}();

}  // namespace vector

// A bit for each control, HTAB included, of the 64 bytes at `p`.
inline uint64_t ControlMask64(const char* p) {
  return vector::ControlMask(p) | vector::ControlMask(p + 16) << 16 |
         vector::ControlMask(p + 32) << 32 | vector::ControlMask(p + 48) << 48;
}

// The first byte from `p` on that a field value may not hold; `end` or more when there is none.
inline char* FindValueEnd(char* p, const char* end) {
  for (; p < end; p += 16) {
    const uint32_t stop = vector::NotValueMask(vector::Load(p));
    if (stop != 0) return p + __builtin_ctz(stop);
  }
  return p;
}

// The first byte from `p` on that may not stand in a request target; `end` or more when none.
inline char* FindTargetEnd(char* p, const char* end) {
  for (; p < end; p += 16) {
    const uint32_t stop = vector::NotTargetMask(vector::Load(p));
    if (stop != 0) return p + __builtin_ctz(stop);
  }
  return p;
}

// The first byte from `p` on that is no letter, digit or dash; `end` or more when there is none.
inline char* FindPlainNameEnd(char* p, const char* end) {
  for (; p < end; p += 16) {
    const uint32_t plain = vector::PlainNameMask(vector::Load(p));
    if (plain != 0xffff) return p + __builtin_ctz(~plain);
  }
  return p;
}

// The same for what most hosts are made of: letters, digits, dashes and dots.
inline const char* FindPlainHostEnd(const char* p, const char* end) {
  for (; p < end; p += 16) {
    const __m128i x = vector::Load(p);
    const __m128i dot = _mm_cmpeq_epi8(x, _mm_set1_epi8('.'));
    const uint32_t plain = vector::PlainNameMask(x) | static_cast<uint32_t>(_mm_movemask_epi8(dot));
    if (plain != 0xffff) return p + __builtin_ctz(~plain);
  }
  return p;
}

// Lower-cases the letters of [p, name_end) in place. Writes the bytes from there to `end` as they
// are, if at all.
inline void LowerName(char* p, const char* name_end, const char* end) {
  for (; p < name_end; p += 16) {
    const __m128i x = vector::Load(p);
    const size_t size = name_end - p < 16 ? static_cast<size_t>(name_end - p) : 16;
    const __m128i in_name =
        vector::Load(reinterpret_cast<const char*>(vector::kWindow.data()) + 16 - size);
    const __m128i upper = _mm_and_si128(vector::InRange(x, 'A', 26), in_name);
    if (_mm_movemask_epi8(upper) == 0) continue;
    if (end - p >= 16) {
      const __m128i lower = _mm_or_si128(x, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), lower);
    } else {
      for (size_t i = 0; i < size; ++i) p[i] = LowerLetter(p[i]);
    }
  }
}

#else

inline uint64_t ControlMask64(const char* p) {
  uint64_t mask = 0;
  for (int i = 0; i < 64; ++i) {
    const uint8_t byte = static_cast<uint8_t>(p[i]);
    mask |= uint64_t{byte < 0x20 || byte == 0x7f} << i;
  }
  return mask;
}

inline char* FindValueEnd(char* p, const char* end) {
  while (p < end && IsValueChar(*p)) ++p;
  return p;
}

inline char* FindTargetEnd(char* p, const char* end) {
  while (p < end && IsTargetChar(*p)) ++p;
  return p;
}

inline char* FindPlainNameEnd(char* p, const char* end) {
  while (p < end &&
         (IsDigit(*p) || *p == '-' || (TokenLower(*p) >= 'a' && TokenLower(*p) <= 'z'))) {
    ++p;
  }
  return p;
}

inline const char* FindPlainHostEnd(const char* p, const char* end) {
  while (p < end && (IsDigit(*p) || *p == '-' || *p == '.' ||
                     (TokenLower(*p) >= 'a' && TokenLower(*p) <= 'z'))) {
    ++p;
  }
  return p;
}

inline void LowerName(char* p, const char* name_end, const char*) {
  for (; p < name_end; ++p) *p = LowerLetter(*p);
}

#endif

}  // namespace proxenos::http
