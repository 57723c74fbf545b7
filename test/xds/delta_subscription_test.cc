// The incremental state machine of one type, without any stream.
#include "source/xds/delta_subscription.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "google/rpc/code.pb.h"
#include "gtest/gtest.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds {
namespace {

using Names = std::vector<std::string>;
using Request = DeltaSubscription::Request;
using Response = DeltaSubscription::Response;
using Versions = std::map<std::string, std::string>;

envoy::config::cluster::v3::Cluster MakeCluster(const std::string& name, const std::string& body) {
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name(name);
  cluster.set_alt_stat_name(body);
  return cluster;
}

// Resources by name; what stands there is version and content.
Response MakeResponse(const std::string& nonce, const std::map<std::string, std::string>& sent,
                      const Names& removed = {}) {
  Response response;
  response.set_nonce(nonce);
  response.set_system_version_info("system-" + nonce);
  response.set_type_url(kClusterType);
  for (const auto& [name, version] : sent) {
    auto* wrapper = response.add_resources();
    wrapper->set_name(name);
    wrapper->set_version(version);
    wrapper->mutable_resource()->PackFrom(MakeCluster(name, version));
  }
  for (const std::string& name : removed) response.add_removed_resources(name);
  return response;
}

Names Taken(const TypeUpdate& update) {
  Names names;
  for (const Resource& resource : update.resources) names.push_back(resource.name);
  return names;
}
Names Subscribed(const Request& request) {
  return {request.resource_names_subscribe().begin(), request.resource_names_subscribe().end()};
}
Names Unsubscribed(const Request& request) {
  return {request.resource_names_unsubscribe().begin(), request.resource_names_unsubscribe().end()};
}
Versions Initial(const Request& request) {
  return {request.initial_resource_versions().begin(), request.initial_resource_versions().end()};
}

// A subscription and a receiver that refuses what it is told to.
class DeltaSubscriptionTest : public ::testing::Test {
 protected:
  void Make(const char* type = kClusterType) {
    SubscriptionOptions options;
    options.type = *FindResourceType(type);
    options.initial_fetch_timeout = 10 * base::kSecond;
    delta_.emplace(timers_, options, [this](const TypeUpdate& update) {
      updates_.push_back(update);
      return refuse_;
    });
    delta_->OnRequestDue([this] { ++due_; });
  }
  void MakeOpen(const Names& names) {
    Make();
    delta_->Want({names, {}});
    delta_->OnStreamOpened(0);
    if (!names.empty()) delta_->TakeRequest();
  }

  event::TimerWheel timers_{0};
  std::optional<DeltaSubscription> delta_;
  std::vector<TypeUpdate> updates_;
  std::vector<ResourceError> refuse_;
  int due_ = 0;
};

TEST_F(DeltaSubscriptionTest, AsksForAllThenAcknowledges) {
  Make();
  EXPECT_FALSE(delta_->has_request());
  delta_->Want({{kAllNames}, {}});
  EXPECT_FALSE(delta_->has_request()) << "there is no stream yet";
  delta_->OnStreamOpened(0);
  const Request first = delta_->TakeRequest();
  EXPECT_EQ(first.type_url(), kClusterType);
  EXPECT_EQ(Subscribed(first), Names()) << "everything, as every server knows it";
  EXPECT_EQ(Initial(first), Versions());
  EXPECT_EQ(first.response_nonce(), "");
  EXPECT_FALSE(delta_->has_request());

  delta_->OnResponse(MakeResponse("n1", {{"a", "a1"}, {"b", "b1"}}));
  EXPECT_EQ(Taken(updates_.back()), (Names{"a", "b"}));
  EXPECT_EQ(updates_.back().version, "system-n1");
  EXPECT_EQ(updates_.back().resources[0].version, "a1");
  const Request ack = delta_->TakeRequest();
  EXPECT_EQ(ack.response_nonce(), "n1");
  EXPECT_FALSE(ack.has_error_detail());
  EXPECT_EQ(Subscribed(ack), Names());
  EXPECT_FALSE(delta_->has_request());
  EXPECT_EQ(delta_->stats().version, XxHash64("system-n1"));
  EXPECT_EQ(delta_->stats().update_success, 1u);
}

TEST_F(DeltaSubscriptionTest, OnlyWhatIsNamedChanges) {
  MakeOpen({kAllNames});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}, {"b", "1"}, {"c", "1"}}));
  delta_->OnResponse(MakeResponse("n2", {{"b", "2"}}, {"c", "never seen"}));
  EXPECT_EQ(Taken(updates_.back()), Names{"b"});
  EXPECT_EQ(updates_.back().removed, Names{"c"}) << "what nobody has cannot go";
  EXPECT_EQ(delta_->held(), 2u);
}

