// Rooms 1 to 5 of an update, with everything real but the workers: a control plane over gRPC, the
// subscriptions, the compilers of the protos, the store. What comes out is batches.
#include "source/server/compilers.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "gtest/gtest.h"
#include "source/downstream/listener_config.h"
#include "source/server/builtin_filters.h"
#include "source/server/config_store.h"
#include "source/xds/ads_stream.h"
#include "source/xds/type_url.h"
#include "test/support/fake_control_plane.h"
#include "test/support/loop_thread.h"
#include "tools/xds_server/world_files.h"

namespace proxenos::server {
namespace {

using envoy::config::cluster::v3::Cluster;
using proxenos::testing::FakeControlPlane;
using proxenos::testing::LoopThread;

// The main thread's part of a server: one aggregated stream into a store.
class Discovery {
 public:
  Discovery(event::EventLoop& loop, const std::string& address)
      : store_(loop, registry_, MakeCompilers(listener_compiler_, ignored_), Hooks()),
        stream_(loop, Options(address)) {
    for (const char* type :
         {xds::kClusterType, xds::kEndpointType, xds::kListenerType, xds::kRouteType}) {
      xds::SubscriptionOptions options;
      options.type = *xds::FindResourceType(type);
      subscriptions_[type] = stream_.Subscribe(options, [this](const xds::TypeUpdate& update) {
        return store_.Apply(SourceKey(), update);
      });
    }
    subscriptions_[xds::kClusterType]->Want({{xds::kAllNames}, {}});
    subscriptions_[xds::kListenerType]->Want({{xds::kAllNames}, {}});
    stream_.Start();
  }

  // Waits for the batch in which a listener comes; returns all up to it, joined.
  Batch WaitForListener() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [this] { return !all_.listeners.empty(); });
    return all_;
  }

 private:
  static xds::AdsStreamOptions Options(const std::string& address) {
    xds::AdsStreamOptions options;
    options.targets.resize(1);
    options.targets[0].uris = {"ipv4:" + address};
    options.method = xds::kAggregatedMethod;
    return options;
  }

  ConfigStoreHooks Hooks() {
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) {
      std::lock_guard<std::mutex> lock(mutex_);
      for (auto& cluster : batch.clusters) all_.clusters.push_back(std::move(cluster));
      for (auto& routes : batch.routes) all_.routes.push_back(std::move(routes));
      for (auto& listener : batch.listeners) all_.listeners.push_back(std::move(listener));
      changed_.notify_all();
    };
    hooks.want = [this](const WantedNames::Change& change) {
      subscriptions_.at(change.type_url)->Want(change.names);
    };
    return hooks;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Batch all_;  // Guarded by mutex_.

  stats::Registry registry_;
  config::IgnoredFields ignored_;
  downstream::ListenerCompiler listener_compiler_{BuiltinFilters(), nullptr};
  std::map<std::string, xds::Subscription*> subscriptions_;
  ConfigStore store_;
  xds::AdsStream stream_;
};

class CompilersTest : public ::testing::Test {
 protected:
  ~CompilersTest() override {
    thread_.Do([this] { discovery_.reset(); });
  }
  void Start() {
    thread_.Do(
        [this] { discovery_ = std::make_unique<Discovery>(thread_.loop(), plane_.address()); });
  }

  FakeControlPlane plane_;
  LoopThread thread_;
  std::unique_ptr<Discovery> discovery_;  // Lives on the loop's thread.
};

TEST_F(CompilersTest, SampleWorldComesUp) {
  const absl::StatusOr<xds_server::WorldState> world = xds_server::LoadWorld("tools/sample/xds");
  ASSERT_TRUE(world.ok()) << world.status();
  plane_.Update(*world);
  Start();
  const Batch batch = discovery_->WaitForListener();
  ASSERT_EQ(batch.clusters.size(), 1u);
  EXPECT_EQ(batch.clusters[0]->config->name, "origin");
  EXPECT_EQ(batch.clusters[0]->hosts->size(), 1u);
  ASSERT_EQ(batch.routes.size(), 1u);
  EXPECT_EQ(batch.routes[0].second->table->name(), "sample");
  ASSERT_EQ(batch.listeners.size(), 1u);
  EXPECT_EQ(batch.listeners[0].config->chains[0]->http->rds_name, "sample");
  for (const auto& [type, state] : *world) {
    EXPECT_TRUE(plane_.WaitForAck(type, state.version)) << type;
  }
}

TEST_F(CompilersTest, RefusalHasAllThatIsWrongWithEachResource) {
  Cluster good;
  good.set_name("good");
  good.mutable_connect_timeout()->set_seconds(1);
  Cluster bad = good;
  bad.set_name("bad");
  bad.mutable_connect_timeout()->set_seconds(-1);     // Breaks a constraint.
  bad.mutable_stats_matcher()->set_reject_all(true);  // Is not implemented.
  plane_.Set<Cluster>("v1", {good, bad});
  Start();
  const std::optional<std::string> nack = plane_.WaitForNack(xds::kClusterType, "v1");
  ASSERT_TRUE(nack.has_value());
  EXPECT_TRUE(absl::StartsWith(*nack, "bad: ")) << *nack;
  EXPECT_TRUE(absl::StrContains(*nack, "connect_timeout")) << *nack;
  EXPECT_TRUE(absl::StrContains(*nack, "stats_matcher")) << *nack;
  EXPECT_FALSE(absl::StrContains(*nack, "good")) << *nack;
}

TEST_F(CompilersTest, BytesOfAnotherMessageAreRefused) {
  config::IgnoredFields ignored;
  const downstream::ListenerCompiler listener_compiler{BuiltinFilters(), nullptr};
  Compilers compilers = MakeCompilers(listener_compiler, ignored);
  const std::string garbage =
      "\x0a\x01"
      "a\x12\x02\xff\xff\xff";
  config::Errors errors;
  EXPECT_EQ(compilers.cluster(garbage, Origin::kDiscovery, errors), nullptr);
  EXPECT_EQ(compilers.assignment(garbage, Origin::kDiscovery, errors), nullptr);
  EXPECT_EQ(compilers.routes(garbage, Origin::kDiscovery, errors), nullptr);
  EXPECT_EQ(compilers.listener(garbage, Origin::kDiscovery, errors).config, nullptr);
  EXPECT_EQ(errors.count(), 4u) << errors.ToStatus();
}

}  // namespace
}  // namespace proxenos::server
