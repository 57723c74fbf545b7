// What a request may ask of balancing: its hash, hosts and priorities to avoid; and that hash
// tables are built anew only when they would differ.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/load_balancer.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using testing::At;
using testing::InLocality;
using testing::Of;

class PickRequestTest : public ::testing::Test {
 protected:
  void Build(const Assignment& assignment) {
    config_.discovery = DiscoveryKind::kEds;
    hosts_ = BuildHostSet(config_, assignment, hosts_).hosts;
    if (balancer_ == nullptr) {
      balancer_ = MakeLoadBalancer(config_, [](HostIndex) -> uint32_t { return 0; });
    }
    balancer_->Update(*hosts_, random_);
  }
  // Two hosts in each of three priorities.
  static Assignment Priorities() {
    Assignment assignment;
    for (uint32_t priority = 0; priority < 3; ++priority) {
      const std::string net = "10.0." + std::to_string(priority) + ".";
      assignment.localities.push_back(InLocality("", {At(net + "1"), At(net + "2")}));
      assignment.localities.back().priority = priority;
    }
    return assignment;
  }
  HostIndex Pick(const PickRequest& request) { return balancer_->Pick(request, random_).host; }

  ClusterConfig config_;
  std::shared_ptr<const HostSet> hosts_;
  std::unique_ptr<LoadBalancer> balancer_;
  base::Random random_{5};
};

TEST_F(PickRequestTest, AHashLeadsToItsHost) {
  for (const LbPolicy policy : {LbPolicy::kRingHash, LbPolicy::kMaglev}) {
    config_.lb_policy = policy;
    config_.hashing.Mutable().ring = policy == LbPolicy::kRingHash;
    balancer_ = nullptr;
    Build(Of({At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.3")}));
    std::vector<int> count(3);
    for (uint64_t i = 0; i < 300; ++i) {
      PickRequest request;
      request.hash = i * 0x9E3779B97F4A7C15u;
      const HostIndex host = Pick(request);
      ++count[host];
      EXPECT_EQ(Pick(request), host);
    }
    for (const int each : count) EXPECT_GT(each, 50);
  }
}

TEST_F(PickRequestTest, TablesStayWhileNothingTheyAreMadeOfChanges) {
  config_.lb_policy = LbPolicy::kMaglev;
  config_.hashing.Mutable().ring = false;
  Build(Of({At("10.0.0.1"), At("10.0.0.2")}));
  const HashTable* table = hosts_->groups()[0].table.get();
  ASSERT_NE(table, nullptr);
  hosts_ = RebuildForHealth(*hosts_);
  EXPECT_EQ(hosts_->groups()[0].table.get(), table);
  Build(Of({At("10.0.0.1"), At("10.0.0.2", 3)}));
  EXPECT_NE(hosts_->groups()[0].table.get(), table);
}

TEST_F(PickRequestTest, HostsThatWereTriedAreAvoided) {
  Build(Of({At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.3")}));
  const Host* const tried[] = {&hosts_->host(0), &hosts_->host(1)};
  PickRequest request;
  request.avoided = tried;
  request.attempts = 20;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Pick(request), 2u);
  const Host* const all[] = {&hosts_->host(0), &hosts_->host(1), &hosts_->host(2)};
  request.avoided = all;
  EXPECT_NE(Pick(request), kNoHost);  // Rather one of them than none.
}

TEST_F(PickRequestTest, HostsWithSomeMetadataAreAvoided) {
  std::vector<Endpoint> endpoints = {At("10.0.0.1"), At("10.0.0.2")};
  endpoints[0].metadata = std::make_shared<const FlatStruct>(FlatStruct{{"canary", "x"}});
  Build(Of(std::move(endpoints)));
  const FlatStruct canary = {{"canary", "x"}};
  PickRequest request;
  request.avoided_metadata = &canary;
  request.attempts = 10;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Pick(request), 1u);
}

TEST_F(PickRequestTest, PrioritiesThatWereTriedAreAvoided) {
  Build(Priorities());
  PickRequest request;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(hosts_->entry(Pick(request)).priority, 0);
  request.avoided_priorities = 1;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(hosts_->entry(Pick(request)).priority, 1);
  request.avoided_priorities = 3;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(hosts_->entry(Pick(request)).priority, 2);
  request.avoided_priorities = 7;  // All of them: begin anew.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(hosts_->entry(Pick(request)).priority, 0);
}

TEST_F(PickRequestTest, PickFirstStaysAtTheFirst) {
  config_.lb_policy = LbPolicy::kPickFirst;
  Build(Of({At("10.0.0.1"), At("10.0.0.2")}));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Pick(PickRequest()), 0u);
}

TEST(MetadataTest, TextOfAField) {
  using namespace std::string_literals;
  // google.protobuf.Value of "abc", and of a number.
  const FlatStruct fields = {{"hash_key", "\x1a\x03"s + "abc"},
                             {"number", "\x11\0\0\0\0\0\0\0\0"s}};
  EXPECT_EQ(TextOf(fields, "hash_key"), "abc");
  EXPECT_EQ(TextOf(fields, "number"), "");
  EXPECT_EQ(TextOf(fields, "other"), "");
}

}  // namespace
}  // namespace proxenos::upstream
