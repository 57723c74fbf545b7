// Clusters, assignments and their versions.
#include "tools/xds_load/generated_world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/address.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/base/check.h"
#include "source/xds/type_url.h"

namespace proxenos::xds_load {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::core::v3::ApiVersion;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::endpoint::v3::LbEndpoint;
using xds_server::TypeState;

constexpr char kMany[] = "many";

google::protobuf::Any Pack(const char* type_url, const google::protobuf::MessageLite& message) {
  google::protobuf::Any any;
  any.set_type_url(type_url);
  any.set_value(message.SerializeAsString());
  return any;
}

google::protobuf::Any MakeCluster(const std::string& name) {
  Cluster cluster;
  cluster.set_name(name);
  cluster.set_type(Cluster::EDS);
  cluster.mutable_eds_cluster_config()->mutable_eds_config()->mutable_ads();
  cluster.mutable_eds_cluster_config()->mutable_eds_config()->set_resource_api_version(
      ApiVersion::V3);
  return Pack(xds::kClusterType, cluster);
}

void SetAddress(LbEndpoint& endpoint, const std::string& address, uint16_t port) {
  auto* socket = endpoint.mutable_endpoint()->mutable_address()->mutable_socket_address();
  socket->set_address(address);
  socket->set_port_value(port);
}

google::protobuf::Any MakeAssignment(const std::string& name, uint16_t port) {
  ClusterLoadAssignment assignment;
  assignment.set_cluster_name(name);
  SetAddress(*assignment.add_endpoints()->add_lb_endpoints(), "127.0.0.1", port);
  return Pack(xds::kEndpointType, assignment);
}

google::protobuf::Any MakeManyEndpoints(size_t count, uint32_t weight) {
  ClusterLoadAssignment assignment;
  assignment.set_cluster_name(kMany);
  auto* locality = assignment.add_endpoints();
  for (size_t i = 0; i < count; ++i) {
    SetAddress(*locality->add_lb_endpoints(),
               absl::StrCat("127.", 1 + i / 65536, ".", i / 256 % 256, ".", i % 256), 80);
  }
  if (count > 0) {
    locality->mutable_lb_endpoints(static_cast<int>(count) - 1)
        ->mutable_load_balancing_weight()
        ->set_value(weight);
  }
  return Pack(xds::kEndpointType, assignment);
}

void Replace(TypeState& state, const std::string& name, google::protobuf::Any resource) {
  const auto found =
      std::find_if(state.resources.begin(), state.resources.end(),
                   [&name](const auto& each) { return xds_server::NameOf(each) == name; });
  if (found == state.resources.end()) {
    state.resources.push_back(std::move(resource));
  } else {
    *found = std::move(resource);
  }
}

}  // namespace

GeneratedWorld::GeneratedWorld() {
  Bump(xds::kClusterType);
  Bump(xds::kEndpointType);
  Bump(xds::kListenerType);
  Bump(xds::kRouteType);
}

void GeneratedWorld::Bump(const char* type) { world_[type].version = absl::StrCat(++version_); }

void GeneratedWorld::SetClusters(size_t count, uint16_t port) {
  TypeState& clusters = world_[xds::kClusterType];
  TypeState& assignments = world_[xds::kEndpointType];
  clusters.resources.clear();
  assignments.resources.clear();
  for (size_t i = 0; i < count; ++i) {
    const std::string name = absl::StrCat("c-", i);
    clusters.resources.push_back(MakeCluster(name));
    assignments.resources.push_back(MakeAssignment(name, port));
  }
  Bump(xds::kClusterType);
  Bump(xds::kEndpointType);
}

void GeneratedWorld::MoveEndpoint(size_t index, uint16_t port) {
  TypeState& assignments = world_[xds::kEndpointType];
  CHECK(index < assignments.resources.size());
  assignments.resources[index] = MakeAssignment(absl::StrCat("c-", index), port);
  Bump(xds::kEndpointType);
}

void GeneratedWorld::SetMany(size_t count, uint32_t weight) {
  TypeState& clusters = world_[xds::kClusterType];
  const size_t before = clusters.resources.size();
  Replace(clusters, kMany, MakeCluster(kMany));
  if (clusters.resources.size() != before) Bump(xds::kClusterType);
  Replace(world_[xds::kEndpointType], kMany, MakeManyEndpoints(count, weight));
  Bump(xds::kEndpointType);
}

void GeneratedWorld::Repeat() {
  Bump(xds::kClusterType);
  Bump(xds::kEndpointType);
}

}  // namespace proxenos::xds_load
