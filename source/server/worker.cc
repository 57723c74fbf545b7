// A worker's thread, and the application of updates to it.
#include "source/server/worker.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/downstream/heavy_streams.h"

namespace proxenos::server {
namespace {

constexpr base::Nanos kDrainTick = 50 * base::kMillisecond;
// A kept connection is closed once it has been quiet this long while draining: its client is not in
// the middle of anything. Sooner, a request could cross our close on the wire.
constexpr base::Nanos kQuietBeforeClose = 1 * base::kSecond;

}  // namespace

Worker::Worker(uint32_t index, base::Clock& clock, stats::Registry& registry,
               downstream::ConnectionLimit& connection_limit)
    : index_(index),
      loop_(clock),
      clusters_(loop_, registry),
      context_{{loop_, clusters_}, registry, connection_limit, date_, index},
      drain_timer_(loop_.timers(), [this] { OnDrainTimer(); }) {
  context_.environment.on_demand = &demands_;
  context_.find_listener = [this](const net::Address& destination) {
    return FindListener(destination);
  };
  remote_logs_.emplace(context_.environment, registry);
  context_.environment.remote_logs = &*remote_logs_;
  clusters_.SetInternalConnect(
      [this](const net::Address& address) { return ConnectInternally(address); });
}

Worker::~Worker() { StopAndJoin(); }

void Worker::CountTurns(stats::Registry& registry) {
  turns_.Begin(loop_, registry, stats::WorkerDispatcherScope(index_));
}

void Worker::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), absl::StrCat("worker_", index_).c_str());
}

void Worker::Run() {
  loop_.Run();
  // All that lives on this thread dies on it: slabs and arenas go back to its pools.
  for (auto& [name, serving] : listeners_) serving.listener->CloseAll();
  for (Draining& each : draining_) each.listener->CloseAll();
  loop_.RunOnce(0);
  listeners_.clear();
  draining_.clear();
  routes_.clear();
  remote_logs_.reset();
  clusters_.DrainAll();
  clusters_.Clear();
  loop_.RunOnce(0);
}

void Worker::Post(absl::AnyInvocable<void(Worker&)> work) {
  loop_.Post([this, work = std::move(work)]() mutable { work(*this); });
}

void Worker::StopAndJoin() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

base::Rc<downstream::RouteCell> Worker::RoutesNamed(const std::string& name) {
  auto& cell = routes_[name];
  if (!cell) cell = base::Rc<downstream::RouteCell>(std::make_unique<downstream::RouteCell>());
  return cell;
}

void Worker::SetRoutes(const std::string& name,
                       std::shared_ptr<const downstream::RouteSnapshot> routes) {
  RoutesNamed(name)->current = base::Hold(std::move(routes));
}

void Worker::SetScopes(downstream::ScopeCell& cell,
                       std::shared_ptr<const downstream::ScopeTable> scopes) {
  cell.routes.clear();
  for (const downstream::ScopeTable::Origin& origin : scopes->origins()) {
    if (origin.written == nullptr) {
      cell.routes.push_back(RoutesNamed(origin.name));
      continue;
    }
    cell.routes.emplace_back(std::make_unique<downstream::RouteCell>());
    cell.routes.back()->current = base::Hold(origin.written);
  }
  cell.table = std::move(scopes);
}

void Worker::RemoveRoutes(const std::string& name) { routes_.erase(name); }

