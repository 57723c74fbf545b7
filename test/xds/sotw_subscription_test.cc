// The state-of-the-world state machine of one type: what is asked for, and what becomes of the
// answers.
#include <string>
#include <vector>

#include "envoy/config/route/v3/route.pb.h"
#include "source/xds/xxhash64.h"
#include "test/xds/sotw_fixture.h"

namespace proxenos::xds {
namespace {

TEST_F(SotwSubscriptionTest, AsksForAllThenAcknowledges) {
  SotwSubscription& subscription = Make(true);
  EXPECT_FALSE(subscription.has_request());
  subscription.Want({{kAllNames}, {}});
  EXPECT_FALSE(subscription.has_request()) << "there is no stream yet";
  subscription.OnStreamOpened(0);
  ASSERT_TRUE(subscription.has_request());
  const SotwSubscription::Request first = subscription.TakeRequest();
  EXPECT_EQ(first.type_url(), kClusterType);
  EXPECT_EQ(first.version_info(), "");
  EXPECT_EQ(first.response_nonce(), "");
  EXPECT_EQ(first.resource_names_size(), 0);
  EXPECT_FALSE(subscription.has_request());

  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a"), MakeCluster("b")}));
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(NamesOf(updates_[0]), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(updates_[0].resources[0].version, "v1");
  EXPECT_EQ(*updates_[0].resources[0].bytes, MakeCluster("a").SerializeAsString());
  const SotwSubscription::Request ack = subscription.TakeRequest();
  EXPECT_EQ(ack.version_info(), "v1");
  EXPECT_EQ(ack.response_nonce(), "n1");
  EXPECT_FALSE(ack.has_error_detail());
  EXPECT_FALSE(subscription.has_request());
  EXPECT_EQ(subscription.stats().version, XxHash64("v1"));
}

TEST_F(SotwSubscriptionTest, RefusalNamesEveryBadResourceAndKeepsTheVersion) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  subscription.TakeRequest();

  refuse_ = {{"b", "lb_policy: is not implemented\nname: too long"}, {"c", "type: unknown"}};
  subscription.OnResponse(MakeResponse(
      "v2", "n2", {MakeCluster("a"), MakeCluster("b"), MakeCluster("c"), MakeCluster("d")}));
  const SotwSubscription::Request nack = subscription.TakeRequest();
  EXPECT_EQ(nack.version_info(), "v1");
  EXPECT_EQ(nack.response_nonce(), "n2");
  EXPECT_EQ(nack.error_detail().code(), 3);
  EXPECT_EQ(nack.error_detail().message(),
            "b: lb_policy: is not implemented\nname: too long\nc: type: unknown");
  EXPECT_EQ(subscription.version(), "v1");
  EXPECT_EQ(subscription.stats().update_rejected, 1u);

  // The good one, d, is in force and not sent on again; what was refused is looked at again, even
  // with the same bytes: what made it bad may have been mended elsewhere.
  refuse_ = {};
  subscription.OnResponse(MakeResponse(
      "v3", "n3", {MakeCluster("a"), MakeCluster("b"), MakeCluster("c"), MakeCluster("d")}));
  EXPECT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(updates_.back().unchanged, 2u);
  EXPECT_FALSE(subscription.TakeRequest().has_error_detail());
}

TEST_F(SotwSubscriptionTest, GoingBackToTheLastGoodVersionIsTold) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a", "good")}));
  refuse_ = {{"a", "bad"}};
  subscription.OnResponse(MakeResponse("v2", "n2", {MakeCluster("a", "bad")}));
  EXPECT_EQ(subscription.last_refusal(), "a: bad");
  refuse_ = {};
  subscription.OnResponse(MakeResponse("v3", "n3", {MakeCluster("a", "good")}));
  // The receiver must hear of it, to forget the error.
  EXPECT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"a"}));
  EXPECT_EQ(subscription.last_refusal(), "");
}

