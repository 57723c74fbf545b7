// From the transport sockets of a cluster to ClusterConfig, and the metadata by which endpoints
// choose among them. Room 3 of an update.
#pragma once

#include <memory>
#include <string>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/base.pb.h"
#include "source/base/sparse.h"
#include "source/config/errors.h"
#include "source/upstream/cluster.h"

namespace proxenos::upstream {

// Fills in what of `to` is about transport; `path` is the cluster's.
void CompileTransportSockets(const envoy::config::cluster::v3::Cluster& proto,
                             config::Errors& errors, const config::Path& path, ClusterConfig& to);

// What transport_socket_matches look at of an endpoint's metadata.
FlatStruct CompileTransportMatch(const envoy::config::core::v3::Metadata& metadata);
// What balancing looks at: envoy.lb. Null when there is none.
std::shared_ptr<const FlatStruct> CompileLbMetadata(
    const envoy::config::core::v3::Metadata& metadata);
// What others may ask for: all filter_metadata, serialized the same each time.
base::Sparse<std::string> KeepMetadata(const envoy::config::core::v3::Metadata& metadata);

}  // namespace proxenos::upstream
