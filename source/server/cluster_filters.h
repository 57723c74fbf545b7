// The upstream HTTP filters of a cluster (HttpProtocolOptions.http_filters): compiled here, since
// upstream knows no filters.
#pragma once

#include <memory>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/config/errors.h"
#include "source/filter/filter_config.h"
#include "source/upstream/cluster.h"

namespace proxenos::server {

// `compiled`, which was compiled from `proto`, with its filters. Null: it was null, or they are
// wrong, with every error named.
std::shared_ptr<const upstream::ClusterConfig> WithUpstreamFilters(
    const envoy::config::cluster::v3::Cluster& proto, filter::FilterKinds kinds,
    config::Errors& errors, std::shared_ptr<const upstream::ClusterConfig> compiled);

}  // namespace proxenos::server
