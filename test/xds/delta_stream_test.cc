// Streams of the delta protocol against a real control plane.
#include <string>
#include <utility>
#include <vector>

#include "test/xds/ads_stream_fixture.h"

namespace proxenos::xds {
namespace {

class DeltaStreamTest : public AdsStreamTest {
 protected:
  static AdsStreamOptions DeltaOptions(const std::string& address) {
    AdsStreamOptions options = OptionsFor(address);
    options.protocol = Protocol::kDelta;
    options.method = kDeltaAggregatedMethod;
    return options;
  }
  void MakeDelta() { Make(DeltaOptions(plane_.address())); }
};

TEST_P(DeltaStreamTest, SaysWhatWasTakenAndWhatWasNot) {
  plane_.Set("v1", Clusters({"a", "b"}));
  MakeDelta();
  Subscription* clusters = SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  EXPECT_EQ(stats().identifier, "proxenos-xds-server");
  plane_.Set("v2", Clusters({"b", "bad-1", "c"}));
  EXPECT_EQ(plane_.WaitForNack(kClusterType, "v2"), "bad-1: name: begins with bad");
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b", "c"}));
  plane_.Set("v3", Clusters({"c"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v3"));
  thread_.Do([clusters] { EXPECT_EQ(clusters->held(), 1u); });
}

TEST_P(DeltaStreamTest, ComesBackWithTheVersionsHeld) {
  plane_.Set("v1", Clusters({"a", "b"}));
  MakeDelta();
  Subscription* clusters = SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  plane_.Stop();
  plane_.Set("v2", Clusters({"b", "c"}));
  plane_.Restart();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b", "c"})) << "b was not sent again";
  thread_.Do([clusters] { EXPECT_EQ(clusters->held(), 2u) << "a went while nobody listened"; });
  for (const auto& request : plane_.delta_requests(kClusterType)) {
    if (!request.initial_resource_versions().empty()) {
      EXPECT_EQ(request.initial_resource_versions_size(), 2);
      EXPECT_EQ(request.response_nonce(), "");
    }
  }
}

TEST_P(DeltaStreamTest, NamesThatChangeAreAskedFor) {
  plane_.Set("v1", Clusters({"a", "b"}));
  MakeDelta();
  Subscription* some = Subscribe(kClusterType, false);
  thread_.Do([some] { some->Want({{"a", "nothing"}, {}}); });
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a"}));
  thread_.Do([some] { some->Want({{"b"}, {"a"}}); });
  const std::vector<FakeControlPlane::DeltaRequest> requests =
      plane_.WaitForDeltaRequests(kClusterType, 4);
  ASSERT_EQ(requests.size(), 4u) << "first, ACK, other names, ACK";
  EXPECT_EQ(requests[2].resource_names_subscribe(0), "b");
  EXPECT_EQ(requests[2].resource_names_unsubscribe(0), "a");
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b"}));
}

TEST_P(DeltaStreamTest, SeparateStreamUsesTheServiceOfItsType) {
  plane_.Set("v1", Clusters({"a"}));
  AdsStreamOptions options = DeltaOptions(plane_.address());
  options.method = std::string(FindResourceType(kClusterType)->delta_method);
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
}

TEST_P(DeltaStreamTest, AsksInOrderOfDependencyWhoeverSubscribedFirst) {
  MakeDelta();
  Subscription* routes = Subscribe(kRouteType, false);
  Subscription* endpoints = Subscribe(kEndpointType, false);
  Subscription* listeners = Subscribe(kListenerType, true);
  Subscription* clusters = Subscribe(kClusterType, true);
  thread_.Do([routes, listeners, endpoints, clusters] {
    for (Subscription* each : {routes, listeners, endpoints, clusters}) each->Want({{"x"}, {}});
  });
  Start();
  plane_.WaitForDeltaRequests(kRouteType, 1);
  std::vector<std::string> types;
  for (const auto& request : plane_.all_delta_requests()) types.push_back(request.type_url());
  EXPECT_EQ(types,
            (std::vector<std::string>{kClusterType, kEndpointType, kListenerType, kRouteType}));
}

TEST_P(DeltaStreamTest, NonsenseDoesNoHarm) {
  plane_.Set("v1", Clusters({"a"}));
  MakeDelta();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  FakeControlPlane::DeltaResponse response;
  response.set_type_url("type.googleapis.com/nobody.asked.for.This");
  plane_.SendResponse(response);
  response.set_type_url(kClusterType);  // Without a nonce, a name or a resource.
  response.add_resources();
  response.add_removed_resources("");
  plane_.SendResponse(response);
  plane_.SendRaw("\xff\xff this is no protobuf");
  ASSERT_TRUE(plane_.WaitForStreamsEver(2));
  plane_.Set("v2", Clusters({"a", "b"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(stats().unknown_types, 1u);
}

INSTANTIATE_TEST_SUITE_P(Carriers, DeltaStreamTest,
                         ::testing::Values(Carrier::kGrpc, Carrier::kCluster), NameOf);

}  // namespace
}  // namespace proxenos::xds
