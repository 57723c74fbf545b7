// The stats of a cluster whose hosts are told apart by metadata, besides the others. One line a
// stat; names are Envoy's. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Which subsets there are. Scope: ClusterScope. Thread: main.
#define PX_CLUSTER_SUBSET_STATS(X) \
  X(Gauge, lb_subsets_active)      \
  X(Counter, lb_subsets_created)   \
  X(Counter, lb_subsets_removed)   \
  X(Gauge, lb_subsets_single_host_per_subset_duplicate)
PX_STATS(ClusterSubsetStats, PX_CLUSTER_SUBSET_STATS);

}  // namespace proxenos::stats
