// What the generator makes, and which versions change.
#include "tools/xds_load/generated_world.h"

#include <set>
#include <string>

#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "gtest/gtest.h"
#include "source/xds/type_url.h"

namespace proxenos::xds_load {
namespace {

using envoy::config::endpoint::v3::ClusterLoadAssignment;

ClusterLoadAssignment AssignmentAt(const GeneratedWorld& world, size_t index) {
  ClusterLoadAssignment assignment;
  EXPECT_TRUE(
      assignment.ParseFromString(world.state().at(xds::kEndpointType).resources.at(index).value()));
  return assignment;
}

uint32_t PortAt(const GeneratedWorld& world, size_t index) {
  return AssignmentAt(world, index)
      .endpoints(0)
      .lb_endpoints(0)
      .endpoint()
      .address()
      .socket_address()
      .port_value();
}

TEST(GeneratedWorld, MovesOneEndpointAndOneVersion) {
  GeneratedWorld world;
  world.SetClusters(3, 80);
  const std::string clusters = world.state().at(xds::kClusterType).version;
  const std::string endpoints = world.state().at(xds::kEndpointType).version;
  world.MoveEndpoint(1, 81);
  EXPECT_EQ(world.state().at(xds::kClusterType).version, clusters);
  EXPECT_NE(world.state().at(xds::kEndpointType).version, endpoints);
  EXPECT_EQ(world.state().at(xds::kClusterType).resources.size(), 3u);
  EXPECT_EQ(xds_server::NameOf(world.state().at(xds::kEndpointType).resources[1]), "c-1");
  EXPECT_EQ(PortAt(world, 0), 80u);
  EXPECT_EQ(PortAt(world, 1), 81u);
  EXPECT_EQ(PortAt(world, 2), 80u);
}

TEST(GeneratedWorld, ManyEndpointsDifferAndReplaceOneAnother) {
  GeneratedWorld world;
  world.SetMany(70000, 1);
  world.SetMany(70000, 5);
  ASSERT_EQ(world.state().at(xds::kEndpointType).resources.size(), 1u);
  const ClusterLoadAssignment assignment = AssignmentAt(world, 0);
  std::set<std::string> addresses;
  for (const auto& endpoint : assignment.endpoints(0).lb_endpoints()) {
    addresses.insert(endpoint.endpoint().address().socket_address().address());
  }
  EXPECT_EQ(addresses.size(), 70000u);
  EXPECT_EQ(assignment.endpoints(0).lb_endpoints(69999).load_balancing_weight().value(), 5u);
}

TEST(GeneratedWorld, RepeatsUnderNewVersions) {
  GeneratedWorld world;
  world.SetClusters(2, 80);
  const xds_server::WorldState before = world.state();
  world.Repeat();
  for (const char* type : {xds::kClusterType, xds::kEndpointType}) {
    EXPECT_NE(world.state().at(type).version, before.at(type).version);
    EXPECT_EQ(world.state().at(type).resources[1].value(), before.at(type).resources[1].value());
  }
}

}  // namespace
}  // namespace proxenos::xds_load