TEST_F(SotwSubscriptionTest, UnchangedResourcesAreNotPassedOn) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a"), MakeCluster("b")}));
  subscription.OnResponse(MakeResponse("v2", "n2", {MakeCluster("a"), MakeCluster("b", "new")}));
  EXPECT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"b"}));
  EXPECT_EQ(updates_.back().unchanged, 1u);
  EXPECT_EQ(updates_.back().version, "v2");
}

TEST_F(SotwSubscriptionTest, ManyResourcesAreAppliedInPartsAndAnsweredAtTheEnd) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("0", "n0", {MakeCluster("old")}));
  subscription.TakeRequest();
  updates_.clear();

  refuse_ = {{"c149", "no"}};
  subscription.OnResponse(MakeResponse("1", "n1", MakeClusters(150)));
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].removed, std::vector<std::string>{"old"});
  EXPECT_LT(updates_[0].resources.size(), 100u);
  EXPECT_FALSE(subscription.has_request()) << "not all of it was tried yet";
  for (int turn = 1; turn < 10; ++turn) timers_.Advance(turn * base::kMillisecond);
  size_t taken = 0;
  for (const TypeUpdate& update : updates_) taken += update.resources.size();
  EXPECT_EQ(taken, 150u);
  EXPECT_TRUE(updates_.back().removed.empty());
  ASSERT_TRUE(subscription.has_request());
  const SotwSubscription::Request answer = subscription.TakeRequest();
  EXPECT_EQ(answer.response_nonce(), "n1");
  EXPECT_EQ(answer.version_info(), "0");
  EXPECT_NE(answer.error_detail().message().find("c149: no"), std::string::npos);
}

TEST_F(SotwSubscriptionTest, NextResponseFindsTheOneBeforeApplied) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("1", "n1", MakeClusters(150)));
  subscription.OnResponse(MakeResponse("2", "n2", {}));
  EXPECT_EQ(updates_.back().removed.size(), 150u);
  EXPECT_EQ(subscription.TakeRequest().response_nonce(), "n1");
  EXPECT_EQ(subscription.TakeRequest().response_nonce(), "n2");
}

TEST_F(SotwSubscriptionTest, LostStreamLeavesNothingHalfApplied) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("1", "n1", MakeClusters(150)));
  subscription.OnStreamLost();
  EXPECT_TRUE(subscription.busy());
  FinishInTurns();
  EXPECT_EQ(subscription.held(), 150u);
  EXPECT_EQ(subscription.version(), "1");
  EXPECT_FALSE(subscription.has_request());
}

TEST_F(SotwSubscriptionTest, AnotherStreamIsNotAnsweredForTheOneBefore) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("1", "n1", MakeClusters(2000)));
  subscription.OnStreamLost();
  subscription.OnStreamOpened(0);
  const SotwSubscription::Request first = subscription.TakeRequest();
  EXPECT_EQ(first.response_nonce(), "");
  EXPECT_EQ(first.version_info(), "") << "of version 1 not all is in force";
  FinishInTurns();
  EXPECT_EQ(subscription.held(), 2000u);
  EXPECT_FALSE(subscription.has_request());
  subscription.OnResponse(MakeResponse("2", "m1", {}));
  EXPECT_EQ(subscription.TakeRequest().response_nonce(), "m1");
}

TEST_F(SotwSubscriptionTest, ResponseWaitsForWhatCameBeforeIt) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  bool done = false;
  int finished = 0;
  subscription.ApplyWhen([&](base::MonoTime begun, bool finish) {
    EXPECT_EQ(begun, subscription.busy_since());
    EXPECT_LE(begun, timers_.now());
    finished += finish;
    return done;
  });
  subscription.OnResponse(MakeResponse("1", "n1", MakeClusters(100)));
  for (int turn = 0; turn < 3; ++turn) NextTurn();
  EXPECT_TRUE(updates_.empty());
  EXPECT_TRUE(subscription.busy());
  EXPECT_FALSE(subscription.has_request()) << "an answer before it is in force";
  done = true;
  FinishInTurns();
  EXPECT_EQ(updates_.size(), 2u);
  EXPECT_EQ(subscription.TakeRequest().response_nonce(), "n1");
  EXPECT_EQ(finished, 0);

  // The next response does not wait for what this one waits for.
  done = false;
  subscription.OnResponse(MakeResponse("2", "n2", {}));
  EXPECT_TRUE(subscription.busy());
  subscription.OnResponse(MakeResponse("3", "n3", {}));
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(subscription.TakeRequest().response_nonce(), "n2");
  done = true;
  FinishInTurns();
  EXPECT_EQ(subscription.TakeRequest().response_nonce(), "n3");
  EXPECT_EQ(subscription.version(), "3");
}

