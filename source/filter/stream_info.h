// StreamInfo: what one request's passage through the proxy leaves behind for access logs, stats
// and response flags. Plain fields, written by the stream and the router, read by the formatter.
//
// Owner: the Stream. Thread: its worker. Views live in the stream's arena, in the route table that
// the stream pins, or are static.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/base/rc.h"
#include "source/filter/stream_notes.h"
#include "source/http/message.h"
#include "source/net/address.h"
#include "source/net/proxy_tlv.h"
#include "source/tls/session_info.h"

namespace proxenos::filter {

// Why the proxy answered itself or cut a stream short: Envoy's short and long names.
// X(enumerator, bit, "short", "Long")
#define PROXENOS_RESPONSE_FLAGS(X)                                                      \
  X(kFailedLocalHealthCheck, 0, "LH", "FailedLocalHealthCheck")                         \
  X(kNoHealthyUpstream, 1, "UH", "NoHealthyUpstream")                                   \
  X(kUpstreamRequestTimeout, 2, "UT", "UpstreamRequestTimeout")                         \
  X(kLocalReset, 3, "LR", "LocalReset")                                                 \
  X(kUpstreamRemoteReset, 4, "UR", "UpstreamRemoteReset")                               \
  X(kUpstreamConnectionFailure, 5, "UF", "UpstreamConnectionFailure")                   \
  X(kUpstreamConnectionTermination, 6, "UC", "UpstreamConnectionTermination")           \
  X(kUpstreamOverflow, 7, "UO", "UpstreamOverflow")                                     \
  X(kNoRouteFound, 8, "NR", "NoRouteFound")                                             \
  X(kDelayInjected, 9, "DI", "DelayInjected")                                           \
  X(kFaultInjected, 10, "FI", "FaultInjected")                                          \
  X(kRateLimited, 11, "RL", "RateLimited")                                              \
  X(kUnauthorizedExternalService, 12, "UAEX", "UnauthorizedExternalService")            \
  X(kRateLimitServiceError, 13, "RLSE", "RateLimitServiceError")                        \
  X(kDownstreamConnectionTermination, 14, "DC", "DownstreamConnectionTermination")      \
  X(kUpstreamRetryLimitExceeded, 15, "URX", "UpstreamRetryLimitExceeded")               \
  X(kStreamIdleTimeout, 16, "SI", "StreamIdleTimeout")                                  \
  X(kInvalidEnvoyRequestHeaders, 17, "IH", "InvalidEnvoyRequestHeaders")                \
  X(kDownstreamProtocolError, 18, "DPE", "DownstreamProtocolError")                     \
  X(kUpstreamMaxStreamDurationReached, 19, "UMSDR", "UpstreamMaxStreamDurationReached") \
  X(kResponseFromCacheFilter, 20, "RFCF", "ResponseFromCacheFilter")                    \
  X(kNoFilterConfigFound, 21, "NFCF", "NoFilterConfigFound")                            \
  X(kDurationTimeout, 22, "DT", "DurationTimeout")                                      \
  X(kUpstreamProtocolError, 23, "UPE", "UpstreamProtocolError")                         \
  X(kNoClusterFound, 24, "NC", "NoClusterFound")                                        \
  X(kOverload, 25, "OM", "OverloadManagerTerminated")                                   \
  X(kDnsResolutionFailed, 26, "DF", "DnsResolutionFailed")                              \
  X(kDropOverload, 27, "DO", "DropOverload")                                            \
  X(kDownstreamRemoteReset, 28, "DR", "DownstreamRemoteReset")                          \
  X(kUnconditionalDropOverload, 29, "UDO", "UnconditionalDropOverload")

enum ResponseFlag : uint32_t {
#define PROXENOS_X(id, bit, short_name, long_name) id = 1u << bit,
  PROXENOS_RESPONSE_FLAGS(PROXENOS_X)
#undef PROXENOS_X
};

// What a filter keeps for a connection. Dies with it.
class ConnectionPart {
 public:
  virtual ~ConnectionPart() = default;
};

// What a PROXY header told besides addresses, as far as the listener filter keeps it.
struct ProxyNotes {
  DynamicMetadata metadata;  // Every stream begins with it.
  net::ProxyTlvs passed;     // For the PROXY headers that hosts are sent.
};

// What network filters say of a connection. Every stream begins with it.
struct ConnectionNotes {
  DynamicMetadata metadata;
  FilterState state;
};

// What is the same for all streams of a downstream connection. Owner: the connection.
struct ConnectionInfo {
  uint64_t id = 0;
  base::MonoTime begin = 0;  // Accepted.
  net::Address local;
  bool local_restored = false;  // `local` is where the client wanted to go, not where we listen.
  net::Address direct_remote;   // The peer of the socket.
  // The client, where a PROXY header tells of another than that; else null.
  std::unique_ptr<const net::Address> proxied_remote;
  std::unique_ptr<const ProxyNotes> proxy_notes;  // Null where there are none.
  std::unique_ptr<ConnectionNotes> notes;         // Null where there are none.
  // What broke its transport, one line; null while that is whole.
  std::unique_ptr<const std::string> transport_failure;
  absl::string_view requested_server_name;  // SNI; empty without TLS.
  const tls::SessionInfo* tls = nullptr;    // Null without TLS.

