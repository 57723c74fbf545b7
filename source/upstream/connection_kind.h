// ConnectionKind: what connections to one host may differ in when requests ask for different ones.
// Each kind has a pool of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/net/address.h"
#include "source/net/transport.h"
#include "source/stats/tls_stats.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host.h"
#include "source/upstream/tls_cell.h"

namespace proxenos::upstream {

// What a request needs of its connection, in clusters where that varies. Looked at during Acquire
// only.
struct ConnectionNeeds {
  bool raw = false;    // The bare connection, whatever the cluster speaks over others.
  bool http2 = false;  // The request came in HTTP/2 (HttpProtocol::kDownstream).
  RoutingPriority priority = RoutingPriority::kDefault;
  absl::string_view sni;  // auto_sni
  absl::string_view san;  // auto_san_validation
  // Of the downstream connection, for a PROXY header; null when there is none.
  const net::Address* source = nullptr;
  const net::Address* destination = nullptr;
  const net::ProxyTlvs* tlvs = nullptr;  // Of the header that it came with; null without any.
  uint64_t client = 0;                   // The downstream connection's id.
};

// Owner: its HostPool. A value.
struct ConnectionKind {
  ConnectionKind() = default;
  // Takes what matters to `config`.
  ConnectionKind(const ClusterConfig& config, const ConnectionNeeds& needs);

  // Equal for equal kinds of one cluster.
  std::string Key() const;

  bool raw = false;
  bool http2 = false;
  RoutingPriority priority = RoutingPriority::kDefault;
  std::string sni;
  std::string san;
  net::Address source;
  net::Address destination;
  net::ProxyTlvs tlvs;
  uint64_t client = 0;  // Of connection_pool_per_downstream_connection; else 0.
};

// The protocol that a connection of `kind` begins with: kHttp1, kHttp2, or kAuto.
HttpProtocol ProtocolOf(const ClusterConfig& config, const ConnectionKind& kind);

// TLS to `host` for connections of `kind`; the context is that of the host's transport socket.
std::unique_ptr<net::Transport> MakeTlsTransport(base::Held<tls::ClientContext> context,
                                                 const ClusterConfig& config,
                                                 const ConnectionKind& kind, const Host& host,
                                                 stats::TlsStats& stats);

}  // namespace proxenos::upstream