TEST_F(SotwSubscriptionTest, LargeResponseIsReadInPartsBeforeAnyOfItIsApplied) {
  SotwSubscription& subscription = Make(true);
  int idle = 0;
  subscription.OnIdle([&idle] { ++idle; });
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("0", "n0", {MakeCluster("old")}));
  subscription.TakeRequest();
  EXPECT_EQ(idle, 1);
  updates_.clear();

  subscription.OnResponse(MakeResponse("1", "n1", MakeClusters(2000)));
  int turns_without_effect = 0;
  for (; updates_.empty(); ++turns_without_effect) NextTurn();
  EXPECT_EQ(turns_without_effect, 3) << "four parts of 512 at most, the first of them at once";
  EXPECT_EQ(updates_[0].removed, std::vector<std::string>{"old"});
  EXPECT_TRUE(subscription.busy());
  EXPECT_FALSE(subscription.has_request());
  FinishInTurns();
  EXPECT_EQ(updates_.size(), 32u) << "64 a turn";
  EXPECT_EQ(idle, 2);
  EXPECT_EQ(subscription.TakeRequest().response_nonce(), "n1");

  // The same once more is read, and nothing more.
  updates_.clear();
  subscription.OnResponse(MakeResponse("2", "n2", MakeClusters(2000)));
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_TRUE(subscription.busy());
    NextTurn();
  }
  EXPECT_FALSE(subscription.busy());
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].unchanged, 2000u);
}

TEST_F(SotwSubscriptionTest, FewLargeResourcesAreReadInPartsToo) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  std::vector<Cluster> clusters;
  for (const char* name : {"a", "b", "c"}) {
    clusters.push_back(MakeCluster(name, std::string(size_t{1} << 20, 'x')));
  }
  subscription.OnResponse(MakeResponse("1", "n1", clusters));
  EXPECT_TRUE(updates_.empty());
  NextTurn();
  EXPECT_TRUE(updates_.empty());
  NextTurn();
  EXPECT_EQ(updates_.size(), 1u);
}

TEST_F(SotwSubscriptionTest, OneBadEntryOfManyRefusesItselfAndRemovesNobody) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("0", "n0", {MakeCluster("old")}));
  subscription.TakeRequest();
  SotwSubscription::Response response = MakeResponse("1", "n1", MakeClusters(1500));
  response.mutable_resources(1400)->set_value("\xff");
  subscription.OnResponse(response);
  FinishInTurns();
  EXPECT_EQ(subscription.held(), 1500u) << "1499 good ones and the old one";
  const SotwSubscription::Request answer = subscription.TakeRequest();
  EXPECT_EQ(answer.version_info(), "0");
  EXPECT_EQ(answer.error_detail().message(), "resources[1400]: the bytes are not a valid message");
}

TEST_F(SotwSubscriptionTest, WholeSetRemovesWhatIsAbsent) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnResponse(
      MakeResponse("v1", "n1", {MakeCluster("a"), MakeCluster("b"), MakeCluster("c")}));
  subscription.OnResponse(MakeResponse("v2", "n2", {MakeCluster("b")}));
  EXPECT_EQ(updates_.back().removed, (std::vector<std::string>{"a", "c"}));
  subscription.OnResponse(MakeResponse("v3", "n3", {}));
  EXPECT_EQ(updates_.back().removed, (std::vector<std::string>{"b"}));
  EXPECT_EQ(subscription.stats().update_empty, 1u);
}