  // `notes`, to be added to.
  ConnectionNotes& OpenNotes() {
    if (notes == nullptr) notes = std::make_unique<ConnectionNotes>();
    return *notes;
  }
  const net::Address& remote() const { return proxied_remote ? *proxied_remote : direct_remote; }

  // What filters keep for the connection, by whoever keeps it: the one thing here that streams add
  // to.
  mutable std::vector<std::pair<const void*, std::unique_ptr<ConnectionPart>>> parts;
};

struct LogNotes;  // log_notes.h

// Under which a collector of traces knows a stream. Owner: the stream's trace.
struct TraceIds {
  absl::string_view trace_id;  // Lower case hexadecimal.
  absl::string_view span_id;
  bool sampled = false;  // The collector is told of it.
};

struct StreamInfo {
  const ConnectionInfo* connection = nullptr;
  // The client as trusted hops tell it; the connection's direct_remote without them.
  net::Address remote;
  base::WallTime start_wall = 0;
  // Instants; 0 while it has not happened.
  base::MonoTime start = 0;             // First byte of the request.
  base::MonoTime request_complete = 0;  // Last byte of the request.
  base::MonoTime upstream_connected = 0;
  base::MonoTime first_upstream_tx = 0;
  base::MonoTime last_upstream_tx = 0;
  base::MonoTime first_upstream_rx = 0;
  base::MonoTime last_upstream_rx = 0;
  base::MonoTime first_downstream_tx = 0;
  base::MonoTime last_downstream_tx = 0;
  base::MonoTime complete = 0;

  http::Version protocol = http::Version::kHttp11;
  uint16_t response_code = 0;  // 0: none was sent.
  uint32_t flags = 0;          // ResponseFlag bits.
  bool health_check = false;   // Of the proxy itself.
  uint32_t attempts = 0;       // Upstream attempts, first included.
  absl::string_view details;   // %RESPONSE_CODE_DETAILS%
  absl::string_view connection_termination_details;
  absl::string_view upstream_failure_reason;  // %UPSTREAM_TRANSPORT_FAILURE_REASON%

  uint64_t bytes_received = 0;  // Request body.
  uint64_t bytes_sent = 0;      // Response body.
  uint64_t upstream_wire_bytes_sent = 0;
  uint64_t upstream_wire_bytes_received = 0;
  uint64_t downstream_wire_bytes_sent = 0;
  uint64_t downstream_wire_bytes_received = 0;
  uint64_t request_header_bytes = 0;
  uint64_t response_header_bytes = 0;

  absl::string_view route_name;
  absl::string_view virtual_host_name;
  absl::string_view virtual_cluster_name;
  absl::string_view upstream_cluster;
  absl::string_view upstream_stat_name;  // The same cluster by its alt_stat_name, if it has one.
  net::Address upstream_remote;          // The host picked last; none: no attempt.
  // Which of a host's several addresses its connection goes to; null: upstream_remote.
  const net::Address* upstream_peer = nullptr;
  net::Address upstream_local;
  absl::string_view upstream_host_name;
  // Serialized core.v3.Metadata of the cluster and of that host; null: none was picked.
  const std::string* cluster_metadata = nullptr;
  const std::string* upstream_metadata = nullptr;
  uint64_t upstream_connection_id = 0;
  // Of the last attempt's connection.
  std::optional<http::Version> upstream_protocol;
  base::Rc<tls::SessionInfo> upstream_tls;
  absl::string_view original_path;  // Before rewrites; empty when never rewritten.
  absl::string_view filter_chain_name;
  const TraceIds* trace = nullptr;  // Null: nobody traces it.
  LogNotes* notes = nullptr;        // Null: no format asks for any. Owner: the stream.
  DynamicMetadata metadata;
  FilterState state;
};

}  // namespace proxenos::filter
