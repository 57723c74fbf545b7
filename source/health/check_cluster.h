// CheckCluster: the connections that the checks of one cluster use (or calls besides requests):
// pools of the main thread's own, with the cluster's transport sockets, but without its circuit
// breakers, and outside of its stats, which tell of requests.
//
// Owner: the Checker. Thread: the main loop's. Dies after the probes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/rc.h"
#include "source/event/event_loop.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::health {

class CheckCluster {
 public:
  enum class Use : uint8_t {
    kChecks,
    kCalls,  // gRPC calls that last.
  };

  // `tls` as in PublishedCluster. REQUIRES for kChecks: `config` has a health check.
  CheckCluster(event::EventLoop& loop, const upstream::ClusterConfig& config,
               std::vector<std::shared_ptr<const tls::ClientContext>> tls, Use use = Use::kChecks);
  ~CheckCluster();

  void SetTls(size_t index, std::shared_ptr<const tls::ClientContext> context) {
    cluster_->SetTls(index, std::move(context));
  }

  const base::Rc<upstream::WorkerCluster>& get() const { return cluster_; }
  event::EventLoop& loop() { return loop_; }
  const std::string& name() const { return cluster_->config().name; }
  // The one that connections to `host` go through.
  const upstream::TransportSocket& SocketOf(const upstream::Host& host) const {
    return cluster_->config().SocketOf(host.transport_match());
  }

 private:
  event::EventLoop& loop_;
  stats::Registry unseen_;  // Of stats that nobody reads.
  base::Rc<upstream::WorkerCluster> cluster_;
};

}  // namespace proxenos::health
