// Aggregate clusters: which of their clusters gets a request, as health and configuration change.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/host_source.h"
#include "test/support/sim_clock.h"

namespace proxenos::upstream {
namespace {

class AggregateTest : public ::testing::Test {
 protected:
  ~AggregateTest() override {
    aggregate_.reset();
    clusters_.DrainAll();
    clusters_.Clear();
    loop_.RunOnce(0);
  }

  // Hosts by priority, of each so many and so many of them well.
  struct Hosts {
    int all;
    int healthy;
    int degraded = 0;
  };
  void Set(const std::string& name, const std::vector<Hosts>& priorities) {
    auto config = std::make_shared<ClusterConfig>();
    config->name = name;
    Assignment assignment;
    for (size_t p = 0; p < priorities.size(); ++p) {
      LocalityEndpoints& locality = assignment.localities.emplace_back();
      locality.priority = static_cast<uint32_t>(p);
      for (int i = 0; i < priorities[p].all; ++i) {
        Endpoint& endpoint = locality.endpoints.emplace_back();
        endpoint.address = *net::Address::FromIp(absl::StrCat("10.", p, ".0.", i + 1), 80);
        endpoint.health = i < priorities[p].healthy ? EndpointHealth::kHealthy
                          : i < priorities[p].healthy + priorities[p].degraded
                              ? EndpointHealth::kDegraded
                              : EndpointHealth::kUnhealthy;
      }
    }
    clusters_.Set(PublishedCluster{config, std::make_shared<const CircuitBreakers>(),
                                   BuildHostSet(*config, assignment, nullptr).hosts});
  }
  void Aggregate(const std::string& name, std::vector<std::string> names) {
    auto config = std::make_shared<ClusterConfig>();
    config->name = name;
    config->discovery = DiscoveryKind::kAggregate;
    config->lb_policy = LbPolicy::kClusterProvided;
    config->aggregated = std::make_shared<const std::vector<std::string>>(std::move(names));
    clusters_.Set(PublishedCluster{config, std::make_shared<const CircuitBreakers>(),
                                   std::make_shared<const HostSet>()});
  }
  // What of 100 requests goes where: "cluster/priority", '-' for the degraded; "none".
  std::map<std::string, int> Shares(uint64_t avoided = 0) {
    aggregate_ = clusters_.Find("all");
    std::map<std::string, int> shares;
    for (uint64_t hash = 0; hash < 100; ++hash) {
      PickRequest request;
      request.hash = hash;
      request.avoided_priorities = avoided;
      uint8_t priority = 0;
      WorkerCluster* cluster = aggregate_->source()->Delegate(request, &priority);
      last_priority_ = priority;
      ++shares[cluster == nullptr ? "none"
                                  : absl::StrCat(cluster->config().name, "/", request.only_priority,
                                                 request.only_degraded ? "-" : "")];
    }
    return shares;
  }
  using Expected = std::map<std::string, int>;

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  ClusterMap clusters_{loop_, registry_};
  base::Rc<WorkerCluster> aggregate_;
  uint8_t last_priority_ = 0;
};

TEST_F(AggregateTest, TheFirstClusterThatIsWellGetsAll) {
  Set("a", {{10, 10}, {10, 10}});
  Set("b", {{10, 10}});
  Aggregate("all", {"a", "b"});
  EXPECT_EQ(Shares(), (Expected{{"a/0", 100}}));
}

TEST_F(AggregateTest, WhatTheFirstCannotTakeGoesOn) {
  Set("a", {{10, 5}});  // 70 percent, by an overprovisioning of 140.
  Set("b", {{10, 10}});
  Aggregate("all", {"a", "b"});
  EXPECT_EQ(Shares(), (Expected{{"a/0", 70}, {"b/0", 30}}));
  Set("a", {{10, 0}, {10, 3}});
  EXPECT_EQ(Shares(), (Expected{{"a/1", 42}, {"b/0", 58}}));
  EXPECT_EQ(last_priority_, 2) << "in the line of all priorities";
  Set("a", {{10, 0}});
  EXPECT_EQ(Shares(), (Expected{{"b/0", 100}}));
}

TEST_F(AggregateTest, DegradedHostsComeBehindAllHealthyOnes) {
  Set("a", {{10, 0, 10}});
  Set("b", {{10, 3}});
  Aggregate("all", {"a", "b"});
  EXPECT_EQ(Shares(), (Expected{{"b/0", 42}, {"a/0-", 58}}));
}

TEST_F(AggregateTest, ClustersComeAndGo) {
  Aggregate("all", {"a", "b"});
  EXPECT_EQ(Shares(), (Expected{{"none", 100}}));
  Set("b", {{1, 1}});
  EXPECT_EQ(Shares(), (Expected{{"b/0", 100}}));
  Set("a", {{1, 1}});
  EXPECT_EQ(Shares(), (Expected{{"a/0", 100}}));
  clusters_.Remove("a");
  EXPECT_EQ(Shares(), (Expected{{"b/0", 100}}));
}

TEST_F(AggregateTest, PrioritiesThatWereTriedAreAvoided) {
  Set("a", {{1, 1}});
  Set("b", {{1, 1}});
  Aggregate("all", {"a", "b"});
  EXPECT_EQ(Shares(0b01), (Expected{{"b/0", 100}}));
  EXPECT_EQ(Shares(0b11), (Expected{{"a/0", 100}}));
}

TEST_F(AggregateTest, AnAggregateInAnotherStandsForItsOwn) {
  Set("a", {{10, 0}});
  Set("b", {{10, 5}});
  Set("c", {{10, 10}});
  Aggregate("inner", {"a", "b"});
  Aggregate("all", {"inner", "c"});
  EXPECT_EQ(Shares(), (Expected{{"b/0", 70}, {"c/0", 30}}));
}

TEST_F(AggregateTest, ACircleEnds) {
  Set("a", {{1, 1}});
  Aggregate("other", {"all", "a"});
  Aggregate("all", {"other"});
  EXPECT_EQ(Shares(), (Expected{{"a/0", 100}}));
}

TEST_F(AggregateTest, NobodyIsWellAnywhere) {
  Set("a", {{3, 0}});
  Set("b", {{1, 0}});
  Aggregate("all", {"a", "b"});
  EXPECT_EQ(Shares(), (Expected{{"a/0", 75}, {"b/0", 25}}));  // By number, in panic.
}

TEST_F(AggregateTest, AHostIsOfTheClusterThatChoseIt) {
  Set("a", {{1, 1}});
  Set("b", {{1, 1}});
  Aggregate("all", {"a", "b"});
  Shares();
  const Host& host = clusters_.Find("a")->hosts().host(0);
  EXPECT_EQ(aggregate_->source()->OwnerOf(host), nullptr);
  aggregate_->source()->Note(host);
  EXPECT_EQ(aggregate_->source()->OwnerOf(host), clusters_.Find("a").get());
}

}  // namespace
}  // namespace proxenos::upstream
