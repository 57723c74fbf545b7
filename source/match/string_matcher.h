// StringMatcher: envoy.type.matcher.v3.StringMatcher, compiled. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/match/regex.h"

namespace proxenos::match {

class StringMatcher {
 public:
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kContains };

  // ignore_case folds ASCII letters.
  StringMatcher(Kind kind, std::string pattern, bool ignore_case);
  // The whole text must match; case is the pattern's own affair ("(?i)").
  explicit StringMatcher(Regex regex);

  bool Matches(absl::string_view text) const;

  // The same text for equal matchers, and only for them: to be hashed.
  std::string Canonical() const;
  // The text that alone matches, for those who give it a further meaning; null when not exact.
  const std::string* exact() const {
    return regex_.has_value() || kind_ != Kind::kExact ? nullptr : &pattern_;
  }

 private:
  std::optional<Regex> regex_;
  Kind kind_ = Kind::kExact;
  bool ignore_case_ = false;
  std::string pattern_;
};

}  // namespace proxenos::match
