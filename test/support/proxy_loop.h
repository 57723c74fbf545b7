// ProxyLoop: a worker's share of the proxy (loop, listener, cluster) on the test's own thread and a
// simulated clock: every turn happens when the test says so. Clients and origins are sockets that
// never block (Peer), so a test may hold any of them back for as long as it likes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/downstream/http_service.h"
#include "source/downstream/listener.h"
#include "source/net/socket.h"
#include "source/upstream/cluster_map.h"
#include "test/support/sim_clock.h"

namespace proxenos::testing {

// One end of a TCP connection. Owner: the test.
class Peer {
 public:
  Peer() = default;
  explicit Peer(net::UniqueFd fd) : fd_(std::move(fd)) {}

  bool valid() const { return fd_.valid(); }
  // Sends what the kernel takes at once; returns how much that was.
  size_t Send(absl::string_view bytes);
  void ShutdownWrite();
  // With `reset` the other end sees a RST.
  void Close(bool reset = false);

  // Everything received so far, after taking what has come meanwhile (at most `most` bytes).
  const std::string& Received(size_t most = SIZE_MAX);
  bool Got(const std::string& text) { return Received().find(text) != std::string::npos; }
  void Forget() { received_.clear(); }
  // The other end has closed; `reset`: and with a RST.
  bool Ended();
  bool reset() const { return reset_; }

 private:
  net::UniqueFd fd_;
  std::string received_;
  bool ended_ = false;
  bool reset_ = false;
};

class ProxyLoop {
 public:
  ProxyLoop();
  ~ProxyLoop();

  // What to change before Start.
  downstream::HttpConfig http;
  std::shared_ptr<upstream::ClusterConfig> cluster;
  std::string routes;  // RouteConfiguration, as text proto.
  std::vector<std::shared_ptr<const filter::FilterFactory>> filters;  // Before the router.
  uint32_t downstream_buffer_bytes = base::limits::kConnectionOutBytes;
  // Changes the listener before it starts: it has one filter chain, with `http`.
  absl::AnyInvocable<void(downstream::ListenerConfig&, std::vector<downstream::ChainCells>&)>
      adjust;
  int downstream_send_bytes = 0;  // SO_SNDBUF of connections with clients; 0: as the kernel likes.

  void Start();

  // Turns until `holds`; false when that does not come about.
  [[nodiscard]] bool Until(absl::FunctionRef<bool()> holds);
  // Turns until nothing happens any more.
  void Settle();
  // One turn, without waiting.
  void Turn() { loop_.RunOnce(0); }
  void Advance(base::Nanos by) { clock_.Advance(by); }

  Peer Connect();
  // A socket that is about to be connected, for whoever wants it for itself.
  int Dial();
  // The next connection to the origin; invalid when none comes.
  Peer Accept();
  // Whether a connection to the origin waits to be accepted.
  bool OriginAsked();
  // No more connections to the origin: they are refused.
  void StopOrigin() { origin_ = net::UniqueFd(); }
  // The cluster anew, as an update publishes it.
  void PublishCluster();
  // Its hosts: one for each port of 127.0.0.1.
  void SetHosts(const std::vector<uint16_t>& ports);
  uint16_t origin_port() const { return origin_address_.port(); }

  downstream::Listener& listener() { return *listener_; }
  upstream::ClusterMap& clusters() { return clusters_; }
  event::EventLoop& loop() { return loop_; }
  // Of its first filter chain. REQUIRES: that is HTTP.
  downstream::HttpService& http_service() {
    return static_cast<downstream::HttpService&>(listener_->service(0));
  }
  stats::HttpStats& http_stats() { return http_service().stats(); }
  // The worker's share of the cluster published last. REQUIRES: a request went there.
  upstream::WorkerCluster& worker_cluster() { return *clusters_.Find("origin"); }
  stats::ClusterStats& cluster_stats() { return worker_cluster().stats(); }
  const upstream::ResourceCounts& counts() {
    return breakers_->of(upstream::RoutingPriority::kDefault);
  }
  // Nothing is under way: every gauge and count says so.
  void ExpectNothingUnderWay();

 private:
  SimClock clock_;
  event::EventLoop loop_;
  stats::Registry registry_;
  upstream::ClusterMap clusters_;
  downstream::DateCache date_;
  downstream::ConnectionLimit connection_limit_{1000};
  downstream::WorkerContext context_;
  std::shared_ptr<const upstream::CircuitBreakers> breakers_;
  std::shared_ptr<const upstream::HostSet> hosts_;
  net::UniqueFd origin_;
  net::Address origin_address_;
  net::Address listen_address_;
  std::unique_ptr<downstream::Listener> listener_;
};

}  // namespace proxenos::testing
