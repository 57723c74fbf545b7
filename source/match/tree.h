// MatchTree: xds.type.matcher.v3.Matcher, compiled: a list of predicates, or a map by one text or
// address, of which each leads to an action or to a tree below.
//
// As in Envoy, what leads to a tree below that decides nothing counts as not matched, and the next
// predicate (or shorter prefix) is tried. Long lists are not walked: ListIndex says which entries
// may hold, and the first of them in the list's order is taken. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/match/ip_ranges.h"
#include "source/match/list_index.h"
#include "source/match/predicate.h"
#include "source/match/reading.h"

namespace proxenos::match {

// What a tree decides.
struct Found {
  enum class State : uint8_t {
    kNothing,
    kAction,
    kLater,  // That depends on something that is still to come, or that nobody can say.
  };
  State state = State::kNothing;
  uint32_t action = 0;  // Its number, of kAction.
};

class MatchTree {
 public:
  struct OnMatch {
    uint32_t action = 0;                      // Its number, where there is no tree.
    std::unique_ptr<const MatchTree> tree{};  // Null: the action.
    bool keeps_matching = false;              // Goes on as if it had not matched.
  };
  struct Entry {
    Predicate predicate;
    OnMatch on_match;
  };
  // IPMatcher: an address leads to what the narrowest range that holds it is for.
  struct RangeMap {
    struct Entry {
      OnMatch on_match;
      bool exclusive = false;  // Counts only where no narrower range holds the address.
    };
    IpRanges ranges;  // Their numbers are indices into `entries`.
    std::vector<Entry> entries;
  };
  struct Map {
    uint32_t input = 0;
    bool prefixes = false;  // Else whole texts.
    absl::flat_hash_map<std::string, OnMatch> entries;
    std::vector<size_t> lengths;                 // Of the prefixes that there are, longest first.
    std::unique_ptr<const RangeMap> by_range{};  // Null: by text.
  };

  // `list` and `map` may be empty: then `otherwise` alone decides.
  MatchTree(std::vector<Entry> list, std::unique_ptr<const Map> map,
            std::optional<OnMatch> otherwise);

  Found Find(ReadInput read) const;
  // The same, always by walking the lists.
  Found FindInOrder(ReadInput read) const;

 private:
  Found Find(ReadInput read, bool by_index) const;
  Found FindInList(ReadInput read, bool by_index) const;
  Found FindInMap(ReadInput read, bool by_index) const;
  static Found FindInRanges(const RangeMap& map, const Reading& address, ReadInput read,
                            bool by_index);
  static Found Follow(const OnMatch& on_match, ReadInput read, bool by_index);

  std::vector<Entry> list_;
  std::unique_ptr<const ListIndex> index_;  // Null: the list is short.
  std::unique_ptr<const Map> map_;          // May be null.
  std::optional<OnMatch> otherwise_;
};

}  // namespace proxenos::match
