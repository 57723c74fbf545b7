// ClusterConfig: what a cluster is, compiled from envoy.config.cluster.v3.Cluster into plain data.
// cluster_config.h makes it; nothing behind it sees a proto.
//
// Invariant: immutable and shared by all threads. A changed cluster is a new ClusterConfig.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/base/limits.h"
#include "source/base/sparse.h"
#include "source/http/name_spellings.h"
#include "source/http2/settings.h"
#include "source/net/address.h"
#include "source/net/dns_resolver.h"
#include "source/tls/context_template.h"
#include "source/upstream/assignment.h"
#include "source/upstream/balancing.h"
#include "source/upstream/connect_rules.h"
#include "source/upstream/health_check.h"
#include "source/upstream/outlier_detection.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::filter {
struct UpstreamFilters;
}
namespace proxenos::route {
struct HashPolicy;
}

namespace proxenos::upstream {

class LoanDesk;  // lending.h
class LocalZones;
struct DynamicForwardProxy;  // dynamic_forward_proxy.h
struct OrcaRules;            // orca_rules.h
struct OverrideHostRules;    // override_host.h
struct SlowStart;            // slow_start.h
struct SubsetRules;          // subset_rules.h

enum class DiscoveryKind : uint8_t {
  kStatic,
  kStrictDns,
  kLogicalDns,
  kEds,
  kOriginalDst,
  kDynamicForwardProxy,
  kAggregate,
};
// What its hosts are spoken to in.
enum class HttpProtocol : uint8_t {
  kHttp1,
  kHttp2,
  kAuto,        // What ALPN chooses.
  kDownstream,  // What the request came in.
};

// core.v3.RoutingPriority: each has circuit breakers of its own.
enum class RoutingPriority : uint8_t { kDefault, kHigh };
inline constexpr int kRoutingPriorities = 2;

// CircuitBreakers.Thresholds.RetryBudget
struct RetryBudget {
  double percent = 20;  // Of the requests under way.
  uint32_t min_concurrency = 3;
};

// CircuitBreakers.Thresholds.
struct Thresholds {
  uint32_t max_connections = base::limits::kMaxConnections;
  uint32_t max_pending_requests = base::limits::kMaxPendingRequests;
  uint32_t max_requests = base::limits::kMaxRequests;
  uint32_t max_retries = base::limits::kMaxRetries;
  std::optional<RetryBudget> retry_budget;  // In place of max_retries.
  bool track_remaining = false;
};

// core.v3.TcpKeepalive; a zero means the kernel's default.
struct TcpKeepalive {
  bool enabled = false;
  uint32_t probes = 0;
  uint32_t time_s = 0;
  uint32_t interval_s = 0;
};

// What STRICT_DNS and LOGICAL_DNS clusters need besides their endpoints.
struct DnsSettings {
  net::DnsFamily family = net::DnsFamily::kAuto;
  // Which resolver answers; clusters with equal options share one. Without a choice of its own the
  // cluster uses the process's default one.
  bool own_resolver = false;
  net::DnsOptions resolver;
  base::Nanos refresh_rate = 5 * base::kSecond;
  base::Nanos failure_refresh_base = 5 * base::kSecond;
  base::Nanos failure_refresh_max = 5 * base::kSecond;  // Back-off doubles up to this.
  base::Nanos jitter = 0;
  bool respect_ttl = false;
  base::Nanos min_refresh_rate = 0;  // Of what a TTL says: dns_min_refresh_rate.
};

// Where the endpoints of an EDS cluster come from.
struct EdsSettings {
  std::string service_name;  // The resource name: service_name, or the cluster's own.
  bool ads = true;           // eds_config is `ads` (or `self`, which means the same stream).
  std::string source;        // Else the ConfigSource, serialized: equal bytes, same source.
  base::Nanos initial_fetch_timeout = 15 * base::kSecond;  // 0: waits without end.
};

// Where requests of an ORIGINAL_DST cluster go, besides where the client wanted to go itself.
struct OriginalDstSettings {
  std::string header;          // Names "address:port" instead; lower case; empty: no header does.
  uint16_t port_override = 0;  // 0: none.
  // Hosts that nobody was sent to for so long are forgotten.
  base::Nanos cleanup_interval = 5 * base::kSecond;
};

struct ClusterConfig {
  std::string name;
  std::string alt_stat_name;
  const std::string& stat_name() const { return alt_stat_name.empty() ? name : alt_stat_name; }

  DiscoveryKind discovery = DiscoveryKind::kStatic;
  LbPolicy lb_policy = LbPolicy::kRoundRobin;
  HttpProtocol protocol = HttpProtocol::kHttp1;
  // Http1ProtocolOptions.header_key_format, and send_fully_qualified_url.
  http::NameStyle http1_names = http::NameStyle::kLowerCase;
  bool absolute_form = false;
  base::Sparse<http2::Settings> http2;  // Of those connections that speak it.
  // Http1ProtocolOptions.enable_trailers: those of responses pass on instead of being dropped.
  bool response_trailers = false;
  bool allow_chunked_length = false;  // Http1ProtocolOptions.allow_chunked_length
  // common_lb_config.locality_weighted_lb_config is set.
  bool locality_weighted = false;
  // wait_for_warm_on_init: whether start-up waits for the first endpoints.
  bool wait_for_warm_on_init = true;
  uint8_t panic_threshold_percent = 50;
  LeastRequestOptions least_request;
  base::Sparse<HashOptions> hashing;  // Of ring hash and Maglev.
  // HttpProtocolOptions.hash_policy, in the place of those of routes; null: there is none.
  std::shared_ptr<const std::vector<route::HashPolicy>> hash_policies;

