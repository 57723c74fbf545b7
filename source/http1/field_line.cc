// The judge of field lines: any line, byte by byte where that is simpler.
#include "source/http1/field_line.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;

// The byte behind the name at `p`, which should be the colon.
char* FindNameEnd(char* p, const char* end, FieldLine& field) {
  char* q = http::FindPlainNameEnd(p, end);
  for (; q < end && http::IsTokenChar(*q); ++q) field.underscore |= *q == '_';
  return q;
}

// What stands where a name should begin or its colon should be.
CodecError NameError(char stop, bool at_line_start) {
  if (at_line_start && http::IsBlank(stop)) return CodecError::kObsoleteFold;
  if (at_line_start && stop == '\n') return CodecError::kBareLineFeed;
  return CodecError::kBadHeaderName;
}

CodecError ValueError(char stop) {
  if (stop == '\n') return CodecError::kBareLineFeed;
  return stop == '\r' ? CodecError::kBareCarriageReturn : CodecError::kBadHeaderValue;
}

LineStatus Bad(FieldLine& field, CodecError error) {
  field.error = error;
  return LineStatus::kBad;
}

}  // namespace

LineStatus ReadFieldLine(char* p, char* end, FieldLine& field) {
  field = FieldLine();
  if (p == end) return LineStatus::kPartial;
  if (*p == '\r') {
    if (p + 1 == end) return LineStatus::kPartial;
    if (p[1] != '\n') return Bad(field, CodecError::kBareCarriageReturn);
    field.next = p + 2;
    return LineStatus::kEmpty;
  }
  char* const colon = FindNameEnd(p, end, field);
  if (colon >= end) return LineStatus::kPartial;
  if (*colon != ':' || colon == p) return Bad(field, NameError(*colon, colon == p));
  if (colon - p > UINT16_MAX) return Bad(field, CodecError::kBadHeaderName);
  field.name_size = static_cast<uint32_t>(colon - p);

  char* value = colon + 1;
  while (value < end && http::IsBlank(*value)) ++value;
  char* const stop = http::FindValueEnd(value, end);
  if (stop >= end) return LineStatus::kPartial;
  if (*stop != '\r') return Bad(field, ValueError(*stop));
  if (stop + 1 == end) return LineStatus::kPartial;
  if (stop[1] != '\n') return Bad(field, ValueError('\r'));
  char* last = stop;
  while (last > value && http::IsBlank(last[-1])) --last;
  http::LowerName(p, colon, end);
  field.name = p;
  field.value = value;
  field.value_size = static_cast<uint32_t>(last - value);
  field.id = http::LookUpHeader(p, field.name_size);
  field.next = stop + 2;
  return LineStatus::kField;
}

}  // namespace proxenos::http1
