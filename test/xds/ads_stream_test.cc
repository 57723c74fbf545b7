// Streams against a real control plane: order of requests, answers, loss and return, and a control
// plane that means harm.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/support/eventually.h"
#include "test/support/socket.h"
#include "test/xds/ads_stream_fixture.h"

namespace proxenos::xds {
namespace {

TEST_P(AdsStreamTest, AcknowledgesWhatWasTaken) {
  plane_.Set("v1", Clusters({"a", "b"}));
  Make();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(stats().connected);
  EXPECT_EQ(stats().identifier, "proxenos-xds-server");

  plane_.Set("v2", Clusters({"a", "b", "c"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b", "c"})) << "a and b were not sent on again";
}

TEST_P(AdsStreamTest, NextResponseWaitsForALargeOne) {
  std::vector<std::string> names;
  for (int i = 0; i < 2000; ++i) names.push_back("c" + std::to_string(i));
  std::vector<Listener> listeners(1);
  listeners[0].set_name("last");
  Make();
  Subscription* clusters = SubscribeToClusters();
  Subscription* others = Subscribe(kListenerType, true);
  thread_.Do([others] { others->Want({{kAllNames}, {}}); });
  Start();
  plane_.Set("v1", Clusters(names));
  plane_.Set("l1", listeners);
  ASSERT_TRUE(plane_.WaitForAck(kListenerType, "l1"));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  names.push_back("last");
  EXPECT_EQ(taken(), names) << "in the order in which they came";
  // And what comes later is not kept back.
  plane_.Set("v2", Clusters({"c1", "new"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
  thread_.Do([clusters] { EXPECT_EQ(clusters->held(), 2u); });
}

// A server answers each list of names with all that it has of them: it is asked once, not for each
// part of the clusters that was taken.
TEST_P(AdsStreamTest, WhatALargeResponseNamesIsAskedForAtOnce) {
  constexpr size_t kClusters = 3000;
  std::vector<std::string> names;
  for (size_t i = 0; i < kClusters; ++i) names.push_back(absl::StrCat("c", i));
  plane_.Set("v1", Clusters(names));
  Make();
  Subscription* endpoints = Subscribe(kEndpointType, false);
  thread_.Do([this, endpoints] {
    SubscriptionOptions options;
    options.type = *FindResourceType(kClusterType);
    Subscription* clusters = stream_->Subscribe(options, [endpoints](const TypeUpdate& update) {
      for (const Resource& resource : update.resources) endpoints->Want({{resource.name}, {}});
      return std::vector<ResourceError>();
    });
    clusters->Want({{kAllNames}, {}});
  });
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  ASSERT_TRUE(testing::Eventually([this] {
    const auto requests = plane_.requests(kEndpointType);
    return !requests.empty() && requests.back().resource_names_size() == kClusters;
  }));
  EXPECT_LT(plane_.requests(kEndpointType).size(), 5u);
}

// The answers to the first of them cannot be sent any more: the others still count, and so does the
// end behind them.
TEST_P(AdsStreamTest, ResponsesBeforeTheEndOfTheStream) {
  plane_.Set("v1", Clusters({"a"}));
  Make();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  std::vector<std::string> all = {"a"};
  thread_.Do([this, &all] {
    for (int i = 0; i < 200; ++i) {
      all.push_back(absl::StrCat("b", i));
      plane_.Set(all.back(), Clusters({all.back()}));
    }
    plane_.DropStreams();
    plane_.WaitForStreams(0);
  });
  ASSERT_TRUE(plane_.WaitForStreamsEver(2)) << "it never noticed that the stream had ended";
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, all.back()));
  EXPECT_EQ(taken(), all);
}

TEST_P(AdsStreamTest, RefusalNamesEachBadResource) {
  plane_.Set("v1", Clusters({"good", "bad-1", "bad-2"}));
  Make();
  SubscribeToClusters();
  Start();
  EXPECT_EQ(plane_.WaitForNack(kClusterType, "v1"),
            "bad-1: name: begins with bad\nbad-2: name: begins with bad");
  EXPECT_EQ(taken(), (std::vector<std::string>{"good"}));
  plane_.Set("v2", Clusters({"good", "better"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
}

TEST_P(AdsStreamTest, AsksInOrderOfDependency) {
  Make();
  Subscription* clusters = Subscribe(kClusterType, true);
  Subscription* endpoints = Subscribe(kEndpointType, false);
  Subscription* listeners = Subscribe(kListenerType, true);
  Subscription* routes = Subscribe(kRouteType, false);
  thread_.Do([routes, listeners, endpoints, clusters] {
    routes->Want({{"r"}, {}});
    listeners->Want({{kAllNames}, {}});
    endpoints->Want({{"e"}, {}});
    clusters->Want({{kAllNames}, {}});
  });
  Start();
  plane_.WaitForRequests(kRouteType, 1);
  std::vector<std::string> types;
  for (const auto& request : plane_.all_requests()) types.push_back(request.type_url());
  EXPECT_EQ(types,
            (std::vector<std::string>{kClusterType, kEndpointType, kListenerType, kRouteType}));
}

TEST_P(AdsStreamTest, NodeOnEachRequestUnlessAskedOtherwise) {
  plane_.Set("v1", Clusters({"a"}));
  Make();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  for (const auto& request : plane_.requests(kClusterType)) {
    EXPECT_EQ(request.node().id(), "node-1");
  }
}

TEST_P(AdsStreamTest, NodeOnFirstRequestOnly) {
  plane_.Set("v1", Clusters({"a"}));
  AdsStreamOptions options = OptionsFor(plane_.address());
  options.node_on_first_message_only = true;
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  const std::vector<FakeControlPlane::Request> requests = plane_.requests(kClusterType);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].node().cluster(), "service-1");
  EXPECT_FALSE(requests[1].has_node());
  // A new stream is a new first request.
  plane_.DropStreams();
  EXPECT_TRUE(plane_.WaitForRequests(kClusterType, 3)[2].has_node());
}

TEST_P(AdsStreamTest, SeparateStreamUsesTheServiceOfItsType) {
  plane_.Set("v1", Clusters({"a"}));
  AdsStreamOptions options = OptionsFor(plane_.address());
  options.method = std::string(FindResourceType(kClusterType)->stream_method);
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
}

TEST_P(AdsStreamTest, ComesBackWithTheVersionHeld) {
  plane_.Set("v1", Clusters({"a"}));
  Make();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  plane_.DropStreams();
  ASSERT_TRUE(plane_.WaitForStreamsEver(2));
  const std::vector<FakeControlPlane::Request> requests = plane_.WaitForRequests(kClusterType, 4);
  ASSERT_GE(requests.size(), 4u);
  EXPECT_EQ(requests[2].version_info(), "v1");
  EXPECT_EQ(requests[2].response_nonce(), "");
  EXPECT_EQ(taken(), (std::vector<std::string>{"a"})) << "the same state again changes nothing";
}

TEST_P(AdsStreamTest, OutlivesItsControlPlane) {
  plane_.Set("v1", Clusters({"a"}));
  Make();
  Subscription* clusters = SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  plane_.Stop();
  // Several attempts fail while the port is closed.
  while (stats().streams_lost < 3) {
  }
  EXPECT_FALSE(stats().connected);
  thread_.Do([clusters] { EXPECT_GE(clusters->stats().update_failure, 3u); });
  plane_.Restart();
  plane_.Set("v2", Clusters({"a", "b"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b"}));
}

TEST_P(AdsStreamTest, TriesTheNextAddress) {
  plane_.Set("v1", Clusters({"a"}));
  AdsStreamOptions options = OptionsFor(plane_.address());
  options.targets[0].uris = {"unix:/nonexistent/socket", "ipv4:" + plane_.address()};
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
}

TEST_P(AdsStreamTest, NamesThatChangeAreAskedFor) {
  plane_.Set("v1", Clusters({"a", "b"}));
  Make();
  Subscription* some = Subscribe(kClusterType, false);
  thread_.Do([some] { some->Want({{"a"}, {}}); });
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a"}));
  thread_.Do([some] { some->Want({{"b"}, {}}); });
  const std::vector<FakeControlPlane::Request> requests = plane_.WaitForRequests(kClusterType, 4);
  ASSERT_EQ(requests.size(), 4u) << "first, ACK, other names, ACK";
  EXPECT_EQ(requests[2].resource_names_size(), 2);
  EXPECT_EQ(requests[2].version_info(), "v1");
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "b"}));
}

TEST_P(AdsStreamTest, GarbageEndsTheStreamAndNothingElse) {
  plane_.Set("v1", Clusters({"a"}));
  Make();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  plane_.SendRaw("\xff\xff this is no protobuf");
  ASSERT_TRUE(plane_.WaitForStreamsEver(2));
  plane_.Set("v2", Clusters({"a", "b"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
}

TEST_P(AdsStreamTest, HugeResponseEndsTheStreamAndNothingElse) {
  plane_.Set("v1", Clusters({"a"}));
  AdsStreamOptions options = OptionsFor(plane_.address());
  options.targets[0].max_message_bytes = 1 << 20;
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  plane_.SendRaw(std::string(2 << 20, 'x'));
  ASSERT_TRUE(plane_.WaitForStreamsEver(2));
  plane_.Set("v2", Clusters({"a", "b"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
  thread_.Do(
      [this] { EXPECT_EQ(stream_->last_status().code(), absl::StatusCode::kResourceExhausted); });
}

TEST_P(AdsStreamTest, LargeResponseWithinTheLimitIsTaken) {
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; ++i) {
    names.push_back("cluster-" + std::to_string(i) + std::string(300, 'x'));
  }
  plane_.Set("v1", Clusters(names));
  Make();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1")) << "more than gRPC's default of 4 MiB";
  EXPECT_EQ(taken().size(), names.size());
}

TEST_P(AdsStreamTest, OddNoncesUnknownTypesAndRepeatsDoNoHarm) {
  plane_.Set("v1", Clusters({"a"}));
  Make();
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  FakeControlPlane::Response response;
  response.set_type_url("type.googleapis.com/nobody.asked.for.This");
  response.set_nonce("x1");
  plane_.SendResponse(response);
  response.set_type_url(kClusterType);
  response.set_version_info("odd");
  response.set_nonce("");
  for (const Cluster& cluster : Clusters({"a", "odd", "odd"})) {
    response.add_resources()->PackFrom(cluster);
  }
  plane_.SendResponse(response);
  response.set_nonce("x2");
  plane_.SendResponse(response);
  plane_.SendResponse(response);
  EXPECT_EQ(plane_.WaitForNack(kClusterType, "odd"), "odd: is in the response more than once");
  // The last answers carry nonce x2, which the server's own book does not know: to it they are
  // stale. It still gets through with the next version.
  plane_.Set("v2", Clusters({"a", "z"}));
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v2"));
  EXPECT_EQ(taken(), (std::vector<std::string>{"a", "odd", "z"}));
  EXPECT_EQ(stats().unknown_types, 1u);
}

TEST_P(AdsStreamTest, MayDieAtAnyMoment) {
  plane_.Set("v1", Clusters({"a"}));
  for (int i = 0; i < 20; ++i) {
    const size_t streams = plane_.streams_ever();
    const size_t requests = plane_.requests(kClusterType).size();
    Make();
    SubscribeToClusters();
    Start();
    // With and without a connection, a message on its way, an answer being written.
    if (i % 4 == 1) {
      EXPECT_TRUE(plane_.WaitForStreamsEver(streams + 1));
    }
    if (i % 4 == 2) {
      EXPECT_GT(plane_.WaitForRequests(kClusterType, requests + 1).size(), requests);
    }
    if (i % 4 == 3) plane_.SendRaw("garbage");
    Destroy();
  }
  EXPECT_TRUE(plane_.WaitForStreams(0));
}

TEST_P(AdsStreamTest, RequestsKeepToTheirRate) {
  plane_.Set("v1", Clusters({"a"}));
  AdsStreamOptions options = OptionsFor(plane_.address());
  options.rate = RequestRateOptions{1, 4};
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1")) << "the answer waits for its token, and goes";
  EXPECT_GE(stats().rate_limit_enforced, 1u);
}

// One that cannot be reached first.
TEST_P(AdsStreamTest, TriesTheNextServerAndComesBackToThePrimary) {
  if (GetParam() == Carrier::kCluster) GTEST_SKIP() << "the addresses stand in one cluster";
  plane_.Set("v1", Clusters({"a"}));
  FakeControlPlane second;
  second.Set("s1", Clusters({"a", "b"}));
  AdsStreamOptions options = OptionsFor(plane_.address());
  options.targets.push_back(TargetFor(second.address()));
  Make(std::move(options));
  SubscribeToClusters();
  plane_.Stop();
  Start();
  ASSERT_TRUE(second.WaitForAck(kClusterType, "s1"));
  EXPECT_EQ(second.requests(kClusterType)[0].version_info(), "");
  plane_.Restart();
  second.DropStreams();
  ASSERT_TRUE(plane_.WaitForAck(kClusterType, "v1"));
  EXPECT_EQ(plane_.requests(kClusterType)[0].version_info(), "") << "s1 means nothing to it";
}

// However long it keeps silent: keepalive may take longer to end a stream than the longest pause
// is.
TEST_P(AdsStreamTest, ServerThatIsAskedAndKeepsSilentIsLeft) {
  if (GetParam() == Carrier::kCluster) GTEST_SKIP() << "the addresses stand in one cluster";
  FakeControlPlane second;
  second.Set("s1", Clusters({"a"}));
  AdsStreamOptions options = OptionsFor(plane_.address());
  options.targets[0].backoff_base = options.targets[0].backoff_max = 1;  // Any stream lasts longer.
  options.targets.push_back(TargetFor(second.address()));
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  for (size_t streams = 1; streams <= 2; ++streams) {
    ASSERT_EQ(plane_.WaitForRequests(kClusterType, streams).size(), streams);
    plane_.DropStreams();
  }
  ASSERT_TRUE(second.WaitForAck(kClusterType, "s1"));
}

// The kernel takes the connections; nobody reads them, or gives room for all of a request.
TEST_P(AdsStreamTest, ServerThatTakesNoMessageIsLeft) {
  const testing::ListenSocket deaf;
  AdsStreamOptions options = OptionsFor(absl::StrCat("127.0.0.1:", deaf.port()));
  options.send_timeout = 10 * base::kMillisecond;
  auto& metadata = *options.node.mutable_metadata()->mutable_fields();
  metadata["x"].set_string_value(std::string(200'000, 'x'));
  Make(std::move(options));
  SubscribeToClusters();
  Start();
  ASSERT_TRUE(testing::Eventually([this] { return stats().streams_lost >= 2; }));
  thread_.Do(
      [this] { EXPECT_EQ(stream_->last_status().code(), absl::StatusCode::kDeadlineExceeded); });
}

INSTANTIATE_TEST_SUITE_P(Carriers, AdsStreamTest,
                         ::testing::Values(Carrier::kGrpc, Carrier::kCluster), NameOf);

}  // namespace
}  // namespace proxenos::xds
