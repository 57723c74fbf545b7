// The state-of-the-world state machine of one type, without any stream.
#include "source/xds/sotw_subscription.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "gtest/gtest.h"
#include "source/xds/any_resource.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds {
namespace {

using Cluster = envoy::config::cluster::v3::Cluster;

Cluster MakeCluster(const std::string& name, const std::string& alt_name = "") {
  Cluster cluster;
  cluster.set_name(name);
  cluster.set_alt_stat_name(alt_name);
  return cluster;
}

std::vector<Cluster> MakeClusters(int count) {
  std::vector<Cluster> clusters;
  for (int i = 0; i < count; ++i) clusters.push_back(MakeCluster("c" + std::to_string(i)));
  return clusters;
}

SotwSubscription::Response MakeResponse(const std::string& version, const std::string& nonce,
                                        const std::vector<Cluster>& clusters) {
  SotwSubscription::Response response;
  response.set_version_info(version);
  response.set_nonce(nonce);
  response.set_type_url(kClusterType);
  for (const Cluster& cluster : clusters) response.add_resources()->PackFrom(cluster);
  return response;
}

std::vector<std::string> NamesOf(const TypeUpdate& update) {
  std::vector<std::string> names;
  for (const Resource& resource : update.resources) names.push_back(resource.name);
  return names;
}

// A subscription and a receiver that refuses what it is told to.
class SotwSubscriptionTest : public ::testing::Test {
 protected:
  SotwSubscription& Make(bool whole_set) {
    SubscriptionOptions options;
    options.type = *FindResourceType(kClusterType);
    options.type.whole_set = whole_set;
    options.initial_fetch_timeout = 10 * base::kSecond;
    subscription_.emplace(timers_, options, [this](const TypeUpdate& update) {
      updates_.push_back(update);
      return refuse_;
    });
    return *subscription_;
  }

  // These names and no others.
  void WantOnly(const std::set<std::string>& names) {
    NameChange change{{names.begin(), names.end()}, {}};
    for (const std::string& name : wanted_) {
      if (!names.contains(name)) change.removed.push_back(name);
    }
    wanted_ = names;
    subscription_->Want(change);
  }

  void NextTurn() { timers_.Advance(timers_.now() + base::kMillisecond); }
  void FinishInTurns() {
    for (int turn = 0; subscription_->busy() && turn < 1000; ++turn) NextTurn();
    EXPECT_FALSE(subscription_->busy());
  }

  std::set<std::string> wanted_;
  event::TimerWheel timers_{0};
  std::optional<SotwSubscription> subscription_;
  std::vector<TypeUpdate> updates_;
  std::vector<ResourceError> refuse_;
};

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

TEST_F(SotwSubscriptionTest, NewStreamAsksWithTheVersionHeldAndNoNonce) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  subscription.OnStreamLost();
  EXPECT_FALSE(subscription.has_request()) << "the answer died with the stream";
  subscription.OnStreamOpened(0);
  const SotwSubscription::Request request = subscription.TakeRequest();
  EXPECT_EQ(request.version_info(), "v1");
  EXPECT_EQ(request.response_nonce(), "");
  EXPECT_EQ(subscription.stats().update_failure, 1u);
  // What the new stream sends again is known.
  subscription.OnResponse(MakeResponse("v1", "m1", {MakeCluster("a")}));
  EXPECT_EQ(updates_.back().unchanged, 1u);
  EXPECT_TRUE(updates_.back().resources.empty());
}

TEST_F(SotwSubscriptionTest, EachResponseIsAnsweredInOrder) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  refuse_ = {{"a", "bad"}};
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  refuse_ = {};
  subscription.OnResponse(MakeResponse("v2", "n2", {MakeCluster("a", "x")}));
  SotwSubscription::Request answer = subscription.TakeRequest();
  EXPECT_EQ(answer.response_nonce(), "n1");
  EXPECT_TRUE(answer.has_error_detail());
  answer = subscription.TakeRequest();
  EXPECT_EQ(answer.response_nonce(), "n2");
  EXPECT_FALSE(answer.has_error_detail());
  EXPECT_EQ(answer.version_info(), "v2");
}

TEST_F(SotwSubscriptionTest, AnswersThatNobodyTakesAreBounded) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  for (int i = 0; i < 1000; ++i) {
    subscription.OnResponse(MakeResponse(std::to_string(i), "n" + std::to_string(i), {}));
  }
  int taken = 0;
  std::string last;
  while (subscription.has_request()) {
    last = subscription.TakeRequest().response_nonce();
    ++taken;
  }
  EXPECT_EQ(taken, 64);
  EXPECT_EQ(last, "n999");
}

