// Regex: one RE2 pattern, compiled once and shared by all workers.
//
// Invariant: a Regex that exists is valid and its program is no larger than kMaxProgramSize, so
// matching costs in proportion to the text whatever the pattern. Thread: any (immutable; RE2 guards
// its own state cache).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace proxenos::match {

class Regex {
 public:
  // RE2 instructions. Envoy refuses more than 100 unless its runtime says otherwise; real routes
  // stay in the hundreds.
  static constexpr int kMaxProgramSize = 10'000;
  // A short path and a long substitution must not make megabytes.
  static constexpr size_t kMaxReplacedBytes = size_t{64} * 1024;

  // What pattern and text are made of. To kUtf8 nothing matches a byte that belongs to no
  // character, not even `.*`: a field or a path with one such byte would slip past any pattern, and
  // past the rule that denies what it matches.
  enum class Unit : uint8_t { kByte, kUtf8 };

  // Error: not RE2 syntax, or too large.
  static absl::StatusOr<Regex> Compile(absl::string_view pattern, Unit unit = Unit::kByte);

  // The whole text matches.
  bool FullMatch(absl::string_view text) const;
  // Some part of it does.
  bool PartialMatch(absl::string_view text) const;
  // `text` with every match replaced by the substitution (`\0` to `\9` are groups); nothing when
  // that would be larger than kMaxReplacedBytes. REQUIRES: CheckSubstitution accepted the
  // substitution.
  std::optional<std::string> ReplaceAll(absl::string_view text,
                                        absl::string_view substitution) const;
  // Error: a group that the pattern lacks, or a bad escape.
  absl::Status CheckSubstitution(absl::string_view substitution) const;

  absl::string_view pattern() const;
  int program_size() const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> compiled);

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace proxenos::match
