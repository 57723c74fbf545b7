// Building of the index, and the plain meaning of one pattern.
#include "source/route/path_index.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proxenos::route {

bool PathPattern::Matches(absl::string_view path) const {
  switch (kind) {
    case Kind::kPrefix:
      return case_sensitive ? absl::StartsWith(path, text) : absl::StartsWithIgnoreCase(path, text);
    case Kind::kExact:
      return case_sensitive ? path == text : absl::EqualsIgnoreCase(path, text);
    case Kind::kSeparatedPrefix:
      return (path.size() == text.size() ||
              (path.size() > text.size() && path[text.size()] == '/')) &&
             (case_sensitive ? absl::StartsWith(path, text)
                             : absl::StartsWithIgnoreCase(path, text));
    case Kind::kRegex:
      return regex->FullMatch(path);
    case Kind::kConnect:
      return false;
  }
  return false;
}

PathIndex::Routes& PathIndex::ListOf(const PathPattern& pattern) {
  using Kind = PathPattern::Kind;
  if (pattern.kind == Kind::kConnect) return connect_;
  if (pattern.kind == Kind::kRegex) {
    const absl::string_view text = pattern.regex->pattern();
    const auto [known, added] =
        known_.try_emplace(absl::StrCat("r", text), static_cast<uint32_t>(regex_routes_.size()));
    if (added) {
      regexes_.Add(*pattern.regex);
      regex_routes_.emplace_back();
    }
    return regex_routes_[known->second];
  }
  if (!pattern.case_sensitive && folded_ == nullptr) folded_ = std::make_unique<Patterns>();
  Patterns& patterns = pattern.case_sensitive ? sensitive_ : *folded_;
  std::string key = pattern.case_sensitive ? pattern.text : absl::AsciiStrToLower(pattern.text);
  const absl::string_view kind = pattern.kind == Kind::kExact    ? "e"
                                 : pattern.kind == Kind::kPrefix ? "p"
                                                                 : "s";
  const uint32_t next = static_cast<uint32_t>(lists_.size());
  const auto [known, added] =
      known_.try_emplace(absl::StrCat(kind, pattern.case_sensitive ? "=" : "~", key), next);
  if (added) {
    lists_.emplace_back();
    if (pattern.kind == Kind::kExact) {
      patterns.exact.emplace(std::move(key), next);
    } else if (pattern.kind == Kind::kPrefix) {
      patterns.prefixes.Add(std::move(key), next);
    } else {
      patterns.separated.Add(std::move(key), next);
    }
  }
  return lists_[known->second];
}

void PathIndex::Add(const PathPattern& pattern, uint32_t route, bool unconditional) {
  Routes& list = ListOf(pattern);
  if (list.closed) return;  // Never reached.
  list.routes.push_back(route);
  list.closed = unconditional;
}

void PathIndex::Build() {
  known_ = {};
  sensitive_.prefixes.Build();
  sensitive_.separated.Build();
  if (folded_ != nullptr) {
    folded_->prefixes.Build();
    folded_->separated.Build();
  }
  regexes_.Build();
}

}  // namespace proxenos::route