TEST_F(DeltaSubscriptionTest, UnchangedBytesCostNothingWhateverTheirVersion) {
  MakeOpen({kAllNames});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}}));
  Response again = MakeResponse("n2", {{"a", "1"}});
  again.mutable_resources(0)->set_version("2");
  delta_->OnResponse(again);
  EXPECT_EQ(updates_.back().unchanged, 1u);
  EXPECT_TRUE(updates_.back().resources.empty());
  delta_->OnStreamLost();
  delta_->OnStreamOpened(0);
  EXPECT_EQ(Initial(delta_->TakeRequest()), (Versions{{"a", "2"}}));
}

TEST_F(DeltaSubscriptionTest, RefusalNamesEveryBadResourceAndKeepsTheirVersions) {
  MakeOpen({kAllNames});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}, {"b", "1"}}));
  delta_->TakeRequest();
  refuse_ = {{"b", "type: unknown"}, {"c", "name: too long"}};
  delta_->OnResponse(MakeResponse("n2", {{"a", "2"}, {"b", "2"}, {"c", "2"}}));
  const Request nack = delta_->TakeRequest();
  EXPECT_EQ(nack.response_nonce(), "n2");
  EXPECT_EQ(nack.error_detail().code(), google::rpc::INVALID_ARGUMENT);
  EXPECT_EQ(nack.error_detail().message(), "b: type: unknown\nc: name: too long");
  EXPECT_EQ(delta_->stats().update_rejected, 1u);
  EXPECT_EQ(delta_->version(), "system-n1");
  delta_->OnStreamLost();
  delta_->OnStreamOpened(0);
  EXPECT_EQ(Initial(delta_->TakeRequest()), (Versions{{"a", "2"}, {"b", "1"}}))
      << "what is in force, and c never was";
  // The same bytes again: what made them bad may have been mended elsewhere.
  refuse_ = {};
  delta_->OnResponse(MakeResponse("n3", {{"b", "2"}}));
  EXPECT_EQ(Taken(updates_.back()), Names{"b"});
  EXPECT_FALSE(delta_->TakeRequest().has_error_detail());
}

TEST_F(DeltaSubscriptionTest, NamesGoOutOnceAndWithTheAnswer) {
  MakeOpen({"a", "b"});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}, {"b", "1"}}));
  delta_->Want({{"c"}, {"b"}});
  delta_->Want({{"c"}, {}});
  const Request request = delta_->TakeRequest();
  EXPECT_EQ(request.response_nonce(), "n1");
  EXPECT_EQ(Subscribed(request), Names{"c"});
  EXPECT_EQ(Unsubscribed(request), Names{"b"});
  EXPECT_FALSE(delta_->has_request());
  delta_->Want({{"c"}, {"b", "never wanted"}});
  EXPECT_FALSE(delta_->has_request()) << "that is how it is already";
}

