// One `name: value` line of a head or trailer section (RFC 9112, 5): the name is lower-cased in
// place and looked up, the value checked and trimmed.
//
// CutFieldLine is for the usual line, whose end was found before, and inline, because this is where
// a proxy of small messages spends its time. ReadFieldLine is for any: it is the judge.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/http/chars.h"
#include "source/http/codec.h"
#include "source/http/header_id.h"

namespace proxenos::http1 {

// The sizes are wider than those of http::Header on purpose: with equal neighbours the compiler
// copies two members at once that were written one by one, and that load has to wait for both
// stores.
struct FieldLine {
  char* name = nullptr;
  char* value = nullptr;
  uint32_t value_size = 0;
  uint32_t name_size = 0;  // At most UINT16_MAX.
  http::HeaderId id = http::HeaderId::kUnknown;
  bool underscore = false;                           // The name holds one.
  http::CodecError error = http::CodecError::kNone;  // When kBad.
  char* next = nullptr;                              // Behind the line, when kField or kEmpty.

  absl::string_view name_view() const { return absl::string_view(name, name_size); }
  absl::string_view value_view() const { return absl::string_view(value, value_size); }
};

enum class LineStatus : uint8_t { kField, kEmpty, kPartial, kBad };

// Takes apart the line [p, crlf), which holds no control and is followed by CR LF. False: the
// name is not made of letters, digits and dashes alone, or is not followed by its colon.
[[gnu::always_inline]] inline bool CutFieldLine(char* p, char* crlf, const char* end,
                                                FieldLine& field) {
  char* const colon = http::FindPlainNameEnd(p, crlf);
  if (*colon != ':' || colon == p || colon - p > UINT16_MAX) return false;
  char* value = colon + 1;
  while (*value == ' ') ++value;  // Ends at the CR at the latest.
  char* last = crlf;
  while (last > value && last[-1] == ' ') --last;
  http::LowerName(p, colon, end);
  field.name = p;
  field.name_size = static_cast<uint32_t>(colon - p);
  field.value = value;
  field.value_size = static_cast<uint32_t>(last - value);
  field.id = http::LookUpHeader(p, field.name_size);
  field.next = crlf + 2;
  return true;
}

// Reads the line at `p`. Of a line that is kBad or kPartial only `error` means anything.
LineStatus ReadFieldLine(char* p, char* end, FieldLine& field);

}  // namespace proxenos::http1
