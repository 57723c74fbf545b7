// The DNS part of a cluster's configuration.
#include "source/upstream/dns_config.h"

#include <algorithm>
#include <string>

#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "source/config/typed_config.h"
#include "source/upstream/address_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;
using envoy::config::cluster::v3::Cluster;
using envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig;
using DnsClusterProto = envoy::extensions::clusters::dns::v3::DnsCluster;
using envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;
using Addresses = google::protobuf::RepeatedPtrField<core::Address>;

constexpr uint16_t kDnsPort = 53;
// The kernel's and c-ares' own waits would overflow far beyond this.
constexpr uint64_t kMaxQueryTimeoutSeconds = 3600;
constexpr uint32_t kMaxQueryTries = 100;
// No refresh rate is multiplied beyond it.
constexpr base::Nanos kLongest = base::kNever / 4;

std::vector<net::Address> CompileServers(const Addresses& protos, config::Errors& errors,
                                         const config::Path& path) {
  std::vector<net::Address> servers;
  for (int i = 0; i < protos.size(); ++i) {
    if (!protos[i].has_socket_address()) {
      errors.Add(path.Index(i), "expected a socket_address with the IP address of a DNS server");
      continue;
    }
    auto server =
        CompileIpAddress(protos[i].socket_address(), errors, path.Index(i).Field("socket_address"));
    if (!server.has_value()) continue;
    servers.push_back(server->port() == 0 ? server->WithPort(kDnsPort) : *server);
  }
  return servers;
}

void SetResolverOptions(const core::DnsResolverOptions& proto, net::DnsOptions& options) {
  options.use_tcp = proto.use_tcp_for_dns_lookups();
  options.no_search_domains = proto.no_default_search_domain();
}

const Addresses& ServersOf(const Cluster& proto) { return proto.dns_resolvers(); }
const Addresses& ServersOf(const DnsCacheConfig&) {
  static const Addresses* const kNone = new Addresses;
  return *kNone;
}

// How the resolver is chosen: the newest of the fields that is set counts.
template <typename Proto>
void SetResolver(const Proto& proto, config::Errors& errors, const config::Path& path,
                 DnsSettings& settings) {
  settings.own_resolver = true;
  if (proto.has_typed_dns_resolver_config()) {
    settings.resolver = CompileDnsOptions(proto.typed_dns_resolver_config(), errors,
                                          path.Field("typed_dns_resolver_config"));
  } else if (proto.has_dns_resolution_config()) {
    settings.resolver = CompileDnsOptions(proto.dns_resolution_config(), errors,
                                          path.Field("dns_resolution_config"));
  } else if (!ServersOf(proto).empty() || proto.use_tcp_for_dns_lookups()) {
    settings.resolver.servers =
        CompileServers(ServersOf(proto), errors, path.Field("dns_resolvers"));
    settings.resolver.use_tcp = proto.use_tcp_for_dns_lookups();
  } else {
    settings.own_resolver = false;
  }
}

// The typed cluster numbers the same families otherwise.
net::DnsFamily FamilyOf(envoy::extensions::clusters::common::dns::v3::DnsLookupFamily family) {
  namespace dns = envoy::extensions::clusters::common::dns::v3;
  switch (family) {
    case dns::V4_ONLY:
      return net::DnsFamily::kV4Only;
    case dns::V6_ONLY:
      return net::DnsFamily::kV6Only;
    case dns::V4_PREFERRED:
      return net::DnsFamily::kV4Preferred;
    case dns::ALL:
      return net::DnsFamily::kAll;
    default:
      return net::DnsFamily::kAuto;
  }
}

net::DnsFamily FamilyOf(Cluster::DnsLookupFamily family) {
  switch (family) {
    case Cluster::V4_ONLY:
      return net::DnsFamily::kV4Only;
    case Cluster::V6_ONLY:
      return net::DnsFamily::kV6Only;
    case Cluster::V4_PREFERRED:
      return net::DnsFamily::kV4Preferred;
    case Cluster::ALL:
      return net::DnsFamily::kAll;
    default:
      return net::DnsFamily::kAuto;
  }
}

// Both messages have these fields.
template <typename RefreshRate>
void SetFailureRefresh(const RefreshRate& proto, config::Errors& errors, const config::Path& path,
                       DnsSettings& settings) {
  settings.failure_refresh_base =
      CompileDuration(proto.base_interval(), errors, path.Field("base_interval"));
  settings.failure_refresh_max =
      proto.has_max_interval()
          ? CompileDuration(proto.max_interval(), errors, path.Field("max_interval"))
          : std::min(settings.failure_refresh_base, kLongest / 10) * 10;
  if (settings.failure_refresh_max < settings.failure_refresh_base) {
    errors.Add(path.Field("max_interval"), "expected at least base_interval");
  }
}

}  // namespace

