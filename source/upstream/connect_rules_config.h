// From Cluster.upstream_bind_config and upstream_connection_options to ConnectRules.
#pragma once

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/base/sparse.h"
#include "source/config/errors.h"
#include "source/upstream/connect_rules.h"

namespace proxenos::upstream {

void CompileConnectRules(const envoy::config::cluster::v3::Cluster& proto, config::Errors& errors,
                         const config::Path& path, base::Sparse<ConnectRules>& to);

}  // namespace proxenos::upstream
