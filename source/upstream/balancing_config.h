// From lb_policy, load_balancing_policy and what belongs to them to ClusterConfig.
#pragma once

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/config/errors.h"
#include "source/upstream/cluster.h"

namespace proxenos::upstream {

// Fills in what of `to` is about balancing; `path` is the cluster's.
void CompileBalancing(const envoy::config::cluster::v3::Cluster& proto, config::Errors& errors,
                      const config::Path& path, ClusterConfig& to);

}  // namespace proxenos::upstream
