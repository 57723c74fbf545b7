// ConnectTry: one socket on its way to one address of a host: connect, then what the cluster has
// precede the stream (a PROXY header, a TLS handshake).
//
//   kConnecting --> kPreface --> over (ConnectAttempt::OnTryDone)
//        |              |
//        +--------------+--> over (ConnectAttempt::OnTryFailed)
//
// Owner: its ConnectAttempt, or the AddressRace of that. Thread: the worker's. Dies with the
// attempt.
#pragma once

#include <cstdint>
#include <memory>

#include "source/event/event_loop.h"
#include "source/net/connection.h"
#include "source/net/socket.h"
#include "source/upstream/client_connection.h"

namespace proxenos::tls {
class TlsTransport;
}

namespace proxenos::upstream {

class ConnectAttempt;

// What a try begins with.
struct Opening {
  net::UniqueFd fd;
  std::unique_ptr<net::Transport> transport;  // May be null.
  buffer::Buffer preface;                     // Sent before anything else, outside of any TLS.
};

class ConnectTry final : public event::IoHandler {
 public:
  ConnectTry(ConnectAttempt& attempt, Opening opening);

  // What ALPN chose; empty without TLS or when nothing was.
  absl::string_view protocol() const;
  bool over() const { return state_ == State::kOver; }
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

  ConnectAttempt& attempt_;
  State state_ = State::kConnecting;
  Established established_;
  std::unique_ptr<net::Transport> transport_;  // Until the preface is out.
  buffer::Buffer preface_;
};

}  // namespace proxenos::upstream
