// MatchTree: xds.type.matcher.v3.Matcher, compiled for questions of access: a list of conditions,
// or a map by one text, of which each leads to an action or to a tree below.
//
// As in Envoy, what leads to a tree below that decides nothing counts as not matched, and the next
// condition (or shorter prefix) is tried. Thread: any (immutable after construction).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/rbac/condition.h"
#include "source/rbac/input.h"

namespace proxenos::rbac {

class MatchTree {
 public:
  struct OnMatch {
    uint32_t action = 0;                      // Its index, where there is no tree.
    std::unique_ptr<const MatchTree> tree{};  // Null: the action.
  };
  struct Entry {
    Condition condition;
    OnMatch on_match;
  };
  struct ByText {
    Input input;
    bool prefixes = false;  // Else whole texts.
    absl::flat_hash_map<std::string, OnMatch> map;
    // Of the prefixes that there are, longest first.
    std::vector<size_t> lengths;
  };

  // Both may be empty: then `otherwise` alone decides.
  MatchTree(std::vector<Entry> list, std::unique_ptr<const ByText> by_text,
            std::optional<OnMatch> otherwise);

  // The index of an action; nothing when nothing matched.
  std::optional<uint32_t> Find(const Access& access) const;

 private:
  std::optional<uint32_t> FindByText(const Access& access) const;

  std::vector<Entry> list_;
  std::unique_ptr<const ByText> by_text_;  // May be null.
  std::optional<OnMatch> otherwise_;
};

}  // namespace proxenos::rbac