TEST_F(SotwSubscriptionTest, UnreadableEntryRemovesNobody) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a"), MakeCluster("b")}));
  SotwSubscription::Response response = MakeResponse("v2", "n2", {MakeCluster("a")});
  google::protobuf::Any* garbage = response.add_resources();
  garbage->set_type_url(kClusterType);
  garbage->set_value("\xff\xff\xff");
  subscription.OnResponse(response);
  EXPECT_TRUE(updates_.back().removed.empty());
  EXPECT_EQ(subscription.last_refusal(), "resources[1]: the bytes are not a valid message");
}

TEST_F(SotwSubscriptionTest, WrongTypeAndDuplicateNamesAreRefusedAlone) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  SotwSubscription::Response response =
      MakeResponse("v1", "n1", {MakeCluster("a", "first"), MakeCluster("a", "second")});
  envoy::config::route::v3::RouteConfiguration route;
  route.set_name("r");
  response.add_resources()->PackFrom(route);
  response.add_resources()->PackFrom(MakeCluster(""));
  subscription.OnResponse(response);
  ASSERT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"a"}));
  EXPECT_EQ(*updates_.back().resources[0].bytes, MakeCluster("a", "first").SerializeAsString());
  EXPECT_EQ(subscription.last_refusal(),
            "a: is in the response more than once\n"
            "resources[2]: type type.googleapis.com/envoy.config.route.v3.RouteConfiguration: "
            "expected type.googleapis.com/envoy.config.cluster.v3.Cluster\n"
            "resources[3]: name: must not be empty");
}

TEST_F(SotwSubscriptionTest, WrappedResourceIsUnwrapped) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  envoy::service::discovery::v3::Resource wrapper;
  wrapper.set_name("a");
  wrapper.set_version("a7");
  wrapper.mutable_resource()->PackFrom(MakeCluster("a"));
  SotwSubscription::Response response = MakeResponse("v1", "n1", {});
  response.add_resources()->PackFrom(wrapper);
  wrapper.set_name("other");
  response.add_resources()->PackFrom(wrapper);
  wrapper.set_name("a");
  wrapper.mutable_ttl()->set_seconds(5);
  response.add_resources()->PackFrom(wrapper);
  subscription.OnResponse(response);
  ASSERT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"a"}));
  EXPECT_EQ(updates_.back().resources[0].version, "a7");
  EXPECT_EQ(subscription.last_refusal(),
            "resources[1]: the wrapper's name other is not the resource's, a\n"
            "a: is in the response more than once");
}

TEST_F(SotwSubscriptionTest, NoNamesNeverMeansEverything) {
  SotwSubscription& subscription = Make(false);
  subscription.OnStreamOpened(0);
  WantOnly({});
  EXPECT_FALSE(subscription.has_request());
  WantOnly({"b", "a"});
  SotwSubscription::Request request = subscription.TakeRequest();
  ASSERT_EQ(request.resource_names_size(), 2);
  EXPECT_EQ(request.resource_names(0), "a");
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a"), MakeCluster("z")}));
  EXPECT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"a"})) << "z was not asked for";
  EXPECT_TRUE(updates_.back().removed.empty());
  subscription.TakeRequest();
  // Once something was asked for, no names means none: to unsubscribe.
  WantOnly({});
  ASSERT_TRUE(subscription.has_request());
  request = subscription.TakeRequest();
  EXPECT_EQ(request.resource_names_size(), 0);
  EXPECT_EQ(request.version_info(), "v1");
  EXPECT_EQ(request.response_nonce(), "n1");
  // But not on a new stream.
  subscription.OnStreamLost();
  subscription.OnStreamOpened(0);
  EXPECT_FALSE(subscription.has_request());
}

TEST_F(SotwSubscriptionTest, NameWantedAgainIsNew) {
  SotwSubscription& subscription = Make(false);
  WantOnly({"a"});
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  WantOnly({"b"});
  WantOnly({"a", "b"});
  subscription.OnResponse(MakeResponse("v1", "n2", {MakeCluster("a")}));
  EXPECT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"a"}));
}

}  // namespace
}  // namespace proxenos::xds
