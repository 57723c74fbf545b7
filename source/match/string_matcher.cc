// Matching of one text by one pattern.
#include "source/match/string_matcher.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proxenos::match {
namespace {

// `folded` is in lower case already.
bool ContainsFolded(absl::string_view text, absl::string_view folded) {
  if (folded.empty()) return true;
  for (size_t i = 0; i + folded.size() <= text.size(); ++i) {
    if (absl::EqualsIgnoreCase(text.substr(i, folded.size()), folded)) return true;
  }
  return false;
}

}  // namespace

StringMatcher::StringMatcher(Kind kind, std::string pattern, bool ignore_case)
    : kind_(kind), ignore_case_(ignore_case), pattern_(std::move(pattern)) {
  if (ignore_case_) absl::AsciiStrToLower(&pattern_);
}

StringMatcher::StringMatcher(Regex regex) : regex_(std::move(regex)) {}

std::string StringMatcher::Canonical() const {
  if (regex_.has_value()) return absl::StrCat("regex:", regex_->pattern());
  return absl::StrCat(static_cast<int>(kind_), ignore_case_ ? "i:" : ":", pattern_);
}

bool StringMatcher::Matches(absl::string_view text) const {
  if (regex_.has_value()) return regex_->FullMatch(text);
  switch (kind_) {
    case Kind::kExact:
      return ignore_case_ ? absl::EqualsIgnoreCase(text, pattern_) : text == pattern_;
    case Kind::kPrefix:
      return ignore_case_ ? absl::StartsWithIgnoreCase(text, pattern_)
                          : absl::StartsWith(text, pattern_);
    case Kind::kSuffix:
      return ignore_case_ ? absl::EndsWithIgnoreCase(text, pattern_)
                          : absl::EndsWith(text, pattern_);
    case Kind::kContains:
      return ignore_case_ ? ContainsFolded(text, pattern_) : absl::StrContains(text, pattern_);
  }
  return false;
}

}  // namespace proxenos::match
