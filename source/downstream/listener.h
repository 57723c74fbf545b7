// Listener: one worker's share of a listener: its listening sockets and its connections, or what
// receives its datagrams.
//
// Owner: the Worker. Thread: the worker's. Dies when: it was removed or replaced, and its last
// connection is closed (or the drain time is over). Other filter chains alone do not replace it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "source/base/intrusive_list.h"
#include "source/base/rc.h"
#include "source/downstream/chain_service.h"
#include "source/downstream/connection.h"
#include "source/downstream/connection_limit.h"
#include "source/downstream/datagram_receiver.h"
#include "source/downstream/date.h"
#include "source/downstream/http_config.h"
#include "source/event/event_loop.h"
#include "source/filter/listener_filter.h"
#include "source/filter/stream_context.h"
#include "source/net/socket.h"
#include "source/stats/listener_stats.h"
#include "source/stats/registry.h"
#include "source/stats/tls_factory_stats.h"
#include "source/stats/tls_stats.h"
#include "source/tls/agreement_stats.h"

namespace proxenos::downstream {

class BalanceSeat;  // connection_balance.h
class HeavyStreams;
class Listener;

// What a worker lends to its listeners. Outlives them.
struct WorkerContext {
  filter::StreamContext::Environment environment;
  stats::Registry& registry;
  ConnectionLimit& connection_limit;
  DateCache& date;
  uint32_t worker;
  // The worker's listener that such a destination belongs to, or null. Unset: there is none.
  absl::AnyInvocable<Listener*(const net::Address&)> find_listener{};
  // Of the listeners of datagrams: whom to tell that clusters have changed.
  base::IntrusiveList<DatagramService> datagram_services{};
};

class Listener {
 public:
  // `sockets` listen already. `cells` are those of config->chains, in that order.
  Listener(WorkerContext& context, std::shared_ptr<const ListenerConfig> config,
           std::vector<net::UniqueFd> sockets, std::vector<ChainCells> cells);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // Goes on by `config`, which differs from the one before in filter chains alone: `kept` says for
  // each chain which of those before it is, or -1. `cells` are of the new ones. Connections of
  // chains that are kept notice nothing; those of the others drain, until `until`.
  void SetChains(std::shared_ptr<const ListenerConfig> config, std::vector<ChainCells> cells,
                 absl::Span<const int32_t> kept, base::MonoTime until);
  // Whether connections of replaced chains are left.
  bool has_leaving() const { return !leaving_.empty(); }
  // Closes those that have been idle for `quiet`, and all whose time is over.
  void CloseLeaving(base::Nanos quiet);
  // Takes what waits in the accept queues, then closes the sockets.
  void StopAccepting();
  // Gives up the sockets, still listening, to the listener that takes its place.
  std::vector<net::UniqueFd> ReleaseSockets();
  // While on, clients wait in the kernel's queue.
  void HoldAccepting(bool on);
  // Tells every connection to end after its response.
  void Drain();
  // While draining: closes connections that have been idle for `quiet`.
  void CloseIdle(base::Nanos quiet);
  // Closes everything now.
  void CloseAll();
  // The overload manager has changed how long timeouts are.
  void RearmTimers();
  // Of all its connections.
  void AddHeavyStreams(HeavyStreams& into);
  bool draining() const { return draining_; }
  bool empty() const { return connection_count_ == 0 && !has_sessions(); }
  uint32_t connection_count() const { return connection_count_; }

  const ListenerConfig& config() const { return *config_; }
  event::EventLoop& loop() { return context_.environment.loop; }
  const filter::StreamContext::Environment& environment() const { return context_.environment; }
  // Null: nobody watches.
  const base::Overload* overload() const { return environment().overload; }
  // As config().filters.
  filter::ListenerFilter& filter(size_t i) { return *filters_[i]; }
  stats::ListenerStats& stats() { return *stats_; }
  // REQUIRES: some filter chain has TLS.
  stats::TlsStats& tls_stats() { return *tls_stats_; }
  tls::AgreementStats& tls_agreements() { return *tls_agreements_; }
  stats::ServerTlsFactoryStats& tls_factory_stats() { return *tls_factory_stats_; }
  // Of config().chains[chain].
  ChainService& service(size_t chain) { return *services_[chain]; }
  absl::string_view date() { return context_.date.Get(context_.environment.loop.wall_now()); }

