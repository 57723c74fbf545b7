// Datagrams both ways, and what is counted and logged of them.
#include "source/filters/udp/udp_proxy/udp_session.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "source/filter/stream_info.h"
#include "source/filters/udp/udp_proxy/udp_cluster.h"
#include "source/filters/udp/udp_proxy/udp_service.h"
#include "source/json/value.h"

namespace proxenos::filters::udp_proxy {
namespace {

uint64_t NextSessionId() {
  static std::atomic<uint64_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

UdpSession::UdpSession(UdpService& service, SessionKey key, uint32_t socket, UdpHost& host,
                       net::UniqueFd to_host)
    : service_(service),
      key_(std::move(key)),
      socket_(socket),
      host_(&host),
      picked_(host.host),
      fd_(std::move(to_host)),
      id_(NextSessionId()),
      begin_(service.loop().now()),
      last_active_(begin_),
      idle_(service.loop().timers(), [this] { service_.OnIdle(*this); }) {
  host.sessions.PushBack(this);
  host.cluster.NoteBegin(host);
  const UdpProxyConfig& config = service_.config();
  if (config.log_interval != 0 && !config.session_logs.empty()) {
    log_timer_ = std::make_unique<event::Timer>(service_.loop().timers(), [this] { OnLogTimer(); });
    log_timer_->ArmIn(config.log_interval);
  }
  NoteActivity();
  service_.loop().WatchLevel(fd_.get(), EPOLLIN, this);
}

UdpSession::~UdpSession() = default;

void UdpSession::NoteActivity() {
  last_active_ = service_.loop().now();
  idle_.ArmIn(service_.config().idle_timeout);
}

void UdpSession::SendToHost(absl::string_view bytes) {
  stats::UdpStats& stats = service_.stats();
  stats.downstream_sess_rx_bytes.Add(bytes.size());
  stats.downstream_sess_rx_datagrams.Inc();
  counts_.rx_bytes += bytes.size();
  ++counts_.rx_datagrams;
  NoteActivity();
  ssize_t sent;
  do {
    sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  UdpCluster& cluster = host_->cluster;
  if (sent < 0) {
    cluster.stats().sess_tx_errors.Inc();
    return;
  }
  cluster.stats().sess_tx_datagrams.Inc();
  cluster.worker_cluster().stats().upstream_cx_tx_bytes_total.Add(bytes.size());
}

void UdpSession::OnIo(uint32_t) {
  if (host_ == nullptr) return;  // It ended earlier in this turn.
  UdpCluster& cluster = host_->cluster;
  const net::DatagramReader::Result read = service_.reader().Read(fd_.get());
  uint32_t dropped = read.too_long;
  if (read.dropped_by_kernel) {
    dropped += *read.dropped_by_kernel - kernel_dropped_;
    kernel_dropped_ = *read.dropped_by_kernel;
  }
  if (dropped != 0) cluster.stats().sess_rx_datagrams_dropped.Add(dropped);
  if (read.error != 0) cluster.stats().sess_rx_errors.Inc();
  NoteActivity();
  for (const net::Datagram& each : read.datagrams) {
    cluster.stats().sess_rx_datagrams.Inc();
    cluster.worker_cluster().stats().upstream_cx_rx_bytes_total.Add(each.bytes.size());
    SendToClient(each.bytes);
  }
}

void UdpSession::SendToClient(absl::string_view bytes) {
  stats::UdpStats& stats = service_.stats();
  if (!service_.receiver().Send(socket_, bytes, key_.local, key_.peer)) {
    stats.downstream_sess_tx_errors.Inc();
    ++counts_.tx_errors;
    return;
  }
  stats.downstream_sess_tx_bytes.Add(bytes.size());
  stats.downstream_sess_tx_datagrams.Inc();
  counts_.tx_bytes += bytes.size();
  ++counts_.tx_datagrams;
}

void UdpSession::OnLogTimer() {
  Log(access_log::LogType::kUdpPeriodic);
  log_timer_->ArmIn(service_.config().log_interval);
}

void UdpSession::Close() {
  idle_.Disarm();
  if (log_timer_ != nullptr) log_timer_->Disarm();
  Log(access_log::LogType::kUdpSessionEnd);
  Unlink();
  host_->cluster.NoteEnd(*host_);
  host_ = nullptr;
  fd_ = net::UniqueFd();
}

void UdpSession::Log(access_log::LogType type) {
  if (service_.config().session_logs.empty()) return;
  filter::ConnectionInfo connection;
  connection.id = id_;
  connection.begin = begin_;
  connection.local = key_.local;
  connection.direct_remote = key_.peer;
  filter::StreamInfo info;
  info.connection = &connection;
  info.remote = key_.peer;
  info.upstream_remote = picked_->address();
  info.upstream_local = net::Address::LocalOf(fd_.get());
  info.upstream_host_name = picked_->hostname();
  info.start = begin_;
  info.bytes_received = counts_.rx_bytes;
  info.bytes_sent = counts_.tx_bytes;
  const auto number = [](uint64_t value) { return json::Value(static_cast<int64_t>(value)); };
  info.metadata.Merge("udp.proxy.session", {{"cluster_name", json::Value(host_->cluster.name())},
                                            {"bytes_sent", number(counts_.tx_bytes)},
                                            {"bytes_received", number(counts_.rx_bytes)},
                                            {"errors_sent", number(counts_.tx_errors)},
                                            {"datagrams_sent", number(counts_.tx_datagrams)},
                                            {"datagrams_received", number(counts_.rx_datagrams)}});
  service_.Log(service_.config().session_logs, type, info);
}

}  // namespace proxenos::filters::udp_proxy