TEST_F(SotwSubscriptionTest, NamesMayChangeFromWithinTheReceiver) {
  SubscriptionOptions options;
  options.type = *FindResourceType(kClusterType);
  Subscription* self = nullptr;
  SotwSubscription subscription(timers_, options, [&self](const TypeUpdate&) {
    self->Want({{"b"}, {"a"}});
    return std::vector<ResourceError>();
  });
  self = &subscription;
  subscription.OnStreamOpened(0);
  subscription.Want({{"a"}, {}});
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  const SotwSubscription::Request answer = subscription.TakeRequest();
  EXPECT_EQ(answer.response_nonce(), "n1");
  ASSERT_EQ(answer.resource_names_size(), 1);
  EXPECT_EQ(answer.resource_names(0), "b");
  EXPECT_FALSE(subscription.has_request());
}

TEST_F(SotwSubscriptionTest, FetchTimeoutFiresOnceWithoutAnAnswer) {
  SotwSubscription& subscription = Make(true);
  int fired = 0;
  subscription.OnFetchTimeout([&fired] { ++fired; });
  subscription.Want({{kAllNames}, {}});
  timers_.Advance(9 * base::kSecond);
  EXPECT_EQ(fired, 0);
  timers_.Advance(11 * base::kSecond);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(subscription.stats().init_fetch_timeout, 1u);
  timers_.Advance(100 * base::kSecond);
  EXPECT_EQ(fired, 1);
}

TEST_F(SotwSubscriptionTest, FetchTimeoutIsOverWithTheFirstAnswer) {
  SotwSubscription& subscription = Make(true);
  int fired = 0;
  subscription.OnFetchTimeout([&fired] { ++fired; });
  subscription.Want({{kAllNames}, {}});
  refuse_ = {{"a", "bad"}};
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  timers_.Advance(100 * base::kSecond);
  EXPECT_EQ(fired, 0);
}

TEST_F(SotwSubscriptionTest, LongRefusalIsBoundedAndCountsWhatItLeavesOut) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  refuse_.assign(1000, {"a", std::string(100'000, 'x')});
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  EXPECT_LT(subscription.last_refusal().size(), 2u << 20);
  EXPECT_NE(subscription.last_refusal().find("more resources"), std::string::npos);
}

// A control plane that answers each NACK with what was refused before: the circle has to slow down.
TEST_F(SotwSubscriptionTest, RefusalOfTheSameWaitsLongerEachTime) {
  SotwSubscription& subscription = Make(true);
  int due = 0;
  subscription.OnRequestDue([&due] { ++due; });
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  refuse_ = {{"a", "bad"}};
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  EXPECT_TRUE(subscription.TakeRequest().has_error_detail()) << "the first goes out at once";

  base::MonoTime now = 0;
  int answers = 0;
  for (; now < 60 * base::kSecond; now += 10 * base::kMillisecond) {
    timers_.Advance(now);
    if (subscription.has_request()) {
      EXPECT_TRUE(subscription.TakeRequest().has_error_detail());
      ++answers;
    }
    if (!subscription.has_request()) {
      subscription.OnResponse(MakeResponse("v1", "n", {MakeCluster("a")}));
    }
  }
  EXPECT_GT(answers, 25);
  EXPECT_LT(answers, 40);

  // What is new is answered at once, whatever waits; so is a change of what is wanted.
  refuse_ = {};
  subscription.OnResponse(MakeResponse("v2", "n2", {MakeCluster("a")}));
  EXPECT_TRUE(subscription.has_request());
  EXPECT_EQ(subscription.version(), "v2");
}

TEST_F(SotwSubscriptionTest, ChangeOfNamesDoesNotWaitForARefusal) {
  SotwSubscription& subscription = Make(false);
  WantOnly({"a"});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  refuse_ = {{"a", "bad"}};
  for (const char* nonce : {"n1", "n2"}) {
    subscription.OnResponse(MakeResponse("v1", nonce, {MakeCluster("a")}));
    if (subscription.has_request()) subscription.TakeRequest();
  }
  ASSERT_FALSE(subscription.has_request());
  WantOnly({"a", "b"});
  ASSERT_TRUE(subscription.has_request());
  const SotwSubscription::Request request = subscription.TakeRequest();
  EXPECT_EQ(request.response_nonce(), "n2");
  EXPECT_EQ(request.resource_names_size(), 2);
}

envoy::service::discovery::v3::Resource Heartbeat(const std::string& name, int seconds) {
  envoy::service::discovery::v3::Resource wrapper;
  wrapper.set_name(name);
  wrapper.mutable_ttl()->set_seconds(seconds);
  return wrapper;
}

// The same with the cluster in it.
envoy::service::discovery::v3::Resource Leased(const std::string& name, int seconds) {
  envoy::service::discovery::v3::Resource wrapper = Heartbeat(name, seconds);
  wrapper.mutable_resource()->PackFrom(MakeCluster(name));
  return wrapper;
}

TEST_F(SotwSubscriptionTest, ResourceGoesWhenItsTimeIsOver) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  SotwSubscription::Response response = MakeResponse("v1", "n1", {MakeCluster("stays")});
  response.add_resources()->PackFrom(Leased("goes", 5));
  response.add_resources()->PackFrom(Leased("renewed", 5));
  subscription.OnResponse(response);
  EXPECT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"stays", "goes", "renewed"}));
  timers_.Advance(4 * base::kSecond);
  // A heartbeat has no body; alone it is no state of the world.
  response = MakeResponse("v1", "n2", {});
  response.add_resources()->PackFrom(Heartbeat("renewed", 5));
  subscription.OnResponse(response);
  EXPECT_TRUE(updates_.back().removed.empty());
  timers_.Advance(6 * base::kSecond);
  EXPECT_EQ(updates_.back().removed, (std::vector<std::string>{"goes"}));
  EXPECT_EQ(subscription.stats().expired_resources, 1u);
  // Sent again without a ttl it stays for good, and is new.
  subscription.OnResponse(MakeResponse(
      "v2", "n3", {MakeCluster("stays"), MakeCluster("goes"), MakeCluster("renewed")}));
  EXPECT_EQ(NamesOf(updates_.back()), (std::vector<std::string>{"goes"}));
  const size_t updates = updates_.size();
  timers_.Advance(100 * base::kSecond);
  EXPECT_EQ(updates_.size(), updates);
}

