// ChaosWorld: the resources that the control plane of the chaos test serves, good and bad.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/xds_server/discovery_server.h"

namespace proxenos::testing {

// What changes about it; WorldOf makes the resources of it.
struct ChaosWorld {
  // Stays.
  uint16_t port = 0;        // Of the clients' listener.
  uint16_t inner_port = 0;  // Of the one behind the HTTP/2 hop.
  uint16_t spare_port = 0;
  uint16_t dns_port = 0;
  uint16_t anchor_port = 0;         // Of an origin that is always good.
  std::vector<uint16_t> always;     // Hosts of each cluster.
  std::vector<uint16_t> sometimes;  // More of them.

  // Changes.
  uint64_t version = 0;
  std::vector<bool> present;  // Which of `sometimes` are hosts now.
  bool churn_cluster = true;
  bool spare_listener = false;
  bool inner_listener = true;
  int server_name = 0;  // Of the listeners: a change replaces them.
  int inner_name = 0;
  int extra_routes = 0;
  int connect_timeout_s = 5;  // A change makes the clusters anew.
};

xds_server::WorldState WorldOf(const ChaosWorld& world);

// Resources that must be refused, in place of the good ones of `type`.
google::protobuf::Any BadResource(absl::string_view type);

}  // namespace proxenos::testing
