// TagRules: how stat names are taken apart into a family and labels: StatsConfig.stats_tags and
// use_all_default_tags. The tags that Envoy has by default need no rule (scope.h says which parts
// of a name they are); a rule of the configuration is a regular expression over the full name.
//
// Thread: any (immutable once the configuration is read).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/stats/bucket_rules.h"
#include "source/stats/reading.h"
#include "source/stats/stat_list.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace proxenos::stats {

struct Tag {
  std::string name;
  std::string value;

  friend bool operator==(const Tag&, const Tag&) = default;
};

// A stat as a labelled one.
struct TaggedStat {
  std::string family;  // The full name without the parts that are tags: "cluster.upstream_rq".
  std::vector<Tag> tags;
};

class TagRules {
 public:
  // Names are taken apart only up to this size; what is longer shows the default tags alone.
  static constexpr size_t kMaxNameBytes = 4096;
  static constexpr size_t kMaxRules = 200;

  // The tags of Envoy are shown. Otherwise those alone that ShowDefault named.
  void ShowDefaults(bool all) { all_defaults_ = all; }
  // Error: Envoy has no tag of that name.
  absl::Status ShowDefault(absl::string_view tag);
  // The first group is the part of the name to take out, the second one in it the value; without a
  // second one the first is both. Error: not RE2 syntax (a lookahead of one character before `.*`
  // is understood besides), no group, or too many rules.
  absl::Status AddRegex(absl::string_view tag, absl::string_view pattern);
  // Each stat has it.
  void AddFixed(absl::string_view tag, absl::string_view value);

  // Whether names come apart as they do by default, but for fixed tags.
  bool plain() const { return all_defaults_ && rules_.empty(); }
  absl::Span<const Tag> fixed() const { return fixed_; }

  // Whether Take might give another result than the defaults do. Cheap.
  bool MayConcern(absl::string_view full_name) const;
  TaggedStat Take(const ScopeName& scope, const Stat& stat) const;

 private:
  struct Rule {
    std::string tag;
    std::string literal;  // A part that every match has; may be empty.
    std::shared_ptr<const re2::RE2> regex;
    bool nested = false;  // It has a second group.
  };

  bool Shows(absl::string_view default_tag) const;

  bool all_defaults_ = true;
  std::vector<std::string> defaults_;
  std::vector<Rule> rules_;
  std::vector<Tag> fixed_;
};

// What the configuration says of all stats that are shown or sent anywhere.
// Owner: the server. Thread: main.
struct StatView {
  // StatsConfig.stats_matcher, asked with the full name. Null: every stat exists.
  absl::AnyInvocable<bool(absl::string_view) const> exists = nullptr;
  TagRules tags = {};
  BucketRules buckets = {};

  static const StatView& Plain();
};

}  // namespace proxenos::stats