TEST_F(DeltaSubscriptionTest, ChangeOfNamesHasNoNonce) {
  MakeOpen({"a"});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}}));
  delta_->TakeRequest();
  delta_->Want({{"b"}, {}});
  const Request request = delta_->TakeRequest();
  EXPECT_EQ(request.response_nonce(), "") << "it would be taken for another answer";
  EXPECT_EQ(Subscribed(request), Names{"b"});
}

TEST_F(DeltaSubscriptionTest, NamesBeforeTheFirstRequestAreInIt) {
  Make();
  delta_->Want({{"a", "b"}, {}});
  delta_->Want({{"c"}, {"a"}});
  delta_->OnStreamOpened(0);
  delta_->Want({{"d"}, {}});
  const Request first = delta_->TakeRequest();
  EXPECT_EQ(Subscribed(first), (Names{"b", "c", "d"}));
  EXPECT_EQ(Unsubscribed(first), Names());
  EXPECT_FALSE(delta_->has_request());
}

TEST_F(DeltaSubscriptionTest, NoNamesNeverMeansEverything) {
  MakeOpen({});
  EXPECT_FALSE(delta_->has_request());
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}}));
  EXPECT_FALSE(delta_->has_request()) << "an answer would be the first request";
  EXPECT_TRUE(updates_.back().resources.empty());
  EXPECT_EQ(delta_->stats().unwanted_resources, 1u);
  delta_->Want({{"a"}, {}});
  EXPECT_EQ(Subscribed(delta_->TakeRequest()), Names{"a"});
  delta_->Want({{}, {"a"}});
  EXPECT_EQ(Unsubscribed(delta_->TakeRequest()), Names{"a"});
  delta_->OnStreamLost();
  delta_->OnStreamOpened(0);
  EXPECT_FALSE(delta_->has_request());
}

TEST_F(DeltaSubscriptionTest, WantedAgainBeforeItWasSaidIsAskedForAgain) {
  MakeOpen({"a"});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}}));
  delta_->TakeRequest();
  delta_->Want({{}, {"a"}});
  delta_->Want({{"a"}, {}});
  EXPECT_EQ(Unsubscribed(delta_->TakeRequest()), Names{"a"}) << "what was held is forgotten";
  const Request request = delta_->TakeRequest();
  EXPECT_EQ(Subscribed(request), Names{"a"});
  EXPECT_EQ(Unsubscribed(request), Names());
  delta_->OnResponse(MakeResponse("n2", {{"a", "1"}}));
  EXPECT_EQ(Taken(updates_.back()), Names{"a"});
  delta_->TakeRequest();
  delta_->Want({{"b"}, {}});
  delta_->Want({{}, {"b"}});
  EXPECT_FALSE(delta_->has_request()) << "nobody heard of it";
}

TEST_F(DeltaSubscriptionTest, EverythingAndNamesAtOnce) {
  MakeOpen({kAllNames, "extra"});
  delta_->OnStreamOpened(0);
  EXPECT_EQ(Subscribed(delta_->TakeRequest()), (Names{"*", "extra"}));
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}, {"extra", "1"}}));
  EXPECT_EQ(Taken(updates_.back()), (Names{"a", "extra"}));
  delta_->TakeRequest();
  delta_->Want({{}, {"extra"}});
  EXPECT_EQ(Unsubscribed(delta_->TakeRequest()), Names{"extra"});
  EXPECT_EQ(delta_->held(), 2u) << "it may be among everything; the server will say";
  delta_->OnResponse(MakeResponse("n2", {}, {"extra"}));
  EXPECT_EQ(updates_.back().removed, Names{"extra"});
  delta_->TakeRequest();
  delta_->Want({{}, {kAllNames}});
  EXPECT_EQ(Unsubscribed(delta_->TakeRequest()), Names{"*"});
  EXPECT_EQ(delta_->held(), 0u);
}

