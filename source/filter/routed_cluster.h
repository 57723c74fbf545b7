// RoutedCluster: the cluster that a stream's route leads to, for filters that count by cluster.
#pragma once

#include <string>

#include "source/filter/stream_context.h"
#include "source/route/rewrite.h"

namespace proxenos::filter {

// Its name; empty when the route leads to none that there is. A route may take the name from a
// field of the request: what a client has made up must not become a scope of stats.
inline std::string RoutedCluster(const StreamContext& stream) {
  if (stream.route == nullptr || stream.route->forward() == nullptr) return std::string();
  const absl::string_view name = route::PickCluster(*stream.route, stream.match_input()).name;
  return stream.environment.clusters.Find(name) ? std::string(name) : std::string();
}

}  // namespace proxenos::filter
