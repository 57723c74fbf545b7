// BucketRules: up to which bounds histograms are counted where they are shown or sent as buckets
// (StatsConfig.histogram_bucket_settings). What is recorded is the same with other rules: a bound
// of more than two significant digits counts what is in buckets that end at most there
// (histogram.h).
#pragma once

#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace proxenos::stats {

// Owner: the StatView. Thread: main.
class BucketRules {
 public:
  using Matches = absl::AnyInvocable<bool(absl::string_view) const>;

  // The first rule that matches a full name counts. The bounds come in any order, each once.
  void Add(Matches matches, std::vector<double> bounds);

  // By rising bound; DefaultBounds() where no rule matches.
  absl::Span<const double> BoundsOf(absl::string_view full_name) const;

 private:
  struct Rule {
    Matches matches;
    std::vector<double> bounds;
  };

  std::vector<Rule> rules_;
};

}  // namespace proxenos::stats
