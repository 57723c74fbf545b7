// A worker's thread, and the application of updates to it.
#include "source/server/worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

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
      drain_timer_(loop_.timers(), [this] { OnDrainTimer(); }) {}

Worker::~Worker() { StopAndJoin(); }

void Worker::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), absl::StrCat("worker_", index_).c_str());
}

void Worker::Run() {
  loop_.Run();
  // All that lives on this thread dies on it: slabs and arenas go back to its pools.
  for (auto& [name, listener] : listeners_) listener->CloseAll();
  for (Draining& each : draining_) each.listener->CloseAll();
  loop_.RunOnce(0);
  listeners_.clear();
  draining_.clear();
  routes_.clear();
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

void Worker::SetRoutes(const std::string& name,
                       std::shared_ptr<const downstream::RouteSnapshot> routes) {
  auto& cell = routes_[name];
  if (!cell) cell = base::Rc<downstream::RouteCell>(std::make_unique<downstream::RouteCell>());
  cell->current = base::Hold(std::move(routes));
}

void Worker::RemoveRoutes(const std::string& name) { routes_.erase(name); }

void Worker::SetListener(std::shared_ptr<const downstream::ListenerConfig> config,
                         std::optional<std::vector<net::UniqueFd>> sockets,
                         base::Nanos drain_time) {
  base::Rc<downstream::RouteCell> cell;
  const std::string& rds = config->http->rds_name;
  if (!rds.empty()) {
    auto& slot = routes_[rds];
    if (!slot) slot = base::Rc<downstream::RouteCell>(std::make_unique<downstream::RouteCell>());
    cell = slot;
  }
  auto& slot = listeners_[config->name];
  if (slot != nullptr) {
    if (sockets) {
      slot->StopAccepting();  // Takes whoever waits at the old address.
    } else {
      sockets = slot->ReleaseSockets();
    }
    StartDraining(std::move(slot), drain_time);
  }
  if (!sockets) sockets.emplace();
  slot = std::make_unique<downstream::Listener>(context_, std::move(config), *std::move(sockets),
                                                std::move(cell));
}

void Worker::RemoveListener(const std::string& name, base::Nanos drain_time) {
  const auto it = listeners_.find(name);
  if (it == listeners_.end()) return;
  it->second->StopAccepting();
  StartDraining(std::move(it->second), drain_time);
  listeners_.erase(it);
}

void Worker::StopListeners(bool inbound_only, bool drain) {
  for (auto& [name, listener] : listeners_) {
    if (inbound_only && !listener->config().inbound) continue;
    listener->StopAccepting();
    if (drain) listener->Drain();
  }
  if (drain) drain_timer_.ArmIn(kDrainTick);
}

void Worker::DrainConnections(bool inbound_only) {
  for (auto& [name, listener] : listeners_) {
    if (!inbound_only || listener->config().inbound) listener->Drain();
  }
}

void Worker::StartDraining(std::unique_ptr<downstream::Listener> listener, base::Nanos drain_time) {
  listener->Drain();
  draining_.push_back(Draining{std::move(listener), loop_.now() + drain_time});
  drain_timer_.ArmIn(kDrainTick);
}

void Worker::OnDrainTimer() {
  const base::MonoTime now = loop_.now();
  bool more = false;
  for (auto& [name, listener] : listeners_) {
    if (!listener->draining()) continue;
    listener->CloseIdle(kQuietBeforeClose);
    more = more || !listener->empty();
  }
  for (auto it = draining_.begin(); it != draining_.end();) {
    it->listener->CloseIdle(kQuietBeforeClose);
    if (now >= it->until) it->listener->CloseAll();
    if (it->listener->empty()) {
      loop_.Retire(std::move(it->listener));
      it = draining_.erase(it);
    } else {
      ++it;
    }
  }
  if (more || !draining_.empty()) drain_timer_.ArmIn(kDrainTick);
}

}  // namespace proxenos::server
