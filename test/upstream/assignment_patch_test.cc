// Endpoints compiled from what changed of them are those compiled from the whole.
#include "source/upstream/assignment_patch.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/upstream/cluster_config.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::endpoint::v3::LbEndpoint;
using envoy::config::endpoint::v3::LocalityLbEndpoints;

void SetAddress(uint64_t number, LbEndpoint& endpoint) {
  auto* address = endpoint.mutable_endpoint()->mutable_address()->mutable_socket_address();
  address->set_address(
      absl::StrCat("10.", number >> 16, ".", number >> 8 & 255, ".", number & 255));
  address->set_port_value(80);
}

void AddEndpoints(int count, uint64_t first, LocalityLbEndpoints& locality) {
  for (int i = 0; i < count; ++i) SetAddress(first + i, *locality.add_lb_endpoints());
}

ClusterLoadAssignment World(int localities, int endpoints) {
  ClusterLoadAssignment proto;
  proto.set_cluster_name("c");
  for (int i = 0; i < localities; ++i) {
    LocalityLbEndpoints& locality = *proto.add_endpoints();
    locality.mutable_locality()->set_zone(absl::StrCat("z", i));
    locality.mutable_load_balancing_weight()->set_value(1 + i);
    auto& fields =
        *(*locality.mutable_metadata()->mutable_filter_metadata())["envoy.lb"].mutable_fields();
    fields["zone"].set_string_value(absl::StrCat(i));
    AddEndpoints(endpoints, static_cast<uint64_t>(i) * 4096, locality);
  }
  return proto;
}

std::shared_ptr<const Assignment> Whole(const std::string& bytes) {
  ClusterLoadAssignment proto;
  config::Errors errors;
  if (!proto.ParseFromString(bytes)) return nullptr;
  return CompileAssignment(proto, errors, config::Path());
}

// What patching gives; null where it declines.
std::shared_ptr<const Assignment> Patched(const std::string& before, const std::string& now) {
  const auto difference = FindDifference(before, now);
  if (!difference.has_value()) return nullptr;
  const auto changed = Whole(difference->bytes);
  return changed == nullptr ? nullptr : Patch(*Whole(before), *difference, *changed);
}

TEST(AssignmentPatchTest, OneOfManyIsAllThatIsCompiled) {
  ClusterLoadAssignment proto = World(3, 100);
  const std::string before = proto.SerializeAsString();
  proto.mutable_endpoints(1)->mutable_lb_endpoints(40)->mutable_load_balancing_weight()->set_value(
      7);
  const std::string now = proto.SerializeAsString();
  const auto difference = FindDifference(before, now);
  ASSERT_TRUE(difference.has_value());
  ClusterLoadAssignment changed;
  ASSERT_TRUE(changed.ParseFromString(difference->bytes));
  ASSERT_EQ(changed.endpoints_size(), 3);
  EXPECT_EQ(changed.endpoints(0).lb_endpoints_size(), 0);
  EXPECT_EQ(changed.endpoints(1).lb_endpoints_size(), 1);
  EXPECT_EQ(difference->localities[1].first, 40u);
  EXPECT_EQ(difference->localities[1].last, 59u);
  const auto patched = Patched(before, now);
  ASSERT_NE(patched, nullptr);
  EXPECT_TRUE(testing::SameAssignment(*patched, *Whole(now)));
  EXPECT_EQ(patched->localities[1].endpoints[40].weight, 7u);
}

TEST(AssignmentPatchTest, WhatIsNotOfEndpointsIsCompiledAsAWhole) {
  const ClusterLoadAssignment base = World(2, 50);
  const std::string before = base.SerializeAsString();
  ClusterLoadAssignment now = base;
  now.mutable_policy()->mutable_overprovisioning_factor()->set_value(200);
  EXPECT_FALSE(FindDifference(before, now.SerializeAsString()).has_value());
  now = base;
  now.mutable_endpoints(1)->set_priority(1);
  EXPECT_FALSE(FindDifference(before, now.SerializeAsString()).has_value());
  now = base;
  now.mutable_endpoints()->RemoveLast();
  EXPECT_FALSE(FindDifference(before, now.SerializeAsString()).has_value());
  now = World(2, 50);
  now.mutable_endpoints(0)->clear_lb_endpoints();
  AddEndpoints(50, 1 << 20, *now.mutable_endpoints(0));
  now.mutable_endpoints(1)->clear_lb_endpoints();
  AddEndpoints(50, 1 << 21, *now.mutable_endpoints(1));
  EXPECT_FALSE(FindDifference(before, now.SerializeAsString()).has_value()) << "all are other ones";
  EXPECT_FALSE(FindDifference(before, before.substr(0, before.size() - 1)).has_value());
  EXPECT_FALSE(FindDifference("\xff\xff", before).has_value());
}

TEST(AssignmentPatchTest, EndpointsThatAreNotThoseBeforeAreNoticed) {
  ClusterLoadAssignment proto = World(1, 50);
  const std::string before = proto.SerializeAsString();
  proto.mutable_endpoints(0)->mutable_lb_endpoints()->RemoveLast();
  const auto difference = FindDifference(before, proto.SerializeAsString());
  ASSERT_TRUE(difference.has_value());
  const auto changed = Whole(difference->bytes);
  EXPECT_EQ(Patch(*Whole(World(1, 49).SerializeAsString()), *difference, *changed), nullptr);
  EXPECT_EQ(Patch(*Whole(World(2, 50).SerializeAsString()), *difference, *changed), nullptr);
}

// One random change of a locality's endpoints.
void Change(base::Random& random, ClusterLoadAssignment& proto) {
  auto& endpoints =
      *proto.mutable_endpoints(random.Below(proto.endpoints_size()))->mutable_lb_endpoints();
  const int place = endpoints.empty() ? 0 : static_cast<int>(random.Below(endpoints.size()));
  switch (endpoints.empty() ? 0 : random.Below(4)) {
    case 0:
      SetAddress(100000 + random.Below(1000), *endpoints.Add());
      endpoints.SwapElements(place, endpoints.size() - 1);
      break;
    case 1:
      endpoints.DeleteSubrange(place, 1);
      break;
    case 2:
      endpoints.Mutable(place)->mutable_load_balancing_weight()->set_value(1 + random.Below(5));
      break;
    default:
      endpoints.SwapElements(place, static_cast<int>(random.Below(endpoints.size())));
  }
}

TEST(AssignmentPatchTest, AnyChangesGiveWhatTheWholeGives) {
  base::Random random(7);
  int patched = 0;
  for (int round = 0; round < 2000; ++round) {
    ClusterLoadAssignment proto = World(1 + round % 3, static_cast<int>(random.Below(30)));
    const std::string before = proto.SerializeAsString();
    for (uint64_t changes = random.Below(4); changes > 0; --changes) Change(random, proto);
    const std::string now = proto.SerializeAsString();
    const auto result = Patched(before, now);
    if (result == nullptr) continue;
    ++patched;
    ASSERT_TRUE(testing::SameAssignment(*result, *Whole(now))) << round;
  }
  EXPECT_GT(patched, 500) << "the test has become idle";
}

}  // namespace
}  // namespace proxenos::upstream
