// Dictionaries of Structured Fields (RFC 9651, section 3.2), as far as cache directives need them:
// all of the grammar is checked, and of the values only scalars are kept.
//
// Thread: one. Views are into the fields that were parsed.
#pragma once

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace proxenos::cache {

struct DictionaryMember {
  enum class Type : uint8_t { kBoolean, kInteger, kString, kOther };
  absl::string_view key;
  Type type = Type::kBoolean;
  // Of kBoolean "0" or "1"; of kInteger its digits, with a sign; of kString what stands between the
  // quotes, escapes as they are; else empty.
  absl::string_view text;
};

class Dictionary {
 public:
  // Adds what one field line says; a key that there is already has its value replaced. False when
  // it is no dictionary: what was added before is then worth nothing.
  bool Parse(absl::string_view line);
  absl::Span<const DictionaryMember> members() const { return members_; }

 private:
  absl::InlinedVector<DictionaryMember, 6> members_;
};

}  // namespace proxenos::cache
