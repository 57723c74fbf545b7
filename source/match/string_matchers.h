// StringMatchers: a list of patterns of which one is enough (type.matcher.v3.ListStringMatcher).
#pragma once

#include <algorithm>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/match/string_matcher.h"

namespace proxenos::match {

struct StringMatchers {
  std::vector<StringMatcher> patterns;

  bool empty() const { return patterns.empty(); }
  bool Matches(absl::string_view text) const {
    return std::any_of(patterns.begin(), patterns.end(),
                       [text](const StringMatcher& pattern) { return pattern.Matches(text); });
  }
};

}  // namespace proxenos::match
