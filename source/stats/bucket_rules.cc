// First match.
#include "source/stats/bucket_rules.h"

#include <algorithm>
#include <utility>

#include "source/stats/render.h"

namespace proxenos::stats {

void BucketRules::Add(Matches matches, std::vector<double> bounds) {
  std::sort(bounds.begin(), bounds.end());
  rules_.push_back({std::move(matches), std::move(bounds)});
}

absl::Span<const double> BucketRules::BoundsOf(absl::string_view full_name) const {
  for (const Rule& rule : rules_) {
    if (rule.matches(full_name)) return rule.bounds;
  }
  return DefaultBounds();
}

}  // namespace proxenos::stats