std::vector<downstream::ChainCells> Worker::MakeCells(const PublishedListener& published) {
  std::vector<downstream::ChainCells> cells;
  for (size_t i = 0; i < published.config->chains.size(); ++i) {
    const downstream::ChainConfig& chain = *published.config->chains[i];
    downstream::ChainCells& made = cells.emplace_back();
    if (!published.kept.empty() && published.kept[i] >= 0) continue;
    const std::string rds = chain.http == nullptr ? "" : chain.http->rds_name;
    if (!rds.empty()) made.routes = RoutesNamed(rds);
    if (i < published.scopes.size() && published.scopes[i] != nullptr) {
      made.scopes = base::Rc<downstream::ScopeCell>(std::make_unique<downstream::ScopeCell>());
      SetScopes(*made.scopes, published.scopes[i]);
    }
    if (chain.tls != nullptr) {
      made.tls = base::Rc<downstream::TlsCell>(std::make_unique<downstream::TlsCell>());
      if (published.tls[i] != nullptr) made.tls->current = base::Hold(published.tls[i]);
    }
    if (i < published.filters.size() && published.filters[i] != nullptr) {
      made.filters = base::Rc<downstream::FilterCell>(std::make_unique<downstream::FilterCell>());
      made.filters->current = published.filters[i];
    }
  }
  return cells;
}

void Worker::SetChains(Serving& serving, const PublishedListener& published,
                       base::Nanos drain_time) {
  std::vector<downstream::ChainCells> cells = MakeCells(published);
  std::vector<downstream::ChainCells> all = cells;
  for (size_t i = 0; i < all.size(); ++i) {
    if (published.kept[i] >= 0) all[i] = serving.cells[static_cast<size_t>(published.kept[i])];
  }
  serving.cells = std::move(all);
  serving.listener->SetChains(published.config, std::move(cells), published.kept,
                              loop_.now() + drain_time);
  if (serving.listener->has_leaving()) WatchDraining();
}

void Worker::SetListener(const PublishedListener& published,
                         std::optional<std::vector<net::UniqueFd>> sockets,
                         base::Nanos drain_time) {
  destinations_.reset();
  Serving& serving = listeners_[published.config->name];
  if (!published.kept.empty() && serving.listener != nullptr) {
    SetChains(serving, published, drain_time);
    return;
  }
  if (serving.listener != nullptr) {
    if (sockets) {
      serving.listener->StopAccepting();  // Takes whoever waits at the old address.
    } else {
      sockets = serving.listener->ReleaseSockets();
    }
    StartDraining(std::move(serving.listener), drain_time);
  }
  if (!sockets) sockets.emplace();
  std::vector<downstream::ChainCells> cells = MakeCells(published);
  serving.cells = cells;
  serving.listener = std::make_unique<downstream::Listener>(context_, published.config,
                                                            *std::move(sockets), std::move(cells));
  if (holding_) serving.listener->HoldAccepting(true);
}

net::UniqueFd Worker::ConnectInternally(const net::Address& address) {
  const std::string name(address.internal_listener());
  const auto is_there = [this](const std::string& wanted) {
    const auto it = listeners_.find(wanted);
    const bool internal =
        it != listeners_.end() &&
        it->second.listener->config().addresses.front().internal_listener() == wanted;
    return internal ? it->second.listener.get() : nullptr;
  };
  int ends[2];
  if (is_there(name) == nullptr ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return net::UniqueFd();
  }
  // Later: whoever asks for a connection must not hear of it before it has one.
  loop_.Post([is_there, name, address, other = net::UniqueFd(ends[1])]() mutable {
    downstream::Listener* listener = is_there(name);
    if (listener == nullptr) return;  // Its end closes.
    downstream::Arrival arrival{net::Connection(other.Release()), filter::ConnectionInfo()};
    arrival.info.begin = listener->loop().now();
    arrival.info.local = address;
    arrival.info.direct_remote = net::Address::Internal("internal_client_address", "");
    listener->Adopt(std::move(arrival));
  });
  return net::UniqueFd(ends[0]);
}

downstream::Listener* Worker::FindListener(const net::Address& destination) {
  if (!destinations_.has_value()) {
    destinations_.emplace();
    for (const auto& [name, serving] : listeners_) destinations_->Add(serving.listener->config());
  }
  const std::string* const name = destinations_->Find(destination);
  return name == nullptr ? nullptr : listeners_.find(*name)->second.listener.get();
}

