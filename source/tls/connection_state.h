// ConnectionState: what BoringSSL's callbacks must know of the connection they are called for; and
// ActiveConnection, which tells them which one it is.
//
// BoringSSL calls back only from within calls that a transport makes, so one word a thread says it
// all, where ex_data would cost every connection an allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/stats/tls_stats.h"

namespace proxenos::tls {

struct ContextState;
class SessionStore;

// What of a connection's target outlives the handshake: clients only.
struct ClientIntent {
  std::string sni;
  std::string verify_host;  // Empty: nobody in particular.
  bool verify_sni = false;  // The name that is asked for, too.
  std::string session_key;  // SessionStore's.
};

// Owner: the transport. Thread: the worker's.
struct ConnectionState {
  ConnectionState(const ContextState& of, SessionStore* to_resume, stats::TlsStats& counted)
      : context(of), sessions(to_resume), stats(counted) {}

  const ContextState& context;
  SessionStore* const sessions;  // Null at servers, and without resumption.
  stats::TlsStats& stats;
  std::unique_ptr<const ClientIntent> client;  // Null at servers.
  std::unique_ptr<std::string> fault;          // Why our side gave up.
  uint16_t identity = 0;                       // Which of the context's is shown to the peer.
  bool refused = false;                        // By the Verifier, which counted it.
  bool validated = false;                      // The peer's certificate, against a CA or pin.
  bool logs_keys = false;                      // To the context's KeyLog.
};

// While it lives, callbacks on this thread are for `state`.
class ActiveConnection {
 public:
  explicit ActiveConnection(ConnectionState& state) : previous_(current_) { current_ = &state; }
  ActiveConnection(const ActiveConnection&) = delete;
  ActiveConnection& operator=(const ActiveConnection&) = delete;
  ~ActiveConnection() { current_ = previous_; }

  static ConnectionState& Get() {
    DCHECK(current_ != nullptr);
    return *current_;
  }

 private:
  inline static thread_local ConnectionState* current_ = nullptr;
  ConnectionState* const previous_;
};

}  // namespace proxenos::tls
