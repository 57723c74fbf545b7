// ChainService: what the connections of one filter chain share on one worker: its configuration,
// its TLS context, its network filters. What the chain's terminal filter adds derives from it:
// HttpService, and those of NetworkTerminals.
//
// Owner: the Listener. Thread: the worker's. Dies with the Listener, or when its chain is replaced
// and its last connection is closed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "source/base/intrusive_list.h"
#include "source/base/rc.h"
#include "source/downstream/connection.h"
#include "source/downstream/http_config.h"
#include "source/filter/network_filter.h"
#include "source/stats/registry.h"
#include "source/tls/server_context.h"

namespace proxenos::downstream {

class Listener;

// How far a connection has come with the network filters. Owner: the connection.
struct Passage {
  size_t passed = 0;                          // Filters that have let it pass.
  std::unique_ptr<filter::NetworkWait> wait;  // With the next one; null: with none.
};

class ChainService {
 public:
  // What a service is made of. `address` is the listener's, as stats name it.
  struct Parts {
    Listener& listener;
    std::shared_ptr<const ChainConfig> chain;
    ChainCells cells;
    stats::Registry& registry;
    const std::string& address;
  };

  virtual ~ChainService();
  ChainService(const ChainService&) = delete;
  ChainService& operator=(const ChainService&) = delete;

  // Makes what handles a connection from now on: the network filters have let it pass.
  virtual std::unique_ptr<Connection> Begin(Arrival arrival) = 0;
  // Whether that has work to do before the client sends anything: then it begins at once, and sees
  // itself to CheckFirstBytes.
  virtual bool begins_at_once() const { return false; }
  // How long a client may take to send its first bytes where somebody waits for them; 0: for ever.
  virtual base::Nanos first_bytes_timeout() const { return 0; }
  // A network filter refused a connection, which is about to close.
  virtual void OnRefused(const Arrival&, const filter::NetworkFilter::Verdict&) {}

  Listener& listener() const { return listener_; }
  const ChainConfig& chain() const { return *chain_; }
  // Those that it has begun.
  base::IntrusiveList<Connection>& connections() { return connections_; }
  // No connection begins any more but those that are about to; all of them drain.
  void Leave() { leaving_ = true; }
  bool leaving() const { return leaving_; }
  // Null without TLS, and until the secrets are there.
  base::Held<tls::ServerContext> tls_context() const {
    return cells_.tls ? cells_.tls->current : base::Held<tls::ServerContext>();
  }
  uint32_t connection_buffer_bytes() const;

  // Asks the network filters, from `passage` on. A verdict that lets pass is final unless
  // passage.wait is set: then it is called again once `waker` was woken. A connection that passed
  // is given back by Release at its end, one that ends while it waits by Abandon, and one that is
  // refused by neither.
  filter::NetworkFilter::Verdict Admit(Arrival& arrival, Passage& passage, event::TurnEnd& waker);
  void Release();
  void Abandon(Passage& passage);
  bool checks_first_bytes() const { return checks_first_bytes_; }
  // The same for the second look; what is given back does not change by it.
  filter::NetworkFilter::Verdict CheckFirstBytes(Arrival& arrival, Passage& passage,
                                                 event::TurnEnd& waker);

 protected:
  explicit ChainService(Parts parts);
  const ChainCells& cells() const { return cells_; }

 private:
  using Ask = filter::NetworkVerdict (filter::NetworkFilter::*)(filter::NetworkConnection&);
  // Asks one filter after another, as far as they let pass at once.
  filter::NetworkVerdict AskAll(Arrival& arrival, Passage& passage, event::TurnEnd& waker, Ask ask);

  Listener& listener_;
  const std::shared_ptr<const ChainConfig> chain_;
  const ChainCells cells_;
  std::vector<std::unique_ptr<filter::NetworkFilter>> filters_;
  base::IntrusiveList<Connection> connections_;
  bool checks_first_bytes_ = false;
  bool leaving_ = false;
};

// Whether a client has sent something, without taking it: kNothing, kBytes, or how the connection
// ended before any.
net::ReadStatus FirstBytes(net::Connection& socket);

// A terminal network filter as it is configured, other than the HTTP connection manager. Owner: the
// ChainConfig, shared by all workers.
class NetworkTerminal {
 public:
  virtual ~NetworkTerminal() = default;
  virtual std::unique_ptr<ChainService> MakeService(ChainService::Parts parts) const = 0;
  // The clusters that it may send connections to.
  virtual absl::Span<const std::string> cluster_names() const { return {}; }
};

}  // namespace proxenos::downstream