net::DnsOptions CompileDnsOptions(const core::TypedExtensionConfig& proto, config::Errors& errors,
                                  const config::Path& path) {
  net::DnsOptions options;
  CaresDnsResolverConfig cares;
  const config::Path typed = path.Field("typed_config");
  if (!config::UnpackTypedConfigTo(proto.typed_config(), cares, typed, errors)) return options;
  options.servers = CompileServers(cares.resolvers(), errors, typed.Field("resolvers"));
  SetResolverOptions(cares.dns_resolver_options(), options);
  options.rotate = cares.rotate_nameservers();
  options.servers_as_fallback = cares.use_resolvers_as_fallback();
  options.filter_unroutable = cares.filter_unroutable_families();
  options.udp_max_queries = cares.udp_max_queries().value();
  options.edns_payload = cares.edns0_max_payload_size().value();
  options.renew_on_timeout = cares.reinit_channel_on_timeout();
  if (cares.has_max_udp_channel_duration()) {
    options.channel_age = CompileDuration(cares.max_udp_channel_duration(), errors,
                                          typed.Field("max_udp_channel_duration"));
  }
  if (cares.has_query_timeout_seconds()) {
    const uint64_t seconds = cares.query_timeout_seconds().value();
    if (seconds == 0 || seconds > kMaxQueryTimeoutSeconds) {
      errors.AddValue(typed.Field("query_timeout_seconds"), std::to_string(seconds),
                      "1 to 3600 seconds");
    }
    options.query_timeout =
        static_cast<base::Nanos>(std::min(seconds, kMaxQueryTimeoutSeconds)) * base::kSecond;
  }
  if (cares.has_query_tries()) {
    options.query_tries = cares.query_tries().value();
    if (options.query_tries == 0 || options.query_tries > kMaxQueryTries) {
      errors.AddValue(typed.Field("query_tries"), std::to_string(options.query_tries), "1 to 100");
    }
  }
  return options;
}

net::DnsOptions CompileDnsOptions(const core::DnsResolutionConfig& proto, config::Errors& errors,
                                  const config::Path& path) {
  net::DnsOptions options;
  options.servers = CompileServers(proto.resolvers(), errors, path.Field("resolvers"));
  SetResolverOptions(proto.dns_resolver_options(), options);
  return options;
}

// How often names are asked: in both messages the fields have the same names.
template <typename Proto>
std::unique_ptr<DnsSettings> CompileRates(const Proto& proto, config::Errors& errors,
                                          const config::Path& path) {
  auto settings = std::make_unique<DnsSettings>();
  settings->family = FamilyOf(proto.dns_lookup_family());
  settings->respect_ttl = proto.respect_dns_ttl();
  if (proto.has_dns_refresh_rate()) {
    settings->refresh_rate =
        CompileDuration(proto.dns_refresh_rate(), errors, path.Field("dns_refresh_rate"));
  }
  if (proto.has_dns_jitter()) {
    settings->jitter = CompileDuration(proto.dns_jitter(), errors, path.Field("dns_jitter"));
  }
  settings->failure_refresh_base = settings->failure_refresh_max = settings->refresh_rate;
  if (proto.has_dns_failure_refresh_rate()) {
    SetFailureRefresh(proto.dns_failure_refresh_rate(), errors,
                      path.Field("dns_failure_refresh_rate"), *settings);
  }
  return settings;
}

std::unique_ptr<const DnsSettings> CompileDnsSettings(const Cluster& proto, config::Errors& errors,
                                                      const config::Path& path) {
  std::unique_ptr<DnsSettings> settings = CompileRates(proto, errors, path);
  SetResolver(proto, errors, path, *settings);
  return settings;
}

std::unique_ptr<const DnsSettings> CompileDnsSettings(const DnsClusterProto& proto,
                                                      config::Errors& errors,
                                                      const config::Path& path) {
  std::unique_ptr<DnsSettings> settings = CompileRates(proto, errors, path);
  if (proto.has_dns_min_refresh_rate()) {
    settings->min_refresh_rate =
        CompileDuration(proto.dns_min_refresh_rate(), errors, path.Field("dns_min_refresh_rate"));
  }
  if (proto.has_typed_dns_resolver_config()) {
    settings->own_resolver = true;
    settings->resolver = CompileDnsOptions(proto.typed_dns_resolver_config(), errors,
                                           path.Field("typed_dns_resolver_config"));
  }
  return settings;
}

std::unique_ptr<const DnsSettings> CompileDnsSettings(const DnsCacheConfig& proto,
                                                      config::Errors& errors,
                                                      const config::Path& path) {
  auto settings = std::make_unique<DnsSettings>();
  settings->family = FamilyOf(proto.dns_lookup_family());
  settings->refresh_rate = 60 * base::kSecond;
  if (proto.has_dns_refresh_rate()) {
    settings->refresh_rate =
        CompileDuration(proto.dns_refresh_rate(), errors, path.Field("dns_refresh_rate"));
  }
  settings->failure_refresh_base = settings->failure_refresh_max = settings->refresh_rate;
  if (proto.has_dns_failure_refresh_rate()) {
    SetFailureRefresh(proto.dns_failure_refresh_rate(), errors,
                      path.Field("dns_failure_refresh_rate"), *settings);
  }
  SetResolver(proto, errors, path, *settings);
  return settings;
}

}  // namespace proxenos::upstream