  // The filter chain for such a connection, or null.
  ChainService* Choose(const filter::ConnectionFacts& facts);
  // From a connection whose socket `to` goes on with: `from` retires.
  void HandOn(Connection& from, std::unique_ptr<Connection> to);
  // From a connection that is closed.
  void Remove(Connection& connection);
  // The listener that a redirected connection to `destination` belongs to, if that is another one.
  Listener* Redirected(const net::Address& destination);
  // Takes over a connection that another listener accepted.
  void Adopt(Arrival arrival);

 private:
  // One listening socket.
  class Acceptor final : public event::IoHandler {
   public:
    Acceptor(Listener& listener, net::UniqueFd fd);
    ~Acceptor() override;
    void OnIo(uint32_t events) override;
    net::UniqueFd Release();
    // Whether to be told of clients that wait.
    void Listen(bool on);

   private:
    Listener& listener_;
    net::UniqueFd fd_;
  };

  // Chains that were replaced by one update.
  struct Leaving {
    std::vector<std::unique_ptr<ChainService>> services;
    base::MonoTime until;
  };

  bool has_sessions() const {
    return datagrams_ != nullptr && datagrams_->service().session_count() != 0;
  }
  // Accepts at most `most` connections; false when there are no more.
  bool Accept(int fd, uint32_t most);
  // Whether one more connection is within the limits. It is counted then, until Remove.
  bool Admit();
  // Whether the overload manager has this connection closed; counted.
  bool RefusesByOverload();
  void Add(int fd, const net::Address& remote);
  // A connection that is this worker's by the balance.
  void TakeGiven(net::UniqueFd fd, const net::Address& remote);
  void Enter(Arrival arrival);
  void PauseAccepting();
  void Take(std::unique_ptr<Connection> connection);
  std::unique_ptr<ChainService> MakeService(size_t chain, ChainCells cells);
  void ForEachList(absl::FunctionRef<void(base::IntrusiveList<Connection>&)> visit);
  // Of those that have not begun yet, and go to this chain.
  bool HasArriving(const ChainService& service);
  void AbortArriving(const ChainService& service);
  // Writes the access log's line of a connection that is over.
  void Log(Connection& connection);

  WorkerContext& context_;
  std::shared_ptr<const ListenerConfig> config_;
  stats::Group<stats::ListenerStats> stats_;
  stats::Group<stats::TlsStats> tls_stats_;
  std::optional<tls::AgreementStats> tls_agreements_;             // With tls_stats_.
  stats::Group<stats::ServerTlsFactoryStats> tls_factory_stats_;  // With tls_stats_.
  stats::Group<stats::ListenerWorkerStats> worker_stats_;
  std::vector<std::unique_ptr<ChainService>> services_;  // As config_->chains.
  std::vector<Leaving> leaving_;
  std::vector<std::unique_ptr<filter::ListenerFilter>> filters_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::unique_ptr<DatagramReceiver> datagrams_;  // Instead of acceptors_, or null.
  event::Timer accept_again_;
  bool needs_intake_;  // Something is to be found out before the terminal filter.
  base::IntrusiveList<Connection> arriving_;  // Those that no chain has begun.
  uint32_t connection_count_ = 0;
  bool draining_ = false;
  bool holding_ = false;
  stats::Group<stats::ListenerOverloadStats> overload_stats_;  // Opened when first needed.
  std::unique_ptr<BalanceSeat> seat_;  // Null: connections stay where they were accepted.
};

}  // namespace proxenos::downstream
