// The clusters that a worker knows.
#include "source/upstream/cluster_map.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/support/sim_clock.h"

namespace proxenos::upstream {
namespace {

class ClusterMapTest : public ::testing::Test {
 protected:
  ~ClusterMapTest() override {
    clusters_.DrainAll();
    clusters_.Clear();
    loop_.RunOnce(0);
  }

  // A new configuration each time, with hosts 10.0.0.1 and so on.
  std::shared_ptr<const PublishedCluster> Make(const std::string& name, int hosts) {
    auto config = std::make_shared<ClusterConfig>();
    config->name = name;
    return With(std::move(config), hosts);
  }
  static std::shared_ptr<const PublishedCluster> With(std::shared_ptr<const ClusterConfig> config,
                                                      int hosts) {
    Assignment assignment;
    assignment.localities.emplace_back();
    for (int i = 1; i <= hosts; ++i) {
      Endpoint& endpoint = assignment.localities[0].endpoints.emplace_back();
      endpoint.address = *net::Address::FromIp(absl::StrCat("10.0.0.", i), 80);
    }
    auto set = BuildHostSet(*config, assignment, nullptr).hosts;
    return std::make_shared<const PublishedCluster>(PublishedCluster{
        std::move(config), std::make_shared<const CircuitBreakers>(), std::move(set)});
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  ClusterMap clusters_{loop_, registry_};
};

TEST_F(ClusterMapTest, FindsByNameWhatWasSet) {
  for (int i = 0; i < 1000; ++i) clusters_.Set(Make(absl::StrCat("a-cluster-with-a-name-", i), 1));
  for (int i = 0; i < 1000; ++i) {
    const std::string name = absl::StrCat("a-cluster-with-a-name-", i);
    ASSERT_TRUE(clusters_.Find(name));
    EXPECT_EQ(clusters_.Find(name)->config().name, name);
  }
  EXPECT_FALSE(clusters_.Find("another"));
  for (int i = 0; i < 1000; i += 2) clusters_.Remove(absl::StrCat("a-cluster-with-a-name-", i));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(bool{clusters_.Find(absl::StrCat("a-cluster-with-a-name-", i))}, i % 2 == 1);
  }
}

TEST_F(ClusterMapTest, NewHostsReachTheOneInUse) {
  const auto first = Make("a", 1);
  clusters_.Set(first);
  const base::Rc<WorkerCluster> used = clusters_.Find("a");
  clusters_.SetHosts(With(first->config, 3));
  EXPECT_EQ(used->hosts().size(), 3u);
  EXPECT_EQ(clusters_.Find("a").get(), used.get()) << "pools are kept";
  clusters_.SetHosts(Make("nobody", 3));
  EXPECT_FALSE(clusters_.Find("nobody"));
}

TEST_F(ClusterMapTest, NewHostsReachTheOneNotYetInUse) {
  const auto first = Make("a", 1);
  clusters_.Set(first);
  clusters_.SetHosts(With(first->config, 2));
  EXPECT_EQ(clusters_.Find("a")->hosts().size(), 2u);
}

TEST_F(ClusterMapTest, AnotherConfigurationIsAnotherCluster) {
  clusters_.Set(Make("a", 1));
  const base::Rc<WorkerCluster> used = clusters_.Find("a");
  clusters_.Set(Make("a", 2));  // The old configuration, and the name in it, may go.
  EXPECT_EQ(used->hosts().size(), 1u);
  EXPECT_EQ(clusters_.Find("a")->hosts().size(), 2u);
  EXPECT_NE(clusters_.Find("a").get(), used.get());
  clusters_.Remove("a");
  EXPECT_FALSE(clusters_.Find("a"));
  clusters_.Remove("a");
}

}  // namespace
}  // namespace proxenos::upstream
