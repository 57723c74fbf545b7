// StatsByCluster: what a filter counts for each cluster that requests go to.
#pragma once

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/stats/registry.h"

namespace proxenos::filter {

// Owner: the filter's part of a worker. Thread: the worker's.
template <class Stats>
class StatsByCluster {
 public:
  // `shape` has one value: the cluster.
  StatsByCluster(stats::Registry& registry, const stats::ScopeShape& shape)
      : registry_(registry), shape_(shape) {}

  // Opened when first asked for.
  Stats& Of(absl::string_view cluster) {
    auto it = groups_.find(cluster);
    if (it == groups_.end()) {
      it = groups_
               .emplace(std::string(cluster),
                        registry_.Open<Stats>(stats::ScopeName(shape_, {cluster})))
               .first;
    }
    return *it->second;
  }

 private:
  stats::Registry& registry_;
  const stats::ScopeShape& shape_;
  absl::flat_hash_map<std::string, stats::Group<Stats>> groups_;
};

}  // namespace proxenos::filter