TEST_F(DeltaSubscriptionTest, NameThatDoesNotExistIsToldToWhoWantsIt) {
  MakeOpen({"a", "b"});
  Response response = MakeResponse("n1", {}, {"a", "nobody's"});
  auto* error = response.add_resource_errors();
  error->mutable_resource_name()->set_name("b");
  error->mutable_error_detail()->set_code(google::rpc::NOT_FOUND);
  delta_->OnResponse(response);
  EXPECT_EQ(updates_.back().removed, (Names{"a", "b"}));
  EXPECT_FALSE(delta_->TakeRequest().has_error_detail());
}

TEST_F(DeltaSubscriptionTest, NewStreamSaysWhatIsHeld) {
  MakeOpen({"a", "b", "c"});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}, {"b", "7"}}));
  delta_->Want({{"d"}, {}});
  delta_->OnStreamLost();
  EXPECT_FALSE(delta_->has_request()) << "answer and names died with the stream";
  delta_->OnStreamOpened(0);
  const Request first = delta_->TakeRequest();
  EXPECT_EQ(Subscribed(first), (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(Initial(first), (Versions{{"a", "1"}, {"b", "7"}}));
  EXPECT_EQ(first.response_nonce(), "");
  delta_->OnResponse(MakeResponse("m1", {}));
  EXPECT_EQ(Initial(delta_->TakeRequest()), Versions()) << "only in the first";
}

TEST_F(DeltaSubscriptionTest, OtherServerLearnsNamesButNoVersions) {
  MakeOpen({kAllNames});
  delta_->OnResponse(MakeResponse("n1", {{"a", "1"}, {"b", "1"}}));
  delta_->OnStreamLost();
  delta_->OnStreamOpened(1);
  EXPECT_EQ(Initial(delta_->TakeRequest()), (Versions{{"a", ""}, {"b", ""}}));
  delta_->OnResponse(MakeResponse("x1", {{"a", "1"}}));
  EXPECT_EQ(updates_.back().unchanged, 1u);
  delta_->OnStreamLost();
  delta_->OnStreamOpened(1);
  EXPECT_EQ(Initial(delta_->TakeRequest()), (Versions{{"a", "1"}, {"b", ""}}));
}

TEST_F(DeltaSubscriptionTest, DuplicatesAndContradictionsAreRefusedByName) {
  MakeOpen({kAllNames});
  Response response = MakeResponse("n1", {{"a", "1"}, {"b", "1"}}, {"b"});
  *response.add_resources() = response.resources(0);
  envoy::config::route::v3::VirtualHost host;
  host.set_name("h");
  response.add_resources()->mutable_resource()->PackFrom(host);
  delta_->OnResponse(response);
  EXPECT_EQ(Taken(updates_.back()), (Names{"a", "b"}));
  EXPECT_TRUE(updates_.back().removed.empty());
  EXPECT_EQ(delta_->TakeRequest().error_detail().message(),
            "a: is in the response more than once\n"
            "resources[3]: type type.googleapis.com/envoy.config.route.v3.VirtualHost: expected "
            "type.googleapis.com/envoy.config.cluster.v3.Cluster\n"
            "b: is both sent and removed in the response");
}

TEST_F(DeltaSubscriptionTest, ResourceGoesWhenItsTimeIsOver) {
  MakeOpen({kAllNames});
  Response response = MakeResponse("n1", {{"a", "1"}, {"b", "1"}});
  for (auto& resource : *response.mutable_resources()) resource.mutable_ttl()->set_seconds(5);
  delta_->OnResponse(response);
  timers_.Advance(4 * base::kSecond);
  // A heartbeat: no body, the same version.
  response = MakeResponse("n2", {{"b", "1"}});
  response.mutable_resources(0)->clear_resource();
  response.mutable_resources(0)->mutable_ttl()->set_seconds(5);
  delta_->OnResponse(response);
  timers_.Advance(6 * base::kSecond);
  EXPECT_EQ(updates_.back().removed, Names{"a"});
  timers_.Advance(10 * base::kSecond);
  EXPECT_EQ(updates_.back().removed, Names{"b"});
  delta_->OnStreamLost();
  delta_->OnStreamOpened(0);
  EXPECT_EQ(Initial(delta_->TakeRequest()), Versions());
}

TEST_F(DeltaSubscriptionTest, NameStandsForItsNamespaceInVirtualHosts) {
  Make(kVirtualHostType);
  delta_->Want({{"routes"}, {}});
  delta_->OnStreamOpened(0);
  delta_->TakeRequest();
  Response response;
  response.set_nonce("n1");
  const auto add = [&response](const std::string& name) {
    envoy::config::route::v3::VirtualHost host;
    host.set_name("inner");
    auto* wrapper = response.add_resources();
    wrapper->set_name(name);
    wrapper->add_aliases(name + ".test");
    wrapper->mutable_resource()->PackFrom(host);
  };
  add("routes/one");
  add("others/two");
  response.add_resources()->set_name("routes/none");
  delta_->OnResponse(response);
  EXPECT_EQ(Taken(updates_.back()), Names{"routes/one"});
  EXPECT_EQ(updates_.back().resources[0].aliases, Names{"routes/one.test"});
  EXPECT_EQ(updates_.back().removed, Names{"routes/none"}) << "without a body: it does not exist";
  // The same one may answer for another name.
  response.clear_resources();
  add("routes/one");
  response.mutable_resources(0)->set_aliases(0, "routes/other.test");
  delta_->OnResponse(response);
  EXPECT_EQ(updates_.back().resources[0].aliases, Names{"routes/other.test"});
  delta_->Want({{}, {"routes"}});
  EXPECT_EQ(delta_->held(), 0u);
}

TEST_F(DeltaSubscriptionTest, FetchTimeoutIsOverWithTheFirstAnswer) {
  Make();
  int fired = 0;
  delta_->OnFetchTimeout([&fired] { ++fired; });
  delta_->Want({{"a"}, {}});
  timers_.Advance(9 * base::kSecond);
  EXPECT_EQ(fired, 0);
  timers_.Advance(11 * base::kSecond);
  EXPECT_EQ(fired, 1);
  Make();
  delta_->OnFetchTimeout([&fired] { ++fired; });
  delta_->Want({{"a"}, {}});
  delta_->OnResponse(MakeResponse("n1", {}, {"a"}));
  timers_.Advance(100 * base::kSecond);
  EXPECT_EQ(fired, 1);
}

// A control plane that answers each NACK with what was refused before.
TEST_F(DeltaSubscriptionTest, RefusalOfTheSameWaitsButNamesDoNot) {
  MakeOpen({"a"});
  refuse_ = {{"a", "bad"}};
  Response response = MakeResponse("n1", {{"a", "1"}});
  delta_->OnResponse(response);
  EXPECT_TRUE(delta_->TakeRequest().has_error_detail()) << "the first goes out at once";
  response.set_nonce("n2");
  delta_->OnResponse(response);
  EXPECT_FALSE(delta_->has_request());
  delta_->Want({{"b"}, {}});
  const Request names = delta_->TakeRequest();
  EXPECT_EQ(Subscribed(names), Names{"b"});
  EXPECT_EQ(names.response_nonce(), "");
  const int due = due_;
  timers_.Advance(base::kSecond);
  EXPECT_GT(due_, due);
  EXPECT_EQ(delta_->TakeRequest().response_nonce(), "n2");
}

TEST_F(DeltaSubscriptionTest, AnswersThatNobodyTakesAreBounded) {
  MakeOpen({kAllNames});
  for (int i = 0; i < 1000; ++i) delta_->OnResponse(MakeResponse("n" + std::to_string(i), {}));
  int taken = 0;
  std::string last;
  while (delta_->has_request()) {
    last = delta_->TakeRequest().response_nonce();
    ++taken;
  }
  EXPECT_EQ(taken, 64);
  EXPECT_EQ(last, "n999");
}

}  // namespace
}  // namespace proxenos::xds
