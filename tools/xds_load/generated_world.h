// GeneratedWorld: resources by the thousand, for measuring what a configuration of that size costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tools/xds_server/discovery_server.h"

namespace proxenos::xds_load {

// Thread: one. Every call that changes resources gives their type a new version.
class GeneratedWorld {
 public:
  GeneratedWorld();

  // Clusters c-0 to c-(count-1) and their assignments: one endpoint each, on this port of loopback.
  void SetClusters(size_t count, uint16_t port);
  // Moves the endpoint of cluster `index`. REQUIRES: index is below SetClusters' count.
  void MoveEndpoint(size_t index, uint16_t port);
  // Cluster "many" beside them: `count` endpoints, all different addresses of 127.0.0.0/8. The
  // weight of the last one is `weight`.
  void SetMany(size_t count, uint32_t weight);
  // New versions of the types, same resources.
  void Repeat();

  const xds_server::WorldState& state() const { return world_; }

 private:
  void Bump(const char* type);

  uint64_t version_ = 0;
  xds_server::WorldState world_;
};

}  // namespace proxenos::xds_load