void Worker::SetListenerTls(const std::string& listener, size_t chain,
                            std::shared_ptr<const tls::ServerContext> context) {
  const auto it = listeners_.find(listener);
  if (it == listeners_.end()) return;
  it->second.cells[chain].tls->current = base::Hold(std::move(context));
}

void Worker::SetListenerFilters(const std::string& listener, size_t chain,
                                std::shared_ptr<const filter::FilterFactories> filters) {
  const auto it = listeners_.find(listener);
  if (it == listeners_.end()) return;
  it->second.cells[chain].filters->current = std::move(filters);
}

void Worker::SetListenerScopes(const std::string& listener, size_t chain,
                               std::shared_ptr<const downstream::ScopeTable> scopes) {
  const auto it = listeners_.find(listener);
  if (it != listeners_.end()) SetScopes(*it->second.cells[chain].scopes, std::move(scopes));
}

void Worker::RemoveListener(const std::string& name, base::Nanos drain_time) {
  const auto it = listeners_.find(name);
  if (it == listeners_.end()) return;
  destinations_.reset();
  it->second.listener->StopAccepting();
  StartDraining(std::move(it->second.listener), drain_time);
  listeners_.erase(it);
}

void Worker::OnClustersChanged() {
  auto& services = context_.datagram_services;
  for (auto* each = services.front(); each != nullptr; each = services.Next(each)) {
    each->OnClustersChanged();
  }
}

void Worker::HoldAccepting(bool on) {
  holding_ = on;
  for (auto& [name, serving] : listeners_) serving.listener->HoldAccepting(on);
}

void Worker::RearmTimers() {
  ForEachListener([](downstream::Listener& listener) { listener.RearmTimers(); });
}

void Worker::ResetHeavyStreams(uint64_t least) {
  downstream::HeavyStreams heavy(least);
  ForEachListener([&heavy](downstream::Listener& listener) { listener.AddHeavyStreams(heavy); });
  heavy.Reset();
}

void Worker::ForEachListener(absl::FunctionRef<void(downstream::Listener&)> visit) {
  for (auto& [name, serving] : listeners_) visit(*serving.listener);
  for (Draining& draining : draining_) visit(*draining.listener);
}

void Worker::StopListeners(bool inbound_only, bool drain) {
  for (auto& [name, serving] : listeners_) {
    if (inbound_only && !serving.listener->config().inbound) continue;
    serving.listener->StopAccepting();
    if (drain) serving.listener->Drain();
  }
  if (drain) WatchDraining();
}

void Worker::DrainConnections(bool inbound_only) {
  for (auto& [name, serving] : listeners_) {
    if (!inbound_only || serving.listener->config().inbound) serving.listener->Drain();
  }
}

void Worker::StartDraining(std::unique_ptr<downstream::Listener> listener, base::Nanos drain_time) {
  listener->Drain();
  draining_.push_back(Draining{std::move(listener), loop_.now() + drain_time});
  WatchDraining();
}

void Worker::WatchDraining() {
  if (!drain_timer_.armed()) drain_timer_.ArmIn(kDrainTick);
}

void Worker::OnDrainTimer() {
  const base::MonoTime now = loop_.now();
  bool more = false;
  for (auto& [name, serving] : listeners_) {
    if (serving.listener->has_leaving()) {
      serving.listener->CloseLeaving(kQuietBeforeClose);
      more = more || serving.listener->has_leaving();
    }
    if (!serving.listener->draining()) continue;
    serving.listener->CloseIdle(kQuietBeforeClose);
    more = more || !serving.listener->empty();
  }
  for (auto it = draining_.begin(); it != draining_.end();) {
    it->listener->CloseIdle(kQuietBeforeClose);
    it->listener->CloseLeaving(kQuietBeforeClose);
    if (now >= it->until) it->listener->CloseAll();
    if (it->listener->empty()) {
      loop_.Retire(std::move(it->listener));
      it = draining_.erase(it);
    } else {
      ++it;
    }
  }
  if (more || !draining_.empty()) WatchDraining();
}

}  // namespace proxenos::server