TEST_F(SotwSubscriptionTest, HeartbeatOfAnotherVersionRenewsNothing) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  SotwSubscription::Response response = MakeResponse("v1", "n1", {});
  response.add_resources()->PackFrom(Leased("a", 5));
  subscription.OnResponse(response);
  timers_.Advance(4 * base::kSecond);
  response = MakeResponse("v2", "n2", {});
  response.add_resources()->PackFrom(Heartbeat("a", 50));
  response.add_resources()->PackFrom(Heartbeat("never seen", 50));
  subscription.OnResponse(response);
  timers_.Advance(6 * base::kSecond);
  EXPECT_EQ(updates_.back().removed, (std::vector<std::string>{"a"}));
}

TEST_F(SotwSubscriptionTest, EverythingBesideNamesIsWrittenOut) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  EXPECT_EQ(subscription.TakeRequest().resource_names_size(), 0) << "as every server knows it";
  subscription.Want({{"b"}, {}});
  SotwSubscription::Request request = subscription.TakeRequest();
  ASSERT_EQ(request.resource_names_size(), 2);
  EXPECT_EQ(request.resource_names(0), "*");
  EXPECT_EQ(request.resource_names(1), "b");
  // On a stream that once had names, none would mean none.
  subscription.Want({{}, {"b"}});
  request = subscription.TakeRequest();
  ASSERT_EQ(request.resource_names_size(), 1);
  EXPECT_EQ(request.resource_names(0), "*");
  subscription.OnStreamOpened(0);
  EXPECT_EQ(subscription.TakeRequest().resource_names_size(), 0);
}

TEST_F(SotwSubscriptionTest, VersionMeansSomethingToItsOwnServerAlone) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  subscription.OnStreamOpened(0);
  subscription.TakeRequest();
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  subscription.OnStreamLost();
  subscription.OnStreamOpened(1);
  EXPECT_EQ(subscription.TakeRequest().version_info(), "");
  subscription.OnStreamLost();
  subscription.OnStreamOpened(0);
  EXPECT_EQ(subscription.TakeRequest().version_info(), "v1") << "the other one said nothing";
  subscription.OnStreamLost();
  subscription.OnStreamOpened(1);
  subscription.TakeRequest();
  refuse_ = {{"b", "bad"}};
  subscription.OnResponse(MakeResponse("x1", "n1", {MakeCluster("a"), MakeCluster("b")}));
  EXPECT_EQ(subscription.TakeRequest().version_info(), "") << "it never had one taken";
}

TEST_F(SotwSubscriptionTest, NothingWantedIsNeverAskedForByAnAnswer) {
  SotwSubscription& subscription = Make(false);
  subscription.OnStreamOpened(0);
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  EXPECT_FALSE(subscription.has_request());
  EXPECT_EQ(subscription.stats().unwanted_resources, 1u);
}

}  // namespace
}  // namespace proxenos::xds
