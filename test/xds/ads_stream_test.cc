// Streams against a real control plane: order of requests, answers, loss and return, and a control
// plane that means harm.
#include "source/xds/ads_stream.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "gtest/gtest.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "source/xds/type_url.h"
#include "test/support/fake_control_plane.h"
#include "test/support/loop_thread.h"

namespace proxenos::xds {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::listener::v3::Listener;
using envoy::config::route::v3::RouteConfiguration;
using proxenos::testing::FakeControlPlane;
using proxenos::testing::LoopThread;

std::vector<Cluster> Clusters(const std::vector<std::string>& names) {
  std::vector<Cluster> clusters(names.size());
  for (size_t i = 0; i < names.size(); ++i) clusters[i].set_name(names[i]);
  return clusters;
}

GrpcTarget TargetFor(const std::string& address) {
  GrpcTarget target;
  target.uris = {"ipv4:" + address};
  target.backoff_base = 10 * base::kMillisecond;
  target.backoff_max = 100 * base::kMillisecond;
  return target;
}

AdsStreamOptions OptionsFor(const std::string& address) {
  AdsStreamOptions options;
  options.targets = {TargetFor(address)};
  options.method = kAggregatedMethod;
  options.node.set_id("node-1");
  options.node.set_cluster("service-1");
  return options;
}

// One stream with a receiver that keeps what it was given.
// What carries the stream.
enum class Carrier { kGrpc, kCluster };

class AdsStreamTest : public ::testing::TestWithParam<Carrier> {
 protected:
  ~AdsStreamTest() override { Destroy(); }

  // Must come before Start.
  void Make(AdsStreamOptions options) {
    thread_.Do([this, &options] {
      if (GetParam() == Carrier::kCluster) UseCluster(options);
      stream_ = std::make_unique<AdsStream>(thread_.loop(), std::move(options));
    });
  }
  void Make() { Make(OptionsFor(plane_.address())); }

  // Resources whose name begins with "bad" are refused.
  Subscription* Subscribe(const std::string& type_url, bool whole_set) {
    Subscription* subscription = nullptr;
    thread_.Do([this, &subscription, &type_url, whole_set] {
      SubscriptionOptions options;
      options.type = *FindResourceType(type_url);
      options.type.whole_set = whole_set;
      subscription = stream_->Subscribe(options, [this](const TypeUpdate& update) {
        std::vector<ResourceError> refused;
        for (const Resource& resource : update.resources) {
          if (resource.name.substr(0, 3) == "bad") {
            refused.push_back({resource.name, "name: begins with bad"});
          } else {
            taken_.push_back(resource.name);
          }
        }
        return refused;
      });
    });
    return subscription;
  }
  Subscription* SubscribeToClusters() {
    Subscription* clusters = Subscribe(kClusterType, true);
    thread_.Do([clusters] { clusters->Want({{kAllNames}, {}}); });
    return clusters;
  }

  void Start() {
    thread_.Do([this] { stream_->Start(); });
  }
  void Destroy() {
    thread_.Do([this] {
      stream_.reset();
      if (clusters_.has_value()) clusters_->DrainAll();
    });
    thread_.Do([] {});  // A turn of the loop, for what was retired.
    thread_.Do([this] { clusters_.reset(); });
  }

  std::vector<std::string> taken() {
    std::vector<std::string> copy;
    thread_.Do([this, &copy] { copy = taken_; });
    return copy;
  }
  ControlPlaneStats stats() {
    ControlPlaneStats copy;
    thread_.Do([this, &copy] { copy = stream_->stats(); });
    return copy;
  }

  // A cluster with the target's addresses instead of grpc++.
  void UseCluster(AdsStreamOptions& options) {
    auto config = std::make_shared<upstream::ClusterConfig>();
    config->name = options.targets[0].cluster = options.targets[0].authority = "plane";
    config->protocol = upstream::HttpProtocol::kHttp2;
    upstream::Assignment assignment;
    assignment.localities.emplace_back();
    for (const std::string& uri : options.targets[0].uris) {
      const size_t colon = uri.rfind(':');
      auto& endpoint = assignment.localities[0].endpoints.emplace_back();
      const auto address =
          absl::StartsWith(uri, "unix:")
              ? net::Address::FromPath(uri.substr(colon + 1))
              : net::Address::FromIp("127.0.0.1",
                                     static_cast<uint16_t>(std::stoi(uri.substr(colon + 1))));
      ASSERT_TRUE(address.ok());
      endpoint.address = *address;
    }
    auto hosts = upstream::BuildHostSet(*config, assignment, nullptr).hosts;
    clusters_.emplace(thread_.loop(), registry_);
    clusters_->Set(upstream::PublishedCluster{config, std::make_shared<upstream::CircuitBreakers>(),
                                              std::move(hosts)});
    options.find_cluster = [this](const std::string& name) { return clusters_->Find(name); };
  }

  FakeControlPlane plane_;
  stats::Registry registry_;
  LoopThread thread_;
  std::optional<upstream::ClusterMap> clusters_;  // Lives on the loop's thread.
  std::unique_ptr<AdsStream> stream_;             // Lives on the loop's thread.
  std::vector<std::string> taken_;                // The loop's thread.
};

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
  options.rate = RequestRateOptions{1, 100};
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
                         ::testing::Values(Carrier::kGrpc, Carrier::kCluster),
                         [](const auto& tested) {
                           return tested.param == Carrier::kGrpc ? "Grpc" : "Cluster";
                         });

INSTANTIATE_TEST_SUITE_P(Carriers, AdsStreamTest,
                         ::testing::Values(Carrier::kGrpc, Carrier::kCluster),
                         [](const auto& tested) {
                           return tested.param == Carrier::kGrpc ? "Grpc" : "Cluster";
                         });

}  // namespace
}  // namespace proxenos::xds
