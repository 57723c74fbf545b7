// How names are resolved: from the DNS fields of Cluster, and from the resolver settings that the
// bootstrap has for all clusters, to net::DnsOptions and DnsSettings.
#pragma once

#include <memory>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/core/v3/resolver.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.pb.h"
#include "source/config/errors.h"
#include "source/upstream/cluster.h"

namespace proxenos::upstream {

// Bootstrap.typed_dns_resolver_config and Cluster.typed_dns_resolver_config: c-ares only.
net::DnsOptions CompileDnsOptions(const envoy::config::core::v3::TypedExtensionConfig& proto,
                                  config::Errors& errors, const config::Path& path);

// Bootstrap.dns_resolution_config and Cluster.dns_resolution_config, deprecated but in use.
net::DnsOptions CompileDnsOptions(const envoy::config::core::v3::DnsResolutionConfig& proto,
                                  config::Errors& errors, const config::Path& path);

// All of a DNS cluster's settings. Never null.
std::unique_ptr<const DnsSettings> CompileDnsSettings(
    const envoy::config::cluster::v3::Cluster& proto, config::Errors& errors,
    const config::Path& path);
std::unique_ptr<const DnsSettings> CompileDnsSettings(
    const envoy::extensions::clusters::dns::v3::DnsCluster& proto, config::Errors& errors,
    const config::Path& path);
// Of a dynamic forward proxy's cache.
std::unique_ptr<const DnsSettings> CompileDnsSettings(
    const envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig& proto,
    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
