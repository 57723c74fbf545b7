// NetworkFilter: stands before the terminal filter of a filter chain, and lets connections pass or
// refuses them. It sees what a connection is, not what flows through it: once it let a connection
// pass, that costs it nothing until its end. A chain without such filters pays for none.
//
//   chain chosen --> OnConnection of each --> TLS handshake --> OnFirstBytes of each --> terminal
//                         |                                          |
//                         +--> refused                               +--> refused
//
// One that has to ask somebody gives back a wait: the connection goes no further before it is over.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/filter/stream_info.h"
#include "source/stats/registry.h"

namespace proxenos::event {
class TurnEnd;
}

namespace proxenos::filter {

struct Environment;
class NetworkWait;

// A connection as its network filters see it.
struct NetworkConnection {
  ConnectionInfo& info;
  absl::string_view server_name;  // SNI, lower case, whoever found it.
  // Where tcp_proxy is to send the connection instead of its own cluster; empty: there.
  std::string& cluster;
  base::MonoTime now;
  const Environment& environment;  // Outlives the connection.
  // Whom a wait of this connection wakes, by EventLoop::AtTurnEnd; outlives the wait.
  event::TurnEnd& waker;
};

struct NetworkVerdict {
  bool pass = true;
  base::Nanos delay = 0;  // Of a refusal: how long the client is kept waiting, unread.
  // Of a refusal, for logs. The text lives as long as the filter.
  absl::string_view details = {};
  uint32_t flags = 0;  // ResponseFlag bits.
  // Set: it is not known yet whether the connection passes. The rest means nothing then.
  std::unique_ptr<NetworkWait> wait = nullptr;
};

// What one connection waits for with one network filter. Owner: the connection; the destructor
// cancels. Thread: the worker's.
class NetworkWait {
 public:
  virtual ~NetworkWait() = default;
  // Whether it is over; asked whenever the waker was woken, for whatever reason.
  virtual bool over() const = 0;
  // What came of it, which is no further wait. REQUIRES: over().
  virtual NetworkVerdict Take(NetworkConnection&) = 0;
};

// One configured network filter on one worker. Owner: the chain's service. Thread: the worker's.
class NetworkFilter {
 public:
  using Verdict = NetworkVerdict;

  virtual ~NetworkFilter() = default;
  // Before any handshake. A refused connection is over: OnEnd is not called for it.
  virtual Verdict OnConnection(NetworkConnection&) { return {}; }
  // Whether it wants to be asked a second time, once the client has sent something (or its end).
  virtual bool wants_first_bytes() const { return false; }
  // After the handshake.
  virtual Verdict OnFirstBytes(NetworkConnection&) { return {}; }
  // A connection that passed OnConnection, at once or after a wait, is over.
  virtual void OnEnd() {}
};

// One configured network filter. Owner: the filter chain's configuration, shared by all workers.
class NetworkFilterFactory {
 public:
  virtual ~NetworkFilterFactory() = default;
  virtual std::unique_ptr<NetworkFilter> Create(stats::Registry& registry) const = 0;
};

}  // namespace proxenos::filter
