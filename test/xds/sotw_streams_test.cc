// The state-of-the-world state machine of one type over time: streams that come and go, answers in
// order, waits and leases.
#include <string>
#include <vector>

#include "test/xds/sotw_fixture.h"

namespace proxenos::xds {
namespace {

using SotwStreamsTest = SotwSubscriptionTest;

TEST_F(SotwStreamsTest, NewStreamAsksWithTheVersionHeldAndNoNonce) {
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

TEST_F(SotwStreamsTest, EachResponseIsAnsweredInOrder) {
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

TEST_F(SotwStreamsTest, AnswersThatNobodyTakesAreBounded) {
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

TEST_F(SotwStreamsTest, NamesMayChangeFromWithinTheReceiver) {
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

TEST_F(SotwStreamsTest, FetchTimeoutFiresOnceWithoutAnAnswer) {
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

TEST_F(SotwStreamsTest, FetchTimeoutIsOverWithTheFirstAnswer) {
  SotwSubscription& subscription = Make(true);
  int fired = 0;
  subscription.OnFetchTimeout([&fired] { ++fired; });
  subscription.Want({{kAllNames}, {}});
  refuse_ = {{"a", "bad"}};
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  timers_.Advance(100 * base::kSecond);
  EXPECT_EQ(fired, 0);
}

TEST_F(SotwStreamsTest, LongRefusalIsBoundedAndCountsWhatItLeavesOut) {
  SotwSubscription& subscription = Make(true);
  subscription.Want({{kAllNames}, {}});
  refuse_.assign(1000, {"a", std::string(100'000, 'x')});
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  EXPECT_LT(subscription.last_refusal().size(), 2u << 20);
  EXPECT_NE(subscription.last_refusal().find("more resources"), std::string::npos);
}

// A control plane that answers each NACK with what was refused before: the circle has to slow down.
TEST_F(SotwStreamsTest, RefusalOfTheSameWaitsLongerEachTime) {
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

TEST_F(SotwStreamsTest, ChangeOfNamesDoesNotWaitForARefusal) {
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

TEST_F(SotwStreamsTest, ResourceGoesWhenItsTimeIsOver) {
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

TEST_F(SotwStreamsTest, HeartbeatOfAnotherVersionRenewsNothing) {
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

TEST_F(SotwStreamsTest, EverythingBesideNamesIsWrittenOut) {
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

TEST_F(SotwStreamsTest, VersionMeansSomethingToItsOwnServerAlone) {
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

TEST_F(SotwStreamsTest, NothingWantedIsNeverAskedForByAnAnswer) {
  SotwSubscription& subscription = Make(false);
  subscription.OnStreamOpened(0);
  subscription.OnResponse(MakeResponse("v1", "n1", {MakeCluster("a")}));
  EXPECT_FALSE(subscription.has_request());
  EXPECT_EQ(subscription.stats().unwanted_resources, 1u);
}

}  // namespace
}  // namespace proxenos::xds
