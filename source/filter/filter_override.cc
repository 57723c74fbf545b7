// Which filters a route wants.
#include "source/filter/filter_override.h"

namespace proxenos::filter {

const route::WeightedCluster* ChosenWeight(const StreamContext& stream) {
  const route::Forward* forward = stream.route == nullptr ? nullptr : stream.route->forward();
  if (forward == nullptr || !forward->weighted_overrides) return nullptr;
  return route::PickCluster(*stream.route, stream.match_input()).weighted;
}

bool IsDisabled(const StreamContext& stream, const FilterFactory& factory) {
  bool disabled = factory.disabled;
  ForEachOverride(stream, factory.name, [&](const route::FilterOverride& one) {
    disabled = one.disabled;
    return false;
  });
  return disabled;
}

}  // namespace proxenos::filter
