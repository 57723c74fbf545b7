// TlsTransport: TLS over a Connection's socket, by BoringSSL, reading and writing the loop's
// buffers.
//
// An established idle connection has given its handshake memory back. Renegotiation is refused;
// 0-RTT is off. Owner: the Connection. Thread: the worker's.
#pragma once

#include <memory>
#include <string>

#include "source/base/rc.h"
#include "source/net/transport.h"
#include "source/stats/tls_stats.h"
#include "source/tls/server_context.h"
#include "source/tls/session_info.h"

namespace proxenos::tls {

class TlsTransport : public net::Transport {
 public:
  // Valid once the handshake is done, as long as the transport: also after its socket is closed.
  virtual const SessionInfo& session() const = 0;
  // The same, for whoever asks it still when the transport is gone.
  virtual base::Rc<SessionInfo> shared_session() const = 0;
};

// `context` is held while the connection lives, one plain count a connection.
std::unique_ptr<TlsTransport> MakeServerTransport(base::Held<ServerContext> context,
                                                  stats::TlsStats& stats);

struct ClientTarget {
  std::string sni;                // Overrides the context's; may be empty (none is sent).
  std::vector<std::string> alpn;  // Overrides the context's when not empty.
  std::string verify_san;         // auto_san_validation: must match exactly a DNS or IP SAN.
};
std::unique_ptr<TlsTransport> MakeClientTransport(base::Held<ClientContext> context,
                                                  const ClientTarget& target,
                                                  stats::TlsStats& stats);

}  // namespace proxenos::tls
