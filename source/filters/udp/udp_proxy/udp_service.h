// UdpService: the sessions of one UDP proxy on one worker.
//
// A datagram of a session that is known costs a look-up; what begins a session is routed first, and
// limited by the cluster's circuit breaker for connections and by kMaxSessions.
//
// Owner: the DatagramReceiver. Thread: the worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/access_log/access_log.h"
#include "source/downstream/datagram_receiver.h"
#include "source/downstream/datagram_service.h"
#include "source/filter/stream_info.h"
#include "source/filters/udp/udp_proxy/udp_cluster.h"
#include "source/filters/udp/udp_proxy/udp_proxy.h"
#include "source/filters/udp/udp_proxy/udp_session.h"
#include "source/stats/udp_stats.h"

namespace proxenos::filters::udp_proxy {

class UdpService final : public downstream::DatagramService {
 public:
  // Of one listener on one worker, whatever the cluster allows: each is a descriptor, and whoever
  // forges source addresses makes as many as there may be.
  static constexpr size_t kMaxSessions = 64 * 1024;

  // `config` outlives it.
  UdpService(Parts parts, const UdpProxyConfig& config);
  ~UdpService() override;

  void OnDatagram(const Arrived& datagram) override;
  void OnReceiveError() override { stats_->downstream_sess_rx_errors.Inc(); }
  void OnClustersChanged() override;
  void CloseIdle(base::Nanos quiet) override;
  void CloseAll() override;
  size_t session_count() const override { return sessions_.size(); }

  const UdpProxyConfig& config() const { return config_; }
  stats::UdpStats& stats() { return *stats_; }
  event::EventLoop& loop() { return environment_.loop; }
  downstream::DatagramReceiver& receiver() { return receiver_; }
  // For what hosts send.
  net::DatagramReader& reader() { return reader_; }

  // From a session in which nothing happened for the idle timeout.
  void OnIdle(UdpSession& session);
  // Writes a line of each of these logs. Sets what of `info` all of them have.
  void Log(const access_log::AccessLogs& logs, access_log::LogType type, filter::StreamInfo& info);

 private:
  // The session that the datagram belongs to, perhaps a new one; null: it is dropped.
  UdpSession* SessionFor(const Arrived& datagram);
  UdpSession* SessionForPacket(const Arrived& datagram);
  // Where it goes to, if anywhere. What keeps it from there is counted.
  UdpCluster* Route(const Arrived& datagram);
  UdpCluster* ClusterNamed(absl::string_view name);
  // Null: none can be used.
  UdpHost* Pick(UdpCluster& cluster, const Arrived& datagram);
  UdpSession* Begin(const SessionKey& key, uint32_t socket, UdpHost& host);
  void End(UdpSession& session);
  void LogProxy();

  downstream::DatagramReceiver& receiver_;
  const filter::Environment& environment_;
  stats::Registry& registry_;
  const UdpProxyConfig& config_;
  stats::Group<stats::UdpStats> stats_;
  net::DatagramReader reader_;
  const base::MonoTime begin_;
  absl::flat_hash_map<std::string, std::unique_ptr<UdpCluster>> clusters_;  // By name.
  absl::flat_hash_map<SessionKey, std::unique_ptr<UdpSession>> sessions_;
};

}  // namespace proxenos::filters::udp_proxy
