// From envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig and
// common.dynamic_forward_proxy.v3.DnsCacheConfig to what a dynamic forward proxy needs to know.
#pragma once

#include "envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.pb.h"
#include "envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.pb.h"
#include "source/config/errors.h"
#include "source/upstream/dynamic_forward_proxy.h"

namespace proxenos::upstream {

DnsCacheSettings CompileDnsCache(
    const envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig& proto,
    config::Errors& errors, const config::Path& path);

DynamicForwardProxy CompileDynamicForwardProxy(
    const envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig& proto,
    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
