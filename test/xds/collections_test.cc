// Collections and names of the form xdstp:// in an incremental subscription.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "gtest/gtest.h"
#include "source/xds/delta_subscription.h"
#include "source/xds/type_url.h"

namespace proxenos::xds {
namespace {

using Names = std::vector<std::string>;

std::string Named(const std::string& tail) {
  return "xdstp://mesh.test/envoy.config.cluster.v3.Cluster/" + tail;
}

class CollectionsTest : public ::testing::Test {
 protected:
  CollectionsTest() {
    SubscriptionOptions options;
    options.type = *FindResourceType(kClusterType);
    delta_.emplace(timers_, options, [this](const TypeUpdate& update) {
      updates_.push_back(update);
      return std::vector<ResourceError>();
    });
  }
  Names Ask(const Names& names) {
    delta_->Want({names, {}});
    delta_->OnStreamOpened(0);
    const DeltaSubscription::Request request = delta_->TakeRequest();
    return {request.resource_names_subscribe().begin(), request.resource_names_subscribe().end()};
  }
  Names Send(const Names& sent, const Names& removed = {}) {
    DeltaSubscription::Response response;
    response.set_nonce("n");
    response.set_type_url(kClusterType);
    for (const std::string& name : sent) {
      envoy::config::cluster::v3::Cluster cluster;
      cluster.set_name(name);
      auto* wrapper = response.add_resources();
      wrapper->set_name(name);
      wrapper->set_version("1");
      wrapper->mutable_resource()->PackFrom(cluster);
    }
    for (const std::string& name : removed) response.add_removed_resources(name);
    delta_->OnResponse(response);
    Names taken;
    for (const Resource& resource : updates_.back().resources) taken.push_back(resource.name);
    return taken;
  }

  event::TimerWheel timers_{0};
  std::optional<DeltaSubscription> delta_;
  std::vector<TypeUpdate> updates_;
};

TEST_F(CollectionsTest, MembersComeAndGo) {
  EXPECT_EQ(Ask({Named("a/*?z=1&b=2")}), Names{Named("a/*?b=2&z=1")});
  EXPECT_EQ(Send({Named("a/x?b=2&z=1"), Named("a/*?b=2&z=1"), Named("a/y/z?b=2&z=1"),
                  Named("a/w?b=2"), "plain"}),
            Names{Named("a/x?b=2&z=1")});
  EXPECT_EQ(delta_->stats().unwanted_resources, 4u);
  Send({}, {Named("a/x?b=2&z=1"), Named("a/never?b=2&z=1")});
  EXPECT_EQ(updates_.back().removed, Names{Named("a/x?b=2&z=1")});
}

TEST_F(CollectionsTest, MembersAreForgottenWithTheirCollection) {
  Ask({Named("a/*"), "plain"});
  Send({Named("a/x"), "plain"});
  EXPECT_EQ(delta_->held(), 2u);
  delta_->Want({{}, {Named("a/*")}});
  EXPECT_EQ(delta_->held(), 1u);
}

TEST_F(CollectionsTest, ANameIsGivenAsItWasAskedFor) {
  EXPECT_EQ(Ask({Named("x?b=2&a=1")}), Names{Named("x?a=1&b=2")});
  EXPECT_EQ(Send({Named("x?a=1&b=2")}), Names{Named("x?b=2&a=1")});
  Send({}, {Named("x?a=1&b=2")});
  EXPECT_EQ(updates_.back().removed, Names{Named("x?b=2&a=1")});
}

// Two who want one thing and write its name otherwise: each has it by its own way of writing.
TEST_F(CollectionsTest, ANameInTwoWaysOfWriting) {
  const std::string one = Named("x?b=2&a=1");
  const std::string other = Named("x?a=%31&b=2");
  EXPECT_EQ(Ask({one, other}), Names{Named("x?a=1&b=2")});
  EXPECT_EQ(Send({Named("x?a=1&b=2")}), (Names{one, other}));
  EXPECT_EQ(delta_->held(), 2u);
  while (delta_->has_request()) delta_->TakeRequest();

  // One of them has enough: the server hears nothing.
  delta_->Want({{}, {one}});
  EXPECT_FALSE(delta_->has_request());
  EXPECT_EQ(delta_->held(), 1u);
  Send({}, {Named("x?b=2&a=1")});
  EXPECT_EQ(updates_.back().removed, Names{other});
  EXPECT_EQ(Send({Named("x?a=1&b=2")}), Names{other});
  while (delta_->has_request()) delta_->TakeRequest();

  delta_->Want({{}, {other}});
  const DeltaSubscription::Request last = delta_->TakeRequest();
  ASSERT_EQ(last.resource_names_unsubscribe_size(), 1);
  EXPECT_EQ(last.resource_names_unsubscribe(0), Named("x?a=1&b=2"));
  EXPECT_EQ(delta_->held(), 0u);
}

TEST_F(CollectionsTest, WhatIsHeldIsHandedOnForAnotherWayOfWriting) {
  const std::string one = Named("x?b=2&a=1");
  const std::string other = Named("x?a=1&b=2");
  Ask({one});
  Send({one});
  while (delta_->has_request()) delta_->TakeRequest();
  const size_t before = updates_.size();
  delta_->Want({{other}, {}});
  EXPECT_FALSE(delta_->has_request());
  EXPECT_EQ(updates_.size(), before) << "not while the receiver says what it wants";
  timers_.Advance(base::kMillisecond);
  ASSERT_EQ(updates_.size(), before + 1);
  ASSERT_EQ(updates_.back().resources.size(), 1u);
  EXPECT_EQ(updates_.back().resources[0].name, other);
  EXPECT_EQ(updates_.back().resources[0].version, "1");
  EXPECT_EQ(delta_->held(), 2u);
  // It goes before it is handed on.
  delta_->Want({{}, {other}});
  delta_->Want({{other}, {}});
  delta_->Want({{}, {other}});
  timers_.Advance(2 * base::kMillisecond);
  EXPECT_EQ(updates_.size(), before + 1);
  EXPECT_EQ(delta_->held(), 1u);
}

}  // namespace
}  // namespace proxenos::xds
