// FieldSection: reads a head or a trailer section line by line, over any number of calls.
//
// It remembers how far the section was read, so that a section that arrives in pieces, even single
// bytes, costs a bounded number of looks at each byte. Invariant: what it reports depends on the
// bytes alone and not on how they were cut: a line is judged only when its end is there, and a
// limit strikes when the byte that exceeds it arrives.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/http/codec.h"
#include "source/http/header_id.h"
#include "source/http1/field_line.h"
#include "source/http1/line_ends.h"

namespace proxenos::http1 {

enum class SectionStatus : uint8_t {
  kMore,   // The line at hand is not complete.
  kDone,   // What was asked for was read.
  kError,  // See error().
};

// Owner: a decoder. Thread: its worker's.
class FieldSection {
 public:
  // A section begins at `base`. `limit_error` strikes when it exceeds `max_bytes`.
  void Begin(char* base, uint32_t max_bytes, http::CodecError limit_error, uint32_t max_fields) {
    examined_ += parsed_;
    base_ = base;
    parsed_ = unfinished_ = fields_ = 0;
    max_fields_ = max_fields;
    SetLimit(max_bytes, limit_error);
  }
  // Replaces the limit, which counts from the beginning of the section.
  void SetLimit(uint32_t max_bytes, http::CodecError limit_error) {
    max_bytes_ = max_bytes;
    limit_error_ = limit_error;
  }

  // Where the section begins; what of it was read; where the next line begins.
  char* base() const { return base_; }
  uint32_t parsed() const { return parsed_; }
  char* line() const { return base_ + parsed_; }
  uint32_t fields() const { return fields_; }
  http::CodecError error() const { return error_; }
  uint64_t examined() const { return examined_ + parsed_; }

  // The section's bytes now begin at `base`.
  void MoveTo(char* base) { base_ = base; }
  // `view` as it must be after MoveTo(base), if it lies within what was read.
  absl::string_view Moved(absl::string_view view, const char* base) const {
    if (view.data() < base_ || view.data() > base_ + parsed_) return view;
    return absl::string_view(base + (view.data() - base_), view.size());
  }

  // Whether the next line may be complete in [line(), end): always yes at the first look, later
  // only when a line feed has come.
  bool HasLine(const char* end) { return unfinished_ == 0 || LineFeedCame(end); }
  // The line ends before `next`. False: the limit struck.
  bool FinishLine(const char* next) {
    parsed_ = static_cast<uint32_t>(next - base_);
    unfinished_ = 0;
    if (parsed_ <= max_bytes_) return true;
    error_ = limit_error_;
    return false;
  }
  // The line goes on behind `end`: kMore, or kError when the limit struck.
  SectionStatus Unfinished(const char* end);
  // The line is wrong: `error`, unless its end is not there yet or beyond the limit.
  SectionStatus Refuse(http::CodecError error, const char* end);
  // The section is wrong, wherever it ends.
  SectionStatus Fail(http::CodecError error) {
    error_ = error;
    return SectionStatus::kError;
  }

  // Reads field lines and gives each to sink(const FieldLine&) -> CodecError. kDone when the empty
  // line that ends the section was read.
  template <typename Sink>
  SectionStatus ReadFields(char* end, Sink&& sink) {
    if (!HasLine(end)) return Unfinished(end);
    LineEnds line_ends(line());
    while (true) {
      FieldLine field;
      char* const crlf = line_ends.Next(end);
      if (crlf != nullptr && crlf == line()) {
        return FinishLine(crlf + 2) ? SectionStatus::kDone : SectionStatus::kError;
      }
      if (crlf == nullptr || !CutFieldLine(line(), crlf, end, field)) {
        FieldLine judged;  // Apart, so that `field` can live in registers.
        const LineStatus status = ReadFieldLine(line(), end, judged);
        if (status == LineStatus::kPartial) return Unfinished(end);
        if (status == LineStatus::kBad) return Refuse(judged.error, end);
        DCHECK(status == LineStatus::kField);
        field = judged;
        line_ends = LineEnds(judged.next);
      }
      if (!FinishLine(field.next)) return SectionStatus::kError;
      error_ = ++fields_ > max_fields_ ? http::CodecError::kTooManyHeaders : sink(field);
      if (error_ != http::CodecError::kNone) return SectionStatus::kError;
    }
  }

 private:
  bool LineFeedCame(const char* end);

  char* base_ = nullptr;
  uint32_t parsed_ = 0;      // Bytes of complete lines.
  uint32_t unfinished_ = 0;  // Bytes of the line at hand that are known to hold no line feed.
  uint32_t fields_ = 0;
  uint32_t max_fields_ = 0;
  uint32_t max_bytes_ = 0;
  http::CodecError limit_error_ = http::CodecError::kNone;
  http::CodecError error_ = http::CodecError::kNone;
  uint64_t examined_ = 0;  // Looks at bytes, but for the one at each of the parsed_.
};

}  // namespace proxenos::http1
