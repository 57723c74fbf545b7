// ClientConnection: an established connection to an upstream host, whatever its protocol: what the
// pool needs to know of it, and what its streams share. Room 8 of a request.
//
// Made by a ConnectAttempt that succeeded. Owner: its HostPool. Thread: the worker's. Dies when:
// the pool retires it, after Close.
#pragma once

#include <cstdint>
#include <memory>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/http/message.h"
#include "source/net/connection.h"
#include "source/tls/session_info.h"
#include "source/upstream/exchange.h"

namespace proxenos::upstream {

class HostPool;
struct Loan;  // lending.h

// What a connection brings along from its making.
struct Established {
  net::Connection connection;
  uint64_t id = 0;               // Unique in the process.
  base::MonoTime begun = 0;      // When connecting began,
  base::MonoTime connected = 0;  // and TCP was done; 0: that is not known.
};

class ClientConnection : public event::IoHandler, public event::TurnEnd, public base::ListNode<> {
 public:
  ~ClientConnection() override = default;

  uint64_t id() const { return id_; }
  http::Version version() const { return version_; }
  // Exchanges it was given so far.
  uint32_t requests() const { return requests_; }
  uint64_t AgeMs() const;
  base::MonoTime begun() const { return begun_; }
  base::MonoTime connected() const { return connected_; }
  bool reset_by_host() const { return connection_.reset_by_peer(); }
  const net::Address& local_address();
  // The address that won where the host has several; else null.
  const net::Address* raced_address();

  // Null without TLS.
  base::Rc<tls::SessionInfo> tls_session() const;

  // Exchanges it has now, and how many more it can be given.
  uint32_t active_streams() const { return active_; }
  uint32_t free_streams() const { return free_; }

  // Takes an exchange: sets its state and stream. False: the connection turned out to be no good
  // and has closed. REQUIRES: free_streams() > 0.
  virtual bool Begin(Exchange& exchange) = 0;
  // Takes no further exchanges, and closes when those it has are done: at once when it has none.
  virtual void CloseWhenDone() = 0;
  // Gives its socket away, to another worker, and dies. Null, and nothing happens, unless it is
  // idle and may go; or it turned out to be no good and has closed.
  virtual std::unique_ptr<Loan> Part();
  // For the pool's end: closes at once.
  void Close();

  // Has become idle: starts the idle timeout.
  void ArmIdle();

 protected:
  ClientConnection(HostPool& pool, Established established, http::Version version);

  // It closes: what depends on it ends.
  virtual void OnClosing() {}

  HostPool& pool() const { return pool_; }
  bool closed() const { return closed_; }
  // Has OnTurnEnd called: there is something to write, or more to read than one turn's share.
  void Schedule();
  // Closes because of what the host did or did not do.
  void CloseByRemote();
  // For Part. REQUIRES: it is idle.
  std::unique_ptr<Loan> PartAtOnce();
  // Writes what `out` holds; counts it.
  net::FlushStatus Flush();
  // Whether max_requests_per_connection or max_connection_duration forbid a further exchange.
  bool WornOut();

  net::Connection connection_;
  event::Timer idle_timer_;
  uint32_t active_ = 0;
  uint32_t free_ = 0;
  uint32_t requests_ = 0;
  bool reset_ = false;  // Closes with a RST.

 private:
  friend class HostPool;

  void FinishClosing();

  HostPool& pool_;
  const uint64_t id_;
  const base::MonoTime begun_;
  const base::MonoTime connected_;
  const http::Version version_;
  bool closed_ = false;
  net::Address local_address_;
  std::unique_ptr<const net::Address> raced_address_;  // Once somebody has asked.
};

}  // namespace proxenos::upstream
