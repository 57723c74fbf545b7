// ReadFieldLine: one `name: value` line of a head or trailer section (RFC 9112, 5).
//
// The name is lower-cased in place and looked up; the value is checked and trimmed. Inline, because
// this is where a proxy of small messages spends its time.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/http/codec.h"
#include "source/http/header_id.h"
#include "source/http1/chars.h"

namespace proxenos::http1 {

struct FieldLine {
  char* name = nullptr;
  char* value = nullptr;
  uint32_t value_size = 0;
  uint16_t name_size = 0;
  http::HeaderId id = http::HeaderId::kUnknown;
  bool underscore = false;  // The name holds one.
  http::CodecError error = http::CodecError::kNone;  // When kBad.
  char* next = nullptr;                              // Behind the line, when kField or kEmpty.

  absl::string_view name_view() const { return absl::string_view(name, name_size); }
  absl::string_view value_view() const { return absl::string_view(value, value_size); }
};

enum class LineStatus : uint8_t { kField, kEmpty, kPartial, kBad };

// Reads the name at `p` and returns the byte behind it, which should be the colon.
inline char* ReadName(char* p, char* end, FieldLine& field) {
  char* q = LowerName(p, end);
  // Rare characters, one by one.
  for (; q < end && IsTokenChar(*q); ++q) {
    field.underscore |= *q == '_';
    *q = TokenLower(*q);
  }
  field.name = p;
  return q;
}

// What stands where a name should begin or its colon should be.
inline http::CodecError NameError(char stop, bool at_line_start) {
  if (at_line_start && IsBlank(stop)) return http::CodecError::kObsoleteFold;
  if (at_line_start && stop == '\n') return http::CodecError::kBareLineFeed;
  return http::CodecError::kBadHeaderName;
}

inline http::CodecError ValueError(char stop) {
  if (stop == '\n') return http::CodecError::kBareLineFeed;
  return stop == '\r' ? http::CodecError::kBareCarriageReturn : http::CodecError::kBadHeaderValue;
}

inline LineStatus BadLine(FieldLine& field, http::CodecError error) {
  field.error = error;
  return LineStatus::kBad;
}

// Reads the line at `p`. Of a line that is kBad or kPartial only `error` means anything.
inline LineStatus ReadFieldLine(char* p, char* end, FieldLine& field) {
  if (p == end) return LineStatus::kPartial;
  if (*p == '\r') {
    if (p + 1 == end) return LineStatus::kPartial;
    if (p[1] != '\n') return BadLine(field, http::CodecError::kBareCarriageReturn);
    field.next = p + 2;
    return LineStatus::kEmpty;
  }
  char* const colon = ReadName(p, end, field);
  if (colon >= end) return LineStatus::kPartial;
  if (*colon != ':' || colon == p) return BadLine(field, NameError(*colon, colon == p));
  if (colon - p > UINT16_MAX) return BadLine(field, http::CodecError::kBadHeaderName);
  field.name_size = static_cast<uint16_t>(colon - p);

  char* value = colon + 1;
  while (value < end && IsBlank(*value)) ++value;
  char* const stop = FindValueEnd(value, end);
  if (stop >= end) return LineStatus::kPartial;
  if (*stop != '\r') return BadLine(field, ValueError(*stop));
  if (stop + 1 == end) return LineStatus::kPartial;
  if (stop[1] != '\n') return BadLine(field, ValueError('\r'));
  char* last = stop;
  while (last > value && IsBlank(last[-1])) --last;
  field.value = value;
  field.value_size = static_cast<uint32_t>(last - value);
  field.id = http::LookUpHeader(p, field.name_size);
  field.next = stop + 2;
  return LineStatus::kField;
}

}  // namespace proxenos::http1
