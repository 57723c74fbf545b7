// What upstream connections of all protocols have in common.
#include "source/upstream/client_connection.h"

#include <utility>

#include "source/base/random.h"
#include "source/tls/tls_transport.h"
#include "source/upstream/lending.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

namespace {

// With a jitter each connection has its own, which its number decides: nothing is kept for it.
base::Nanos LongestLife(const ClusterConfig& config, uint64_t id) {
  const double jitter = config.connecting->duration_jitter_percent;
  const base::Nanos shortest = config.max_connection_duration;
  if (jitter == 0) return shortest;
  const auto most = static_cast<uint64_t>(static_cast<double>(shortest) * jitter / 100);
  return shortest + static_cast<base::Nanos>(base::Random(id).Below(most + 1));
}

}  // namespace

ClientConnection::ClientConnection(HostPool& pool, Established established, http::Version version)
    : connection_(std::move(established.connection)),
      idle_timer_(pool.cluster().loop().timers(),
                  [this] {
                    pool_.cluster().stats().upstream_cx_idle_timeout.Inc();
                    CloseWhenDone();
                  }),
      pool_(pool),
      id_(established.id),
      begun_(established.begun),
      connected_(established.connected),
      version_(version) {
  connection_.Watch(pool.cluster().loop(), this);
}

uint64_t ClientConnection::AgeMs() const {
  return static_cast<uint64_t>((pool_.cluster().loop().now() - begun_) / base::kMillisecond);
}

const net::Address& ClientConnection::local_address() {
  if (local_address_.family() == net::Address::Family::kNone && connection_.open()) {
    local_address_ = net::Address::LocalOf(connection_.fd());
  }
  return local_address_;
}

const net::Address* ClientConnection::raced_address() {
  if (pool_.host().further_addresses().empty()) return nullptr;
  if (raced_address_ == nullptr && connection_.open()) {
    raced_address_ = std::make_unique<const net::Address>(net::Address::PeerOf(connection_.fd()));
  }
  return raced_address_.get();
}

base::Rc<tls::SessionInfo> ClientConnection::tls_session() const {
  // No other transport outlives the making of a connection.
  const net::Transport* transport = connection_.transport();
  return transport == nullptr ? base::Rc<tls::SessionInfo>()
                              : static_cast<const tls::TlsTransport*>(transport)->shared_session();
}

void ClientConnection::ArmIdle() {
  const base::Nanos timeout = pool_.cluster().config().idle_timeout;
  if (timeout != 0) idle_timer_.ArmIn(timeout);
}

void ClientConnection::Schedule() { pool_.cluster().loop().AtTurnEnd(this); }

net::FlushStatus ClientConnection::Flush() {
  const uint64_t before = connection_.bytes_written();
  const net::FlushStatus status = connection_.Flush();
  pool_.cluster().stats().upstream_cx_tx_bytes_total.Add(connection_.bytes_written() - before);
  return status;
}

bool ClientConnection::WornOut() {
  const ClusterConfig& config = pool_.cluster().config();
  if (config.max_requests_per_connection != 0 && requests_ >= config.max_requests_per_connection) {
    pool_.cluster().stats().upstream_cx_max_requests.Inc();
    return true;
  }
  if (config.max_connection_duration == 0) return false;
  return pool_.cluster().loop().now() - begun_ >= LongestLife(config, id_);
}

void ClientConnection::Close() {
  if (closed_) return;
  auto& stats = pool_.cluster().stats();
  stats.upstream_cx_destroy_local.Inc();
  if (active_ > 0) {
    stats.upstream_cx_destroy_with_active_rq.Inc();
    stats.upstream_cx_destroy_local_with_active_rq.Inc();
  }
  FinishClosing();
}

void ClientConnection::CloseByRemote() {
  if (closed_) return;
  auto& stats = pool_.cluster().stats();
  stats.upstream_cx_destroy_remote.Inc();
  if (active_ > 0) {
    stats.upstream_cx_destroy_with_active_rq.Inc();
    stats.upstream_cx_destroy_remote_with_active_rq.Inc();
  }
  FinishClosing();
}

std::unique_ptr<Loan> ClientConnection::Part() { return nullptr; }

std::unique_ptr<Loan> ClientConnection::PartAtOnce() {
  connection_.Unwatch(pool_.cluster().loop());
  auto loan = std::make_unique<Loan>(Established{std::move(connection_), id_, begun_, connected_},
                                     pool_.shared_host(), requests_);
  pool_.cluster().Entrust(*loan);
  closed_ = true;
  free_ = 0;
  idle_timer_.Disarm();
  pool_.OnParted(*this);
  return loan;
}

void ClientConnection::FinishClosing() {
  OnClosing();
  closed_ = true;
  free_ = 0;
  idle_timer_.Disarm();
  connection_.Close(reset_);
  pool_.cluster().stats().upstream_cx_length_ms.Record(AgeMs());
  pool_.OnClosed(*this);
}

}  // namespace proxenos::upstream
