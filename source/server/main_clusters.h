// MainClusters: the clusters of the bootstrap as the main thread itself uses them: for envoy_grpc.
//
// Owner: the Server. Thread: main. Dies after the streams that use it, before the loop.
#pragma once

#include <string>

#include "absl/container/flat_hash_set.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/event/event_loop.h"
#include "source/rpc/own_target.h"
#include "source/server/batch.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::server {

class MainClusters {
 public:
  MainClusters(event::EventLoop& loop, stats::Registry& registry,
               const envoy::config::bootstrap::v3::Bootstrap& bootstrap);

  // Takes what a batch says of these clusters, before the workers get it. True: one is there that
  // was not, or is another.
  bool Apply(const Batch& batch);

  base::Rc<upstream::WorkerCluster> Find(const std::string& name) { return clusters_.Find(name); }

 private:
  bool Knows(const std::string& name) const {
    return names_.contains(name) || rpc::IsOwnTarget(name);
  }

  absl::flat_hash_set<std::string> names_;  // Of static_resources: no stream names another.
  upstream::ClusterMap clusters_;
};

}  // namespace proxenos::server
