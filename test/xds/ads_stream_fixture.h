// AdsStreamTest: a stream on a loop of its own, against a real control plane.
#pragma once

#include <memory>
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
#include "source/xds/ads_stream.h"
#include "source/xds/type_url.h"
#include "test/support/fake_control_plane.h"
#include "test/support/loop_thread.h"

namespace proxenos::xds {

using envoy::config::cluster::v3::Cluster;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::listener::v3::Listener;
using envoy::config::route::v3::RouteConfiguration;
using proxenos::testing::FakeControlPlane;
using proxenos::testing::LoopThread;

inline std::vector<Cluster> Clusters(const std::vector<std::string>& names) {
  std::vector<Cluster> clusters(names.size());
  for (size_t i = 0; i < names.size(); ++i) clusters[i].set_name(names[i]);
  return clusters;
}

inline GrpcTarget TargetFor(const std::string& address) {
  GrpcTarget target;
  target.uris = {"ipv4:" + address};
  target.backoff_base = 10 * base::kMillisecond;
  target.backoff_max = 100 * base::kMillisecond;
  return target;
}

inline AdsStreamOptions OptionsFor(const std::string& address) {
  AdsStreamOptions options;
  options.targets = {TargetFor(address)};
  options.method = kAggregatedMethod;
  options.node.set_id("node-1");
  options.node.set_cluster("service-1");
  return options;
}

// What carries the stream.
enum class Carrier { kGrpc, kCluster };

// One stream with a receiver that keeps what it was given.
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

inline std::string NameOf(const ::testing::TestParamInfo<Carrier>& tested) {
  return tested.param == Carrier::kGrpc ? "Grpc" : "Cluster";
}

}  // namespace proxenos::xds
