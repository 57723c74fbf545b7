// TlsPair: a TLS client and a TLS server in one thread, over a socket pair and one loop.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/event/event_loop.h"
#include "source/net/connection.h"
#include "source/stats/tls_stats.h"
#include "source/tls/tls_transport.h"
#include "test/support/certificates.h"
#include "test/support/sim_clock.h"

namespace proxenos::tls {

using Handshake = net::Transport::Handshake;
using ReadStatus = net::ReadStatus;
using FlushStatus = net::FlushStatus;

// One end: a connection whose transport, if it has one, is TLS.
class TlsEnd final : public event::IoHandler {
 public:
  TlsEnd(event::EventLoop& loop, int fd, std::unique_ptr<TlsTransport> transport)
      : transport_(transport.get()), connection_(loop, fd, this) {
    if (transport != nullptr) connection_.SetTransport(std::move(transport));
  }
  void OnIo(uint32_t events) override { connection_.Note(events); }

  net::Connection& connection() { return connection_; }
  TlsTransport& transport() { return *transport_; }
  const SessionInfo& session() const { return transport_->session(); }
  Handshake Advance() { return transport_->Advance(connection_); }

  // Reads until nothing more comes; appends to received().
  ReadStatus ReadAll() {
    for (;;) {
      buffer::Slice bytes;
      const ReadStatus status = connection_.Read(&bytes);
      if (status != ReadStatus::kBytes) return status;
      received_.append(bytes.data(), bytes.size());
    }
  }
  FlushStatus Write(absl::string_view bytes) {
    connection_.out().Append(bytes);
    return connection_.Flush();
  }
  std::string& received() { return received_; }

 private:
  TlsTransport* const transport_;
  net::Connection connection_;
  std::string received_;
};

class TlsPair {
 public:
  // `socket_bytes` 0: the system's buffers.
  TlsPair(std::shared_ptr<const ServerContext> server, std::shared_ptr<const ClientContext> client,
          const ClientTarget& target = {}, int socket_bytes = 0)
      : loop_(clock_) {
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    if (socket_bytes > 0) {
      for (const int fd : fds) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_bytes, sizeof(socket_bytes));
      }
    }
    server_.emplace(loop_, fds[0],
                    server == nullptr
                        ? nullptr
                        : MakeServerTransport(base::Hold(std::move(server)), server_stats));
    client_.emplace(loop_, fds[1],
                    client == nullptr
                        ? nullptr
                        : MakeClientTransport(base::Hold(std::move(client)), target, client_stats));
  }

  TlsEnd& server() { return *server_; }
  TlsEnd& client() { return *client_; }
  void Turn() { loop_.RunOnce(0); }

  // Runs the handshake to its end; true when both ends say that it is done.
  bool Shake() {
    server_result = client_result = Handshake::kWantsIo;
    for (int i = 0; i < 50; ++i) {
      Turn();
      if (client_result == Handshake::kWantsIo) client_result = client().Advance();
      if (server_result == Handshake::kWantsIo) server_result = server().Advance();
      // As their owners do: who failed hangs up.
      if (server_result == Handshake::kFailed) server().connection().Close();
      if (client_result == Handshake::kFailed) client().connection().Close();
    }
    return server_result == Handshake::kDone && client_result == Handshake::kDone;
  }

  // `bytes` from one end to the other, whole.
  static bool Carry(TlsPair& pair, TlsEnd& from, TlsEnd& to, absl::string_view bytes) {
    to.received().clear();
    FlushStatus status = from.Write(bytes);
    for (int i = 0; i < 100000 && to.received().size() < bytes.size(); ++i) {
      pair.Turn();
      if (to.ReadAll() != ReadStatus::kNothing) return false;
      if (status == FlushStatus::kBlocked) status = from.connection().Flush();
      if (status == FlushStatus::kError) return false;
    }
    return to.received() == bytes;
  }
  bool ToServer(absl::string_view bytes) { return Carry(*this, client(), server(), bytes); }
  bool ToClient(absl::string_view bytes) { return Carry(*this, server(), client(), bytes); }

  stats::TlsStats server_stats;
  stats::TlsStats client_stats;
  Handshake server_result = Handshake::kWantsIo;
  Handshake client_result = Handshake::kWantsIo;

 private:
  testing::SimClock clock_;
  event::EventLoop loop_;
  std::optional<TlsEnd> server_;
  std::optional<TlsEnd> client_;
};

// Options with the least that works.
inline Identity IdentityOf(const testing::TestCertificate& certificate) {
  Identity identity;
  identity.chain_pem = certificate.pem();
  identity.key_pem = certificate.key_pem();
  identity.origin = "<inline>";
  return identity;
}
inline ServerOptions ServerWith(const testing::TestCertificate& certificate) {
  ServerOptions options;
  options.common.name = "test_server";
  options.common.identities.push_back(IdentityOf(certificate));
  return options;
}
inline ClientOptions ClientTrusting(const testing::TestCertificate& ca) {
  ClientOptions options;
  options.common.name = "test_client";
  options.common.validation.trusted_ca_pem = ca.pem();
  options.common.validation.origin = "<inline>";
  return options;
}
inline std::shared_ptr<const ServerContext> Make(const ServerOptions& options) {
  auto context = ServerContext::Make(options);
  if (!context.ok())
    base::CheckFailed("ServerContext::Make", 0, context.status().ToString().c_str());
  return *context;
}
inline std::shared_ptr<const ClientContext> Make(const ClientOptions& options) {
  auto context = ClientContext::Make(options);
  if (!context.ok())
    base::CheckFailed("ClientContext::Make", 0, context.status().ToString().c_str());
  return *context;
}

}  // namespace proxenos::tls