  base::Nanos connect_timeout = base::limits::kConnectTimeout;
  base::Nanos idle_timeout = base::limits::kConnectionIdleTimeout;  // 0: never.
  base::Nanos max_connection_duration = 0;                          // 0: unlimited.
  base::Nanos max_stream_duration = 0;                              // Of one try. 0: unlimited.
  uint32_t max_requests_per_connection = 0;                         // 0: unlimited.
  uint32_t connection_buffer_bytes = 1024 * 1024;  // per_connection_buffer_limit_bytes
  uint32_t max_response_headers = base::limits::kMaxHeaders;
  uint32_t max_response_head_bytes = base::limits::kMaxHeadBytes;
  base::Sparse<std::array<Thresholds, kRoutingPriorities>> thresholds;
  uint32_t max_connections_per_host = UINT32_MAX;  // per_host_thresholds
  // Connections are made ahead of need: so many streams for each that is wanted.
  double preconnect_ratio = 1;
  TcpKeepalive keepalive;
  base::Sparse<ConnectRules> connecting;

  // Its TLS transport sockets, which are referred to by index; tls_cell.h.
  std::vector<std::shared_ptr<const tls::ClientTemplate>> tls;
  TransportSocket transport_socket;                     // Of hosts that match none of these.
  std::vector<TransportSocketMatch> transport_matches;  // The first that matches counts.

  // What TLS offers whatever the transport sockets say; empty: that. Of checks (tls_options).
  base::Sparse<std::vector<std::string>> alpn;

  // UpstreamHttpProtocolOptions: SNI and the name to be verified come from the request.
  bool auto_sni = false;
  bool auto_san_validation = false;
  std::string auto_sni_header;  // Lower case; empty: the authority.

  // Whether not every connection to a host serves every request (exchange.h, ConnectionNeeds).
  bool ConnectionsVary() const;
  // Whether some of its hosts are sent one.
  bool SendsProxyHeader() const;
  // And whether some with TLVs that came from the client.
  bool PassesProxyTlvs() const;
  // The transport socket of a host with that metadata.
  const TransportSocket& SocketOf(const FlatStruct& metadata) const;

  base::Sparse<std::string> metadata;  // Serialized, as a host's (HostIdentity).

  // Set for STATIC and the DNS kinds; null for EDS.
  std::shared_ptr<const Assignment> assignment;
  std::shared_ptr<const DnsSettings> dns;                   // Null unless a DNS kind.
  std::shared_ptr<const EdsSettings> eds;                   // Null unless EDS.
  std::shared_ptr<const OriginalDstSettings> original_dst;  // Null unless ORIGINAL_DST.
  // Null unless it is one.
  std::shared_ptr<const DynamicForwardProxy> dynamic_forward_proxy;
  // Of an aggregate cluster: those that it stands for, best first; else null.
  std::shared_ptr<const std::vector<std::string>> aggregated;

  std::shared_ptr<const SubsetRules> subsets;              // Null: hosts are not told apart.
  std::shared_ptr<const OverrideHostRules> override_host;  // Null: balancing decides.
  std::shared_ptr<const OrcaRules> orca;                   // Null: hosts' reports are not read.
  std::shared_ptr<const SlowStart> slow_start;  // Null: new hosts get their whole share at once.

  // HttpProtocolOptions.http_filters: what requests pass on their way to a host; null: nothing.
  std::shared_ptr<const filter::UpstreamFilters> upstream_filters;

  std::shared_ptr<const HealthCheck> health_check;   // Null: hosts are not checked.
  std::shared_ptr<const OutlierDetection> outliers;  // Null: nobody is ejected.
  // common_lb_config: a host counts for panic only once it has been checked.
  bool ignore_new_hosts_until_first_check = false;
  // Hosts that discovery takes away go at once, instead of when their checks fail.
  bool ignore_health_on_host_removal = false;
  bool close_connections_on_host_health_failure = false;
  // common_lb_config.close_connections_on_host_set_change: whenever hosts come or go, connections
  // to all of them end.
  bool close_connections_on_host_set_change = false;
  // common_lb_config.override_host_status: hosts in which state a request may ask for by address,
  // as bits by EndpointHealth.
  uint8_t override_states = kDefaultOverrideStates;

  // track_cluster_stats: of single endpoints, of the sizes of messages, and of what requests take
  // of their timeouts; tracked_stats.h.
  bool track_endpoints = false;
  bool track_sizes = false;
  bool track_budgets = false;
  // Where its workers lend each other connections; null: they do not.
  std::shared_ptr<const LoanDesk> loans;
  // connection_pool_per_downstream_connection
  bool pool_per_client = false;

  // Of policies that may keep to a zone; local_zones is null where there is no local cluster.
  std::optional<ZoneAwareness> zone_awareness;
  std::shared_ptr<const LocalZones> local_zones;
  bool RoutesByZone() const { return zone_awareness.has_value() && local_zones != nullptr; }

 private:
  bool AnySocket(bool (*has)(const TransportSocket& socket)) const;
};

}  // namespace proxenos::upstream
