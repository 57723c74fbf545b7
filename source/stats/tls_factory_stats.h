// The stats of what makes TLS connections for a listener or a cluster, where its certificates or
// roots are discovered. Names are Envoy's. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kServerTlsFactoryScope{"listener.$.server_ssl_socket_factory.",
                                                   "listener.server_ssl_socket_factory.",
                                                   {"envoy.listener_address"}};
inline constexpr ScopeShape kClientTlsFactoryScope{"cluster.$.client_ssl_socket_factory.",
                                                   "cluster.client_ssl_socket_factory.",
                                                   {"envoy.cluster_name"}};

// Scope: either. Thread: main.
#define PX_TLS_UPDATE_STATS(X) X(Counter, ssl_context_update_by_sds)
PX_STATS(TlsUpdateStats, PX_TLS_UPDATE_STATS);

// Scope: kServerTlsFactoryScope. One group a worker. Clients that came before the secrets.
#define PX_SERVER_TLS_FACTORY_STATS(X) X(Counter, downstream_context_secrets_not_ready)
PX_STATS(ServerTlsFactoryStats, PX_SERVER_TLS_FACTORY_STATS);

// Scope: kClientTlsFactoryScope. One group a worker. Connections not made for want of secrets.
#define PX_CLIENT_TLS_FACTORY_STATS(X) X(Counter, upstream_context_secrets_not_ready)
PX_STATS(ClientTlsFactoryStats, PX_CLIENT_TLS_FACTORY_STATS);

}  // namespace proxenos::stats
