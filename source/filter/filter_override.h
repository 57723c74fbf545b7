// What the stream's route says to one of its filters: typed_per_filter_config of the weighted
// cluster, the route, the virtual host and the table. Filters ask when they are made or called.
#pragma once

#include <optional>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/route/filter_override.h"
#include "source/route/rewrite.h"

namespace proxenos::filter {

// The weighted cluster that the router will choose, where it matters to filters; or null.
const route::WeightedCluster* ChosenWeight(const StreamContext& stream);

// Whether any level says anything to any filter: most streams' do not.
inline bool HasOverrides(const StreamContext& stream) {
  if (stream.routes == nullptr) return false;
  if (!stream.routes->filter_overrides().empty()) return true;
  const route::Route* const route = stream.route;
  if (route == nullptr) return false;
  if (!route->filter_overrides.empty() || !route->virtual_host->filter_overrides.empty()) {
    return true;
  }
  const route::Forward* const forward = route->forward();
  return forward != nullptr && forward->weighted_overrides;
}

// Calls visit(const route::FilterOverride&) for each level that names the filter, the most specific
// one first, until it returns false.
template <typename Visit>
void ForEachOverride(const StreamContext& stream, const route::FilterName& filter, Visit visit) {
  if (!HasOverrides(stream)) return;
  const route::FilterOverrides* levels[4] = {};
  if (stream.route != nullptr) {
    const route::WeightedCluster* chosen = ChosenWeight(stream);
    if (chosen != nullptr) levels[0] = &chosen->filter_overrides;
    levels[1] = &stream.route->filter_overrides;
    levels[2] = &stream.route->virtual_host->filter_overrides;
  }
  levels[3] = &stream.routes->filter_overrides();
  for (const route::FilterOverrides* level : levels) {
    if (level == nullptr || level->empty()) continue;
    const route::FilterOverride* one = level->Find(filter);
    if (one != nullptr && !visit(*one)) return;
  }
}

// Whether the filter is no part of this stream.
bool IsDisabled(const StreamContext& stream, const FilterFactory& factory);

// The most specific settings of the filter's own kind, or null. REQUIRES: Settings is what
// factory.override_kind makes.
template <typename Settings>
const Settings* FindSettings(const StreamContext& stream, const FilterFactory& factory) {
  const Settings* found = nullptr;
  ForEachOverride(stream, factory.name, [&](const route::FilterOverride& one) {
    if (one.settings == nullptr || one.kind != factory.override_kind) return true;
    found = static_cast<const Settings*>(one.settings.get());
    return false;
  });
  return found;
}

}  // namespace proxenos::filter
