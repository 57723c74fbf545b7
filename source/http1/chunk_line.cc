// Chunk sizes and extensions. Extensions mean nothing to anyone we know; they are checked, because
// parsers that skip them by different rules can be set against each other, and dropped.
#include "source/http1/chunk_line.h"

#include "source/http/chars.h"

namespace proxenos::http1 {
namespace {

// 15 digits hold any size below 2^60: no overflow, and nobody has more.
constexpr int kMaxSizeDigits = 15;

// A position in the line, whose bytes below `end` are all there.
struct Cursor {
  const char* p;
  const char* end;

  bool At(char c) const { return p < end && *p == c; }
  void SkipBlanks() {
    while (p < end && http::IsBlank(*p)) ++p;
  }
  bool SkipToken() {
    const char* begin = p;
    while (p < end && http::IsTokenChar(*p)) ++p;
    return p != begin;
  }
  // A quoted-string (RFC 9110, 5.6.4) with its quotes.
  bool SkipQuoted() {
    for (++p; p < end; ++p) {
      if (*p == '"') {
        ++p;
        return true;
      }
      if (*p == '\\') ++p;
      if (p >= end || !http::IsValueChar(*p)) return false;
    }
    return false;
  }
};

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS value ] ). False: something else stands there.
bool SkipExtensions(Cursor& cursor) {
  while (!cursor.At('\r')) {
    cursor.SkipBlanks();
    if (!cursor.At(';')) return false;
    ++cursor.p;
    cursor.SkipBlanks();
    if (!cursor.SkipToken()) return false;
    const char* behind_name = cursor.p;
    cursor.SkipBlanks();
    if (!cursor.At('=')) {
      cursor.p = behind_name;  // The blanks belong to the next ';' or to nothing.
      continue;
    }
    ++cursor.p;
    cursor.SkipBlanks();
    if (!(cursor.At('"') ? cursor.SkipQuoted() : cursor.SkipToken())) return false;
  }
  return true;
}

}  // namespace

LineStatus ReadChunkLine(char* p, char* end, ChunkLine& line) {
  char* q = p;
  uint64_t size = 0;
  for (int digit = 0; q < end && (digit = http::HexValue(*q)) >= 0; ++q) {
    if (q - p == kMaxSizeDigits) return LineStatus::kBad;
    size = size << 4 | static_cast<uint64_t>(digit);
  }
  if (q == p) return q == end ? LineStatus::kPartial : LineStatus::kBad;
  Cursor cursor{q, end};
  // Of a line that is cut off this says kBad; the caller knows that its end is missing.
  if (!SkipExtensions(cursor)) return LineStatus::kBad;
  if (end - cursor.p < 2) return LineStatus::kPartial;
  if (cursor.p[1] != '\n') return LineStatus::kBad;
  line.size = size;
  line.extension_bytes = static_cast<uint32_t>(cursor.p - q);
  line.next = q + line.extension_bytes + 2;
  return LineStatus::kField;
}

}  // namespace proxenos::http1
