// PathPattern: what a route matches paths by. PathIndex: which routes of a list match a path,
// lowest index first wins, without walking the list.
//
// Exact paths stand in a hash table, prefixes in a radix tree, regexes in one set; each entry
// carries the list index of its route. A request tries its candidates in any order and keeps the
// lowest index whose conditions hold: the list's semantics at a cost that does not grow with the
// list. Thread: any (immutable once built).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/match/regex.h"
#include "source/route/folded_text.h"
#include "source/route/radix_tree.h"
#include "source/route/regex_set.h"

namespace proxenos::route {

// RouteMatch.path_specifier.
struct PathPattern {
  enum class Kind : uint8_t { kPrefix, kExact, kSeparatedPrefix, kRegex, kConnect };

  Kind kind = Kind::kPrefix;
  bool case_sensitive = true;         // Not for kRegex.
  std::string text;                   // Not for kRegex and kConnect.
  std::optional<match::Regex> regex;  // kRegex only.

  // `path` without its query. kConnect matches no path.
  bool Matches(absl::string_view path) const;
};

class PathIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // REQUIRES: routes come in ascending order. `unconditional`: the path alone decides.
  void Add(const PathPattern& pattern, uint32_t route, bool unconditional);
  // After the last Add.
  void Build();

  // The lowest route below `best` whose pattern matches `path` (without its query) and for which
  // holds(route) is true; else `best`.
  template <typename Holds>
  uint32_t Find(absl::string_view path, const Holds& holds, uint32_t best = kNone) const;
  // The same among the routes of kConnect.
  template <typename Holds>
  uint32_t FindConnect(const Holds& holds, uint32_t best = kNone) const {
    connect_.Try(holds, &best);
    return best;
  }

 private:
  // Routes of one pattern, ascending, up to the first that has no further conditions.
  struct Routes {
    std::vector<uint32_t> routes;
    bool closed = false;

    template <typename Holds>
    void Try(const Holds& holds, uint32_t* best) const {
      for (const uint32_t route : routes) {
        if (route >= *best) return;
        if (holds(route)) {
          *best = route;
          return;
        }
      }
    }
  };
  // The patterns of one letter case; values are places in lists_.
  struct Patterns {
    absl::flat_hash_map<std::string, uint32_t> exact;
    RadixTree prefixes;
    RadixTree separated;
  };

  Routes& ListOf(const PathPattern& pattern);
  template <typename Holds>
  void TryPatterns(const Patterns& patterns, absl::string_view path, const Holds& holds,
                   uint32_t* best) const;

  std::vector<Routes> lists_;
  Patterns sensitive_;
  std::unique_ptr<Patterns> folded_;  // Patterns without regard to case, in lower case; often none.
  RegexSet regexes_;
  std::vector<Routes> regex_routes_;  // Of each regex of the set.
  Routes connect_;
  // While building: a pattern's kind, case and text, to its place in lists_ or regex_routes_.
  absl::flat_hash_map<std::string, uint32_t> known_;
};

template <typename Holds>
uint32_t PathIndex::Find(absl::string_view path, const Holds& holds, uint32_t best) const {
  TryPatterns(sensitive_, path, holds, &best);
  if (folded_ != nullptr) {
    const FoldedText folded(path);
    TryPatterns(*folded_, folded.view(), holds, &best);
  }
  if (regex_routes_.empty()) return best;
  // Regexes stand in the order of their first routes: those from `end` on cannot improve on `best`.
  const auto end =
      std::partition_point(regex_routes_.begin(), regex_routes_.end(),
                           [best](const Routes& routes) { return routes.routes.front() < best; });
  if (end == regex_routes_.begin()) return best;
  const auto count = static_cast<uint32_t>(end - regex_routes_.begin());
  regexes_.ForEachMatch(path, count, [&](uint32_t regex) {
    regex_routes_[regex].Try(holds, &best);
    return regex + 1 < count && regex_routes_[regex + 1].routes.front() > best;  // Done.
  });
  return best;
}

template <typename Holds>
void PathIndex::TryPatterns(const Patterns& patterns, absl::string_view path, const Holds& holds,
                            uint32_t* best) const {
  if (!patterns.exact.empty()) {
    const auto found = patterns.exact.find(path);
    if (found != patterns.exact.end()) lists_[found->second].Try(holds, best);
  }
  patterns.prefixes.ForEachPrefixOf(path,
                                    [&](uint32_t list, size_t) { lists_[list].Try(holds, best); });
  patterns.separated.ForEachPrefixOf(path, [&](uint32_t list, size_t length) {
    if (length == path.size() || path[length] == '/') lists_[list].Try(holds, best);
  });
}

}  // namespace proxenos::route
