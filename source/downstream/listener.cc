// Accepting, counting and draining of connections.
#include "source/downstream/listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "source/base/log.h"
#include "source/base/overload.h"
#include "source/downstream/chain_tree.h"
#include "source/downstream/connection_balance.h"
#include "source/downstream/http_service.h"
#include "source/downstream/intake.h"
#include "source/filter/log_notes.h"

namespace proxenos::downstream {
namespace {

// How long a listener waits that ran out of descriptors or memory: the sockets would be reported
// ready all the time.
constexpr base::Nanos kAcceptPause = 100 * base::kMillisecond;

bool NeedsIntake(const ListenerConfig& config) {
  if (config.datagrams != nullptr) return false;
  return !config.filters.empty() || config.use_original_dst || !config.match.always_first() ||
         config.chain_tree != nullptr || config.chains.front()->tls != nullptr ||
         !config.chains.front()->filters.empty();
}

uint64_t NextConnectionId() {
  static std::atomic<uint64_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

using Connections = base::IntrusiveList<Connection>;

void DrainAll(Connections& list) {
  for (Connection* each = list.front(); each != nullptr; each = list.Next(each)) {
    each->Drain(/*now=*/false);
  }
}

// Those that have been idle since then.
void CloseIdleSince(Connections& list, base::MonoTime since) {
  for (Connection* each = list.front(); each != nullptr;) {
    Connection* next = list.Next(each);
    if (each->idle() && each->last_active() <= since) each->Drain(/*now=*/true);
    each = next;
  }
}

void AbortAll(Connections& list) {
  while (Connection* connection = list.front()) connection->Abort();
}

}  // namespace

Listener::Acceptor::Acceptor(Listener& listener, net::UniqueFd fd)
    : listener_(listener), fd_(std::move(fd)) {
  listener_.loop().WatchLevel(fd_.get(), EPOLLIN, this);
}

Listener::Acceptor::~Acceptor() = default;

void Listener::Acceptor::OnIo(uint32_t) {
  if (fd_.valid()) listener_.Accept(fd_.get(), listener_.config().max_accepts_per_turn);
}

void Listener::Acceptor::Listen(bool on) {
  if (fd_.valid()) listener_.loop().ChangeLevel(fd_.get(), on ? uint32_t{EPOLLIN} : 0u, this);
}

net::UniqueFd Listener::Acceptor::Release() {
  if (fd_.valid()) listener_.loop().Unwatch(fd_.get());
  return std::move(fd_);
}

Listener::Listener(WorkerContext& context, std::shared_ptr<const ListenerConfig> config,
                   std::vector<net::UniqueFd> sockets, std::vector<ChainCells> cells)
    : context_(context),
      config_(std::move(config)),
      accept_again_(context.environment.loop.timers(),
                    [this] {
                      if (holding_) return;
                      for (auto& acceptor : acceptors_) acceptor->Listen(true);
                    }),
      needs_intake_(NeedsIntake(*config_)) {
  const std::string address = config_->stat_address();
  stats::Registry& registry = context_.registry;
  stats_ = registry.Open<stats::ListenerStats>(stats::ListenerScope(address));
  worker_stats_ = registry.Open<stats::ListenerWorkerStats>(
      stats::ListenerWorkerScope(address, context_.worker));
  cells.resize(config_->chains.size());
  for (size_t i = 0; i < config_->chains.size(); ++i) {
    services_.push_back(MakeService(i, std::move(cells[i])));
  }
  for (const auto& factory : config_->filters) filters_.push_back(factory->Create(registry));
  if (config_->datagrams != nullptr) {
    datagrams_ = std::make_unique<DatagramReceiver>(
        DatagramReceiver::Parts{context_.environment, registry, context_.datagram_services},
        *config_->datagrams, address, std::move(sockets));
    return;
  }
  if (config_->balance != nullptr) {
    seat_ = std::make_unique<BalanceSeat>(
        config_->balance, loop(),
        [this](net::UniqueFd fd, const net::Address& remote) { TakeGiven(std::move(fd), remote); });
  }
  for (net::UniqueFd& socket : sockets) {
    acceptors_.push_back(std::make_unique<Acceptor>(*this, std::move(socket)));
  }
}

Listener::~Listener() { CloseAll(); }

std::unique_ptr<ChainService> Listener::MakeService(size_t chain, ChainCells cells) {
  const std::shared_ptr<const ChainConfig>& config = config_->chains[chain];
  const std::string address = config_->stat_address();
  stats::Registry& registry = context_.registry;
  if (config->tls != nullptr && !tls_stats_) {
    tls_stats_ = registry.Open<stats::TlsStats>(stats::ListenerTlsScope(address));
    tls_agreements_.emplace(registry, stats::ListenerTlsAgreementScope, address);
    tls_factory_stats_ = registry.Open<stats::ServerTlsFactoryStats>(
        stats::ScopeName(stats::kServerTlsFactoryScope, {address}));
  }
  ChainService::Parts parts{*this, config, std::move(cells), registry, address};
  if (config->terminal != nullptr) return config->terminal->MakeService(std::move(parts));
  return std::make_unique<HttpService>(std::move(parts));
}

void Listener::SetChains(std::shared_ptr<const ListenerConfig> config,
                         std::vector<ChainCells> cells, absl::Span<const int32_t> kept,
                         base::MonoTime until) {
  config_ = std::move(config);
  needs_intake_ = NeedsIntake(*config_);
  std::vector<std::unique_ptr<ChainService>> before = std::move(services_);
  services_.clear();
  for (size_t i = 0; i < config_->chains.size(); ++i) {
    services_.push_back(kept[i] < 0 ? MakeService(i, std::move(cells[i]))
                                    : std::move(before[static_cast<size_t>(kept[i])]));
  }
  Leaving leaving{{}, until};
  for (auto& service : before) {
    if (service == nullptr) continue;
    service->Leave();
    DrainAll(service->connections());
    leaving.services.push_back(std::move(service));
  }
  if (!leaving.services.empty()) leaving_.push_back(std::move(leaving));
}

bool Listener::HasArriving(const ChainService& service) {
  for (Connection* each = arriving_.front(); each != nullptr; each = arriving_.Next(each)) {
    if (each->chosen() == &service) return true;
  }
  return false;
}

void Listener::AbortArriving(const ChainService& service) {
  for (Connection* each = arriving_.front(); each != nullptr;) {
    Connection* next = arriving_.Next(each);
    if (each->chosen() == &service) each->Abort();
    each = next;
  }
}

bool Listener::Accept(int fd, uint32_t most) {
  for (uint32_t i = 0; i < most; ++i) {
    sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    auto* generic = reinterpret_cast<sockaddr*>(&storage);
    const int accepted = accept4(fd, generic, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) {
        PX_LOG(kConnection, kWarn, "listener ", config_->name, ": accept: ", std::strerror(errno));
        PauseAccepting();
      }
      return false;
    }
    if (RefusesByOverload()) {
      close(accepted);
      continue;
    }
    if (seat_ != nullptr) {
      seat_->Give(net::UniqueFd(accepted), net::Address::FromSockaddr(generic, size));
      continue;
    }
    if (!Admit()) {
      close(accepted);
      continue;
    }
    Add(accepted, net::Address::FromSockaddr(generic, size));
  }
  return true;
}

bool Listener::RefusesByOverload() {
  const base::Overload* overload = this->overload();
  if (overload == nullptr || (!overload->refuse_connections.Hits(loop().random()) &&
                              !overload->accept.Sheds(loop().random()))) {
    return false;
  }
  if (!overload_stats_) {
    overload_stats_ = context_.registry.Open<stats::ListenerOverloadStats>(
        stats::ListenerScope(config_->stat_address()));
  }
  overload_stats_->downstream_cx_overload_reject.Inc();
  return true;
}

bool Listener::Admit() {
  const bool global = !config_->ignores_global_limit;
  if (global && !context_.connection_limit.TryAcquire()) {
    stats_->downstream_global_cx_overflow.Inc();
    return false;
  }
  if (config_->connections->TryAcquire(config_->connection_limit.Get(environment().runtime))) {
    return true;
  }
  if (global) context_.connection_limit.Release();
  stats_->downstream_cx_overflow.Inc();
  return false;
}

void Listener::PauseAccepting() {
  for (auto& acceptor : acceptors_) acceptor->Listen(false);
  accept_again_.ArmIn(kAcceptPause);
}

void Listener::HoldAccepting(bool on) {
  holding_ = on;
  if (datagrams_ != nullptr) datagrams_->Hold(on);
  for (auto& acceptor : acceptors_) acceptor->Listen(!on);
}

void Listener::Add(int fd, const net::Address& remote) {
  if (remote.is_ip()) net::SetNoDelay(fd);
  Arrival arrival{net::Connection(fd), filter::ConnectionInfo()};
  arrival.info.begin = loop().now();
  arrival.info.direct_remote = remote;
  if (!config_->access_logs.empty()) arrival.info.local = net::Address::LocalOf(fd);
  Enter(std::move(arrival));
}

void Listener::TakeGiven(net::UniqueFd fd, const net::Address& remote) {
  if (Admit()) return Add(fd.Release(), remote);
  seat_->Release();
}

void Listener::Enter(Arrival arrival) {
  arrival.info.id = NextConnectionId();
  stats_->downstream_cx_total.Inc();
  stats_->downstream_cx_active.Inc();
  worker_stats_->downstream_cx_total.Inc();
  worker_stats_->downstream_cx_active.Inc();
  ++connection_count_;
  if (!needs_intake_) {
    Take(services_.front()->Begin(std::move(arrival)));
    return;
  }
  auto intake = std::make_unique<Intake>(*this, std::move(arrival));
  Intake& begun = *intake;
  Take(std::move(intake));
  begun.Advance();
}

void Listener::Take(std::unique_ptr<Connection> connection) {
  ChainService* service = connection->admitted_by();
  if (draining_ || (service != nullptr && service->leaving())) connection->Drain(/*now=*/false);
  auto& list = service == nullptr ? arriving_ : service->connections();
  list.PushBack(connection.release());  // Owned through the list until Remove or HandOn.
}

Listener* Listener::Redirected(const net::Address& destination) {
  if (!config_->use_original_dst || !context_.find_listener) return nullptr;
  if (destination.family() == net::Address::Family::kNone) return nullptr;
  Listener* other = context_.find_listener(destination);
  return other == this ? nullptr : other;
}

void Listener::Adopt(Arrival arrival) {
  if (!Admit()) return;
  if (seat_ != nullptr) seat_->Count();
  Enter(std::move(arrival));
}

void Listener::HandOn(Connection& from, std::unique_ptr<Connection> to) {
  base::IntrusiveList<Connection>::Remove(&from);
  loop().Retire(std::unique_ptr<Connection>(&from));
  Take(std::move(to));
}

ChainService* Listener::Choose(const filter::ConnectionFacts& facts) {
  const ChainTree* tree = config_->chain_tree.get();
  const int chain = tree == nullptr ? config_->match.Find(facts) : tree->Find(facts);
  return chain < 0 ? nullptr : services_[static_cast<size_t>(chain)].get();
}

void Listener::Remove(Connection& connection) {
  base::IntrusiveList<Connection>::Remove(&connection);
  if (ChainService* service = connection.admitted_by()) service->Release();
  if (!config_->access_logs.empty()) Log(connection);
  --connection_count_;
  if (seat_ != nullptr) seat_->Release();
  config_->connections->Release();
  if (!config_->ignores_global_limit) context_.connection_limit.Release();
  stats_->downstream_cx_active.Dec();
  stats_->downstream_cx_destroy.Inc();
  worker_stats_->downstream_cx_active.Dec();
  loop().Retire(std::unique_ptr<Connection>(&connection));
}

void Listener::Log(Connection& connection) {
  filter::StreamInfo info;
  filter::LogNotes notes;
  info.notes = &notes;
  connection.Describe(info);
  info.remote = info.connection->remote();
  info.complete = loop().ReadClock();
  info.start_wall = loop().wall_now() - (loop().now() - info.start) / base::kMicrosecond;
  access_log::FormatInput input;
  input.stream = &info;
  input.remote = environment().remote_logs;
  input.type = access_log::LogType::kTcpConnectionEnd;
  for (const access_log::AccessLog& log : config_->access_logs) log.Log(input);
}

void Listener::StopAccepting() {
  if (datagrams_ != nullptr) datagrams_->Close();
  for (auto& acceptor : acceptors_) {
    net::UniqueFd fd = acceptor->Release();
    // Clients whose connection the kernel has completed already would be reset by the close.
    while (Accept(fd.get(), base::limits::kMaxAcceptsPerTurn)) {
    }
    loop().Retire(std::move(acceptor));
  }
  acceptors_.clear();
}

std::vector<net::UniqueFd> Listener::ReleaseSockets() {
  if (datagrams_ != nullptr) return datagrams_->Release();
  std::vector<net::UniqueFd> sockets;
  for (auto& acceptor : acceptors_) {
    sockets.push_back(acceptor->Release());
    loop().Retire(std::move(acceptor));
  }
  acceptors_.clear();
  return sockets;
}

void Listener::ForEachList(absl::FunctionRef<void(base::IntrusiveList<Connection>&)> visit) {
  visit(arriving_);
  for (auto& service : services_) visit(service->connections());
  for (Leaving& leaving : leaving_) {
    for (auto& service : leaving.services) visit(service->connections());
  }
}

void Listener::Drain() {
  draining_ = true;
  ForEachList([](base::IntrusiveList<Connection>& list) { DrainAll(list); });
}

void Listener::CloseIdle(base::Nanos quiet) {
  if (datagrams_ != nullptr) datagrams_->service().CloseIdle(quiet);
  const base::MonoTime since = loop().now() - quiet;
  ForEachList([since](base::IntrusiveList<Connection>& list) { CloseIdleSince(list, since); });
}

void Listener::CloseLeaving(base::Nanos quiet) {
  const base::MonoTime now = loop().now();
  for (Leaving& leaving : leaving_) {
    for (auto& service : leaving.services) {
      CloseIdleSince(service->connections(), now - quiet);
      if (now >= leaving.until) {
        AbortArriving(*service);
        AbortAll(service->connections());
      }
      if (!service->connections().empty() || HasArriving(*service)) continue;
      loop().Retire(std::move(service));  // Behind its last connections.
    }
    auto& services = leaving.services;
    services.erase(std::remove(services.begin(), services.end(), nullptr), services.end());
  }
  leaving_.erase(std::remove_if(leaving_.begin(), leaving_.end(),
                                [](const Leaving& each) { return each.services.empty(); }),
                 leaving_.end());
}

void Listener::CloseAll() {
  if (datagrams_ != nullptr) datagrams_->service().CloseAll();
  ForEachList([](base::IntrusiveList<Connection>& list) { AbortAll(list); });
}

void Listener::RearmTimers() {
  ForEachList([](base::IntrusiveList<Connection>& list) {
    for (Connection* each = list.front(); each != nullptr; each = list.Next(each)) {
      each->RearmTimers();
    }
  });
}

void Listener::AddHeavyStreams(HeavyStreams& into) {
  ForEachList([&into](base::IntrusiveList<Connection>& list) {
    for (Connection* each = list.front(); each != nullptr; each = list.Next(each)) {
      each->AddHeavyStreams(into);
    }
  });
}

}  // namespace proxenos::downstream
