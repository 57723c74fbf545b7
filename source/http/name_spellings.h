// How the names of HTTP/1 fields are written: in lower case, as words ("Content-Type"), or as the
// peer wrote them on the other side (Http1ProtocolOptions.header_key_format).
//
// Invariant: a spelling differs from the name in the case of letters alone, so that no choice here
// makes one field into another; names are still compared, matched and removed in lower case.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/buffer/arena.h"

namespace proxenos::http {

enum class NameStyle : uint8_t {
  kLowerCase,
  kWords,            // header_key_format.proper_case_words
  kPreserve,         // stateful_formatter: the preserve_case extension
  kPreserveOrWords,  // Of it, with formatter_type_on_envoy_headers: PROPER_CASE
};

// Whether the decoder keeps how its peer writes names.
constexpr bool KeepsSpellings(NameStyle style) { return style >= NameStyle::kPreserve; }

// Writes `name`, of lower-case letters, as words: a letter that follows neither letter nor digit
// is a capital.
void WriteAsWords(char* name, size_t size);

// How one head's names were written. Of several spellings of a name the first counts. Who gives
// a decoder a head that has one asks it to fill that in.
// Owner: the arena that it was made in. Thread: the stream's worker.
class NameSpellings {
 public:
  // REQUIRES: KeepsSpellings(style).
  static const NameSpellings* Make(NameStyle style, buffer::Arena& arena);
  NameSpellings(const NameSpellings&) = delete;
  NameSpellings& operator=(const NameSpellings&) = delete;

  // Keeps a copy of `name` as it was written, in `arena`, that of Make: as much as the name takes,
  // and 24 bytes. Const, since heads are: it is the codec's, which fills them in.
  void Keep(absl::string_view name, buffer::Arena& arena) const;
  // Writes over `name`, of lower-case letters, how the peer wrote it, if it did.
  void Write(char* name, size_t size) const;

 private:
  struct Spelling;
  static constexpr size_t kBuckets = 64;

  explicit NameSpellings(bool others_as_words) : others_as_words_(others_as_words) {}
  const Spelling* Find(absl::string_view name, uint32_t hash) const;

  const bool others_as_words_;
  mutable Spelling* buckets_[kBuckets] = {};
};

}  // namespace proxenos::http
