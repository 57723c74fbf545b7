// ConnectAttempt: a connection to a host on its way: connect, then what the cluster has precede the
// stream (a PROXY header, a TLS handshake). Within connect_timeout all told.
//
//   kConnecting --> kPreface --> over (HostPool::OnConnected)
//        |              |
//        +--------------+--> over (HostPool::OnConnectFailed)
//
// Owner: its HostPool. Thread: the worker's. Dies when: it succeeded or failed, or the pool dies.
#pragma once

#include <cstdint>
#include <memory>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/net/connection.h"
#include "source/net/socket.h"
#include "source/upstream/client_connection.h"

namespace proxenos::tls {
class TlsTransport;
}

namespace proxenos::upstream {

class HostPool;

class ConnectAttempt final : public event::IoHandler, public base::ListNode<> {
 public:
  // `transport` may be null. `streams`: how many exchanges the connection is expected to serve at
  // once.
  ConnectAttempt(HostPool& pool, net::UniqueFd fd, std::unique_ptr<net::Transport> transport,
                 uint32_t streams);

  // What the peer is sent before anything else, outside of any TLS.
  void Precede(buffer::Buffer preface) { preface_ = std::move(preface); }

  uint32_t streams() const { return streams_; }
  base::MonoTime begun() const { return established_.begun; }
  // What ALPN chose; empty without TLS or when nothing was.
  absl::string_view protocol() const;
  // Takes the connection out. REQUIRES: it succeeded.
  Established Take() { return std::move(established_); }
  // Ends it without telling anybody.
  void Cancel();

  void OnIo(uint32_t events) override;

 private:
  enum class State : uint8_t { kConnecting, kPreface, kOver };

  // The preface and the handshake, as far as they go now.
  void Advance();
  void OnHandshake(const tls::TlsTransport& transport);
  void Fail(PoolFailure failure, absl::string_view detail);

  HostPool& pool_;
  const uint32_t streams_;
  State state_ = State::kConnecting;
  Established established_;
  std::unique_ptr<net::Transport> transport_;  // Until the preface is out.
  buffer::Buffer preface_;
  event::Timer timeout_;
};

}  // namespace proxenos::upstream
