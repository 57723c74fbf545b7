// common_lb_config.override_host_status: in which states a host may be asked for by its address.
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/worker_cluster.h"
#include "test/support/sim_clock.h"

namespace proxenos::upstream {
namespace {

struct Asked final : public Exchange {
  Asked() : Exchange(head_storage) {}
  void OnProgress() override {}

  buffer::Arena arena;
  http::ResponseHead head_storage{arena};
};

class OverrideStatesTest : public ::testing::Test {
 protected:
  OverrideStatesTest() { config_->name = "c"; }
  ~OverrideStatesTest() override { loop_.RunOnce(0); }

  // Two hosts; the second is what discovery says. What `bits` says was found out here.
  net::Address Picked(EndpointHealth discovered, uint32_t bits = 0) {
    Assignment assignment;
    auto& endpoints = assignment.localities.emplace_back().endpoints;
    endpoints.resize(2);
    endpoints[0].address = *net::Address::FromIp("127.0.0.1", 1);
    endpoints[1].address = wanted_;
    endpoints[1].health = discovered;
    auto hosts = BuildHostSet(*config_, assignment, nullptr).hosts;
    hosts->host(1).SetHealthBits(bits);
    hosts = RebuildForHealth(*hosts);
    const base::Rc<WorkerCluster> cluster(std::make_unique<WorkerCluster>(
        loop_, registry_,
        PublishedCluster{config_, std::make_shared<const CircuitBreakers>(), hosts}));
    PickRequest request;
    const std::string text = wanted_.ToString();
    request.override_hosts = text;
    Asked asked;
    asked.pick = &request;
    cluster->Acquire(asked);
    return asked.host == nullptr ? net::Address() : asked.host->address();
  }

  const net::Address wanted_ = *net::Address::FromIp("127.0.0.1", 2);
  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  std::shared_ptr<ClusterConfig> config_ = std::make_shared<ClusterConfig>();
};

TEST_F(OverrideStatesTest, HealthyAndDegradedOnesByDefault) {
  EXPECT_EQ(Picked(EndpointHealth::kDegraded), wanted_);
  EXPECT_NE(Picked(EndpointHealth::kDraining), wanted_);
  EXPECT_NE(Picked(EndpointHealth::kUnhealthy), wanted_);
  EXPECT_EQ(Picked(EndpointHealth::kHealthy, kDegradedActiveCheck), wanted_);
  EXPECT_NE(Picked(EndpointHealth::kHealthy, kFailedActiveCheck), wanted_);
  EXPECT_NE(Picked(EndpointHealth::kDegraded, kFailedOutlierCheck), wanted_);
}

TEST_F(OverrideStatesTest, ThoseThatAreListed) {
  config_->override_states = BitOf(EndpointHealth::kDraining) | BitOf(EndpointHealth::kUnhealthy);
  EXPECT_EQ(Picked(EndpointHealth::kDraining), wanted_);
  EXPECT_EQ(Picked(EndpointHealth::kUnhealthy), wanted_);
  EXPECT_NE(Picked(EndpointHealth::kTimeout), wanted_);
  EXPECT_EQ(Picked(EndpointHealth::kHealthy, kFailedActiveCheck), wanted_);
}

TEST_F(OverrideStatesTest, NoneWhereTheListIsEmpty) {
  config_->override_states = 0;
  config_->lb_policy = LbPolicy::kPickFirst;
  EXPECT_NE(Picked(EndpointHealth::kHealthy), wanted_);
}

}  // namespace
}  // namespace proxenos::upstream
