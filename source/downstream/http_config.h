// HttpConfig and ListenerConfig: what a listener and its connection manager are configured to do,
// compiled from protos into plain data (listener_config.h makes them).
//
// Invariant: immutable and shared by all workers. A changed listener is a new ListenerConfig.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/access_log/access_log.h"
#include "source/access_log/formatter.h"
#include "source/base/clock.h"
#include "source/base/limits.h"
#include "source/base/rc.h"
#include "source/downstream/chain_match.h"
#include "source/downstream/connection_limit.h"
#include "source/downstream/scope_table.h"
#include "source/filter/discovered_filter.h"
#include "source/filter/filter_chain.h"
#include "source/filter/listener_filter.h"
#include "source/filter/network_filter.h"
#include "source/http/name_spellings.h"
#include "source/http/path.h"
#include "source/http1/decoder.h"
#include "source/http2/settings.h"
#include "source/net/address.h"
#include "source/net/socket.h"
#include "source/route/route_table.h"
#include "source/runtime/setting.h"
#include "source/tls/context_template.h"

namespace proxenos::tracing {
struct Config;
}

namespace proxenos::downstream {

class ChainTree;          // chain_tree.h
class ConnectionBalance;  // connection_balance.h
struct DatagramConfig;    // datagram_service.h
class FilterPredicate;    // filter_predicate.h
struct OriginRules;       // origin_rules.h

// A route table with its header formats compiled: what RDS publishes.
struct RouteSnapshot {
  std::shared_ptr<const route::RouteTable> table;
  std::vector<access_log::Formatter> formats;  // By HeaderAddition::format_index.
  bool asks_notes = false;                     // Some of them does (access_log::AsksForNotes).
};

// One worker's current snapshot of a route configuration; listeners that name it share the cell.
struct RouteCell final : public base::RefCounted {
  base::Held<RouteSnapshot> current;  // Null until the first arrives.
};

// One worker's current TLS context of one filter chain: what a change of its secrets publishes.
struct TlsCell final : public base::RefCounted {
  base::Held<tls::ServerContext> current;  // Null until its secrets are there.
};

// One worker's current filters of a chain some of which come by discovery.
struct FilterCell final : public base::RefCounted {
  std::shared_ptr<const filter::FilterFactories> current;  // Null: those of the configuration.
};

// HttpConnectionManager.scoped_routes
struct ScopedRoutes {
  std::string name;
  route::ScopeKeyBuilder key;
  std::vector<Scope> listed;  // Unless they come by discovery.
};

// One worker's current scopes of a chain, with the cells of the route tables that they name.
struct ScopeCell final : public base::RefCounted {
  std::shared_ptr<const ScopeTable> table;  // Null until the first arrives.
  std::vector<base::Rc<RouteCell>> routes;  // Of table->origins().
};

// HttpConnectionManager
struct HttpConfig {
  enum class ServerHeader : uint8_t { kOverwrite, kAppendIfAbsent, kPassThrough };
  enum class StripPort : uint8_t { kNone, kMatching, kAny };
  enum class ForwardClientCert : uint8_t {
    kSanitize,
    kForwardOnly,
    kAppendForward,
    kSanitizeSet,
    kAlwaysForwardOnly,
  };
  struct ClientCertDetails {
    bool subject = false;
    bool cert = false;
    bool chain = false;
    bool dns = false;
    bool uri = false;
  };
  // kAuto: by ALPN, else by the first bytes.
  enum class Codec : uint8_t { kAuto, kHttp1, kHttp2 };

  std::string stat_prefix;
  Codec codec = Codec::kAuto;
  http::NameStyle http1_names = http::NameStyle::kLowerCase;  // header_key_format
  http1::RequestDecoderOptions decoder;
  http2::Settings http2;
  std::string server_name = "envoy";
  ServerHeader server_header = ServerHeader::kOverwrite;
  std::string via;

  bool use_remote_address = false;
  bool skip_xff_append = false;
  uint32_t xff_trusted_hops = 0;
  ForwardClientCert forward_client_cert = ForwardClientCert::kSanitize;
  ClientCertDetails client_cert_details;  // set_current_client_cert_details
  bool generate_request_id = true;
  bool preserve_external_request_id = false;
  bool always_set_request_id_in_response = false;
  bool proxy_100_continue = false;  // Whether to send a body is the origin's to say, not ours.
  http::PathOptions path;
  StripPort strip_port = StripPort::kNone;
  bool strip_trailing_dot = false;

  base::Nanos idle_timeout = base::limits::kConnectionIdleTimeout;  // 0: none.
  base::Nanos max_connection_duration = 0;
  base::Nanos stream_idle_timeout = base::limits::kStreamIdleTimeout;
  base::Nanos request_timeout = 0;
  base::Nanos request_headers_timeout = base::limits::kRequestHeadersTimeout;
  base::Nanos max_stream_duration = 0;
  base::Nanos delayed_close_timeout = base::limits::kDelayedCloseTimeout;
  base::Nanos drain_timeout = base::limits::kDrainTimeout;  // Between the two GOAWAYs.
  uint32_t max_requests_per_connection = 0;                 // 0: unlimited.
  // What these two take longer at most, each connection another part of it.
  double max_connection_duration_jitter_percent = 0;
  double drain_timeout_jitter_percent = 0;
  // http1_safe_max_connection_duration: a connection of HTTP/1 that is too old is not closed while
  // it is idle, but by the next response, which says so.
  bool http1_waits_at_max_duration = false;

