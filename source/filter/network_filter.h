// NetworkFilter: stands before the terminal filter of a filter chain, and lets connections pass or
// refuses them. It sees what a connection is, not what flows through it: once it let a connection
// pass, that costs it nothing until its end. A chain without such filters pays for none.
//
//   chain chosen --> OnConnection of each --> TLS handshake --> OnFirstBytes of each --> terminal
//                         |                                          |
//                         +--> refused                               +--> refused
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/filter/stream_info.h"
#include "source/stats/registry.h"

namespace proxenos::filter {

// A connection as its network filters see it.
struct NetworkConnection {
  const ConnectionInfo& info;
  absl::string_view server_name;  // SNI, lower case, whoever found it.
  // Where tcp_proxy is to send the connection instead of its own cluster; empty: there.
  std::string& cluster;
  base::MonoTime now;
};

// One configured network filter on one worker. Owner: the chain's service. Thread: the worker's.
class NetworkFilter {
 public:
  struct Verdict {
    bool pass = true;
    base::Nanos delay = 0;  // Of a refusal: how long the client is kept waiting, unread.
    // Of a refusal, for logs. The text lives as long as the filter.
    absl::string_view details = {};
    uint32_t flags = 0;  // ResponseFlag bits.
  };

  virtual ~NetworkFilter() = default;
  // Before any handshake. A refused connection is over: OnEnd is not called for it.
  virtual Verdict OnConnection(NetworkConnection&) { return {}; }
  // Whether it wants to be asked a second time, once the client has sent something (or its end).
  virtual bool wants_first_bytes() const { return false; }
  // After the handshake.
  virtual Verdict OnFirstBytes(NetworkConnection&) { return {}; }
  // A connection that passed OnConnection is over.
  virtual void OnEnd() {}
};

// One configured network filter. Owner: the filter chain's configuration, shared by all workers.
class NetworkFilterFactory {
 public:
  virtual ~NetworkFilterFactory() = default;
  virtual std::unique_ptr<NetworkFilter> Create(stats::Registry& registry) const = 0;
};

}  // namespace proxenos::filter
