// The kinds of clusters that have no endpoints of their own: dynamic forward proxies and
// aggregates.
#pragma once

#include "source/upstream/cluster_config.h"

namespace proxenos::upstream {

ClusterKinds BuiltinClusterKinds();

}  // namespace proxenos::upstream
