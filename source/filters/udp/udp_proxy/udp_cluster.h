// UdpCluster: a cluster as one worker's UDP proxy sees it: a balancer of its own, whose requests
// under way are sessions, and the hosts that have some.
//
// Owner: the UdpService. Thread: the worker's. Dies when: the cluster was removed or replaced.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "source/base/intrusive_list.h"
#include "source/base/rc.h"
#include "source/filters/udp/udp_proxy/udp_session.h"
#include "source/stats/registry.h"
#include "source/stats/udp_stats.h"
#include "source/upstream/host_set.h"
#include "source/upstream/load_balancer.h"
#include "source/upstream/pick_request.h"
#include "source/upstream/subset_hosts.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::filters::udp_proxy {

class UdpCluster;

// One host that was picked at least once.
struct UdpHost {
  UdpHost(UdpCluster& of, std::shared_ptr<const upstream::Host> picked)
      : cluster(of), host(std::move(picked)) {}

  UdpCluster& cluster;
  std::shared_ptr<const upstream::Host> host;
  base::IntrusiveList<UdpSession> sessions;
  uint32_t session_count = 0;
  bool unhealthy = false;  // By checks or by discovery.
  bool present = true;     // While the hosts are compared.
};

class UdpCluster {
 public:
  UdpCluster(base::Rc<upstream::WorkerCluster> cluster, stats::Registry& registry);
  UdpCluster(const UdpCluster&) = delete;
  UdpCluster& operator=(const UdpCluster&) = delete;

  using EndSession = absl::FunctionRef<void(UdpSession&)>;

  // A host for a session, or null. REQUIRES: it does not delegate to other clusters.
  UdpHost* Pick(const upstream::PickRequest& request);
  // Looks at the cluster's hosts as they are now: the sessions of those that are gone end.
  void Refresh(EndSession end);
  void EndAll(EndSession end);

  const std::string& name() { return cluster_->config().name; }
  // A session with one of its hosts began or ended.
  void NoteBegin(UdpHost& host);
  void NoteEnd(UdpHost& host);

  upstream::WorkerCluster& worker_cluster() { return *cluster_; }
  stats::UdpClusterStats& stats() { return *stats_; }

 private:
  uint32_t SessionsOf(upstream::HostIndex index) const;
  UdpHost& Known(upstream::HostIndex index);

  const base::Rc<upstream::WorkerCluster> cluster_;
  stats::Group<stats::UdpClusterStats> stats_;
  const upstream::HostSet* hosts_;  // The cluster's.
  std::unique_ptr<upstream::LoadBalancer> balancer_;
  std::unique_ptr<upstream::SubsetHosts> subsets_;  // Null: hosts are not told apart.
  absl::flat_hash_map<uint64_t, std::unique_ptr<UdpHost>> known_;  // By Host::id().
  uint32_t session_count_ = 0;                                     // With all of them.
};

}  // namespace proxenos::filters::udp_proxy
