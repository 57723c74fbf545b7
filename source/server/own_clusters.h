// OwnClusters: the clusters of what configurations name by its address (rpc/own_target.h), for as
// long as anything does. The stores' listings have none of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/rpc/own_target.h"
#include "source/server/cluster_store.h"

namespace proxenos::server {

// Owner: the ConfigStore. Thread: main.
class OwnClusters {
 public:
  explicit OwnClusters(ClusterStore& clusters) : clusters_(clusters) {}
  ~OwnClusters();
  OwnClusters(const OwnClusters&) = delete;
  OwnClusters& operator=(const OwnClusters&) = delete;

  // Takes what was named since the last call, lets go of what nobody holds any more. Before the
  // clusters settle, so that those are in force with whoever calls them.
  void Settle();

  // The clusters of those that were named since rpc::OwnTargets had this stamp.
  static std::vector<std::string> NamedSince(uint64_t stamp);

 private:
  struct Held {
    rpc::OwnTargetPtr target;
    bool taken = false;
  };

  void Join(rpc::OwnTargetPtr target);

  ClusterStore& clusters_;
  std::vector<Held> held_;
  uint64_t seen_ = 0;
};

}  // namespace proxenos::server
