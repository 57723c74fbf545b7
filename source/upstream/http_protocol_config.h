// From the protocol options of a cluster (HttpProtocolOptions of upstreams.http.v3, and the
// deprecated fields that they replace) to ClusterConfig. Room 3 of an update.
#pragma once

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/config/errors.h"
#include "source/upstream/cluster.h"

namespace proxenos::upstream {

// Fills in what of `to` is about HTTP; `path` is the cluster's.
void CompileHttpProtocol(const envoy::config::cluster::v3::Cluster& proto, config::Errors& errors,
                         const config::Path& path, ClusterConfig& to);

}  // namespace proxenos::upstream