  std::vector<std::string> upgrades;  // Lower case types that may be tunnelled; "connect" too.

  filter::FilterFactories filters;
  std::vector<filter::DiscoveredFilter> discovered;  // Those of `filters` that discovery replaces.
  access_log::AccessLogs access_logs;
  bool logs_upstream_local = false;
  bool asks_notes = false;  // Some log, filter or tag does (access_log::AsksForNotes).
  std::shared_ptr<const tracing::Config> tracing;  // Null: no request is traced.

  // Exactly one of the three: routes by name, written inline, or by scope.
  std::string rds_name;
  std::shared_ptr<const RouteSnapshot> routes;
  std::shared_ptr<const ScopedRoutes> scopes;

  std::shared_ptr<const OriginRules> origin;  // Null: none of them is there.
};

class NetworkTerminal;

// FilterChain
struct ChainConfig {
  std::string name;
  // Network filters before the terminal one, first to last.
  std::vector<std::shared_ptr<const filter::NetworkFilterFactory>> filters;
  // The terminal one, exactly one of the two: the HTTP connection manager, or another.
  std::shared_ptr<const HttpConfig> http;
  std::shared_ptr<const NetworkTerminal> terminal;
  // transport_socket; null: plain text. Its contexts come through the chain's TlsCell.
  std::shared_ptr<const tls::ServerTemplate> tls;
  base::Nanos handshake_timeout = base::limits::kHandshakeTimeout;  // 0: none.
};

// What of a filter chain changes while its listener stands. Each is null where there is none.
struct ChainCells {
  base::Rc<RouteCell> routes;
  base::Rc<TlsCell> tls;
  base::Rc<FilterCell> filters;
  base::Rc<ScopeCell> scopes;
};

// What of a listener has nothing to do with its filter chains: an update of those alone keeps it.
struct ListenerFrame {
  std::string name;
  std::vector<net::Address> addresses;  // The first is Listener.address.
  net::ListenOptions listen;
  // Of `addresses`, where some have options of their own; else empty: all are as `listen` says.
  std::vector<net::ListenOptions> listen_each;
  const net::ListenOptions& ListenOf(size_t address) const {
    return listen_each.empty() ? listen : listen_each[address];
  }
  std::string stat_prefix;  // Empty: the address.
  // What its stats are called by.
  std::string stat_address() const;
  bool bind_to_port = true;
  bool inbound = false;             // traffic_direction: INBOUND, for drain_listeners.
  bool outbound = false;            // traffic_direction: OUTBOUND
  bool drains_when_failing = true;  // drain_type: DEFAULT: on /healthcheck/fail too.
  uint32_t connection_buffer_bytes = base::limits::kConnectionOutBytes;
  uint32_t max_accepts_per_turn = base::limits::kMaxAcceptsPerTurn;
  bool ignores_global_limit = false;   // ignore_global_conn_limit
  bool use_original_dst = false;       // Redirected connections go to the listener they were for.
  access_log::AccessLogs access_logs;  // A line a connection.
  // listener_filters, first to last.
  std::vector<std::shared_ptr<const filter::ListenerFilterFactory>> filters;
  // As `filters`: for which connections each is disabled, null for none. Empty: all are enabled.
  std::vector<std::shared_ptr<const FilterPredicate>> filters_disabled;
  base::Nanos filters_timeout = base::limits::kListenerFiltersTimeout;  // 0: none.
  bool continue_on_filters_timeout = false;
  std::shared_ptr<const DatagramConfig> datagrams;  // Null: it takes connections.
  // envoy.resource_limits.listener.NAME.connection_limit, asked for with each connection.
  runtime::IntegerSetting connection_limit{UINT64_MAX};
  // tidy: allow shared-mutable: the listener's connections on all workers, counted by each.
  std::shared_ptr<ConnectionLimit> connections = std::make_shared<ConnectionLimit>(UINT64_MAX);
  // exact_balance; null: the kernel spreads connections over the workers' sockets.
  // tidy: allow shared-mutable: connections counted by the workers that have them.
  std::shared_ptr<ConnectionBalance> balance;
};

struct ListenerConfig : ListenerFrame {
  ChainMatch match;  // Which of `chains`.
  // At least one: filter_chains in order, then default_filter_chain. None where there are
  // datagrams. Versions of a listener share those that are the same in both.
  std::vector<std::shared_ptr<const ChainConfig>> chains;
  // filter_chain_matcher, which chooses in the place of `match`; null: there is none.
  std::shared_ptr<const ChainTree> chain_tree;
};

inline std::string ListenerFrame::stat_address() const {
  if (!stat_prefix.empty()) return stat_prefix;
  if (addresses.empty() || addresses.front().family() == net::Address::Family::kInternal) {
    return absl::StrCat("envoy_internal_", name);
  }
  return addresses.front().ToString();
}

}  // namespace proxenos::downstream
