// Active checks of one host at a time, over real sockets and in simulated time.
#include "source/health/checker.h"

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/scope.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/lending.h"
#include "test/support/http2_origin.h"
#include "test/support/proxy_loop.h"

namespace proxenos::health {
namespace {

using base::kSecond;
using proxenos::testing::Peer;
using proxenos::testing::ProxyLoop;
using upstream::HealthCheck;

std::string Ok(const std::string& fields = "", const std::string& body = "") {
  return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
std::string Status(int status, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + fields + "Content-Length: 0\r\n\r\n";
}

class CheckerTest : public ::testing::Test {
 protected:
  CheckerTest() {
    check_.http.path = "/healthz";
    check_.timeout = 1 * kSecond;
    check_.interval = check_.unhealthy_interval = check_.unhealthy_edge_interval =
        check_.healthy_edge_interval = 10 * kSecond;
    check_.unhealthy_threshold = 2;
    check_.healthy_threshold = 2;
  }
  ~CheckerTest() override {
    checker_.reset();
    for (int i = 0; i < 3; ++i) proxy_.Turn();
  }

  // `port` 0: that of the loop's own origin.
  void Start(uint16_t port = 0) {
    config_->name = "c";
    config_->health_check = std::make_shared<const HealthCheck>(check_);
    upstream::Assignment assignment;
    assignment.localities.emplace_back().endpoints.emplace_back().address =
        *net::Address::FromIp("127.0.0.1", port == 0 ? proxy_.origin_port() : port);
    hosts_ = upstream::BuildHostSet(*config_, assignment, nullptr).hosts;
    CheckerHooks hooks;
    hooks.changed = [this] { ++changes_; };
    hooks.passed = [this](const upstream::Host&) { ++passes_; };
    checker_.emplace(Surroundings{proxy_.loop(), registry_}, config_,
                     std::vector<std::shared_ptr<const tls::ClientContext>>(), breakers_,
                     std::move(hooks));
    checker_->SetHosts(*hosts_);
    if (force_) checker_->TakeForce();
    Advance(0);
  }
  uint32_t bits() { return hosts_->host(0).health_bits(); }
  bool Failed() { return (bits() & upstream::kFailedActiveCheck) != 0; }
  uint64_t answers() { return stats().success.value() + stats().failure.value(); }
  const stats::HealthCheckStats& stats() { return checker_->stats(); }

  // The next question, on a connection of its own the first time.
  void AwaitQuestion() {
    if (!origin_.valid()) origin_ = proxy_.Accept();
    ASSERT_TRUE(proxy_.Until([this] { return origin_.Got("\r\n\r\n"); }));
  }
  // Answers the next question, and waits until that has been looked at.
  void Answer(const std::string& response) {
    const uint64_t before = answers();
    AwaitQuestion();
    question_ = origin_.Received();
    origin_.Forget();
    origin_.Send(response);
    ASSERT_TRUE(proxy_.Until([&] { return answers() > before; }));
    proxy_.Settle();
    if (origin_.Ended()) origin_ = Peer();
  }
  void Advance(base::Nanos time) {
    proxy_.Advance(time + base::kMillisecond);  // Timers fire with the next tick.
    proxy_.Turn();
  }

  ProxyLoop proxy_;
  HealthCheck check_;
  bool force_ = true;
  std::shared_ptr<upstream::ClusterConfig> config_ = std::make_shared<upstream::ClusterConfig>();
  std::shared_ptr<const upstream::CircuitBreakers> breakers_ =
      std::make_shared<const upstream::CircuitBreakers>();
  std::shared_ptr<const upstream::HostSet> hosts_;
  stats::Registry registry_;
  std::optional<Checker> checker_;
  Peer origin_;
  std::string question_;
  int changes_ = 0;
  int passes_ = 0;
};

TEST_F(CheckerTest, TheFirstGoodAnswerMakesAHostHealthy) {
  Start();
  EXPECT_TRUE(Failed());
  EXPECT_FALSE(checker_->settled());
  Answer(Ok());
  EXPECT_EQ(question_, "GET /healthz HTTP/1.1\r\nhost: c\r\nuser-agent: Envoy/HC\r\n\r\n");
  EXPECT_FALSE(Failed());
  EXPECT_TRUE(checker_->settled());
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(passes_, 1);
  EXPECT_EQ(stats().attempt.value(), 1u);
  EXPECT_EQ(stats().healthy.value(), 1u);
}

TEST_F(CheckerTest, ABadStatusFailsItAtOnceAndTwoGoodOnesBringItBack) {
  breakers_->NoteUse();
  Start();
  Answer(Ok());
  Advance(10 * kSecond);
  Answer(Status(503));
  EXPECT_TRUE(Failed());
  EXPECT_EQ(stats().healthy.value(), 0u);
  Advance(10 * kSecond);
  Answer(Ok());
  EXPECT_TRUE(Failed());
  Advance(10 * kSecond);
  Answer(Ok());
  EXPECT_FALSE(Failed());
  EXPECT_EQ(changes_, 3);
}

// They are counted apart: in limits of its own.
TEST_F(CheckerTest, ItsConnectionsAreNotLentToRequests) {
  const auto desk = std::make_shared<const upstream::LoanDesk>(kSecond);
  config_->loans = desk;
  Start();
  Answer(Ok());
  const auto stats = registry_.Open<stats::ClusterStats>(stats::ClusterScope("c"));
  const auto seat = std::make_shared<const upstream::LoanDesk::Seat>(
      upstream::LoanDesk::Seat{proxy_.loop(), *stats, nullptr});
  desk->Join(seat);
  EXPECT_FALSE(upstream::LoanDesk::Ask(desk, {seat, hosts_->shared_host(0), true, 1, seat->order}));
  desk->Leave(*seat);
}

TEST_F(CheckerTest, OtherMetadataDoNotBeginItsChecksAnew) {
  breakers_->NoteUse();
  Start();
  const auto describe = [this](const std::string& metadata) {
    upstream::Assignment assignment;
    upstream::Endpoint& endpoint = assignment.localities.emplace_back().endpoints.emplace_back();
    endpoint.address = hosts_->host(0).address();
    endpoint.all_metadata = metadata;
    const auto before =
        std::exchange(hosts_, upstream::BuildHostSet(*config_, assignment, hosts_).hosts);
    ASSERT_NE(before->shared_host(0), hosts_->shared_host(0));
    checker_->SetHosts(*hosts_);
    Advance(0);
  };
  describe("one");  // With a question under way.
  Answer(Ok());
  EXPECT_FALSE(Failed());
  Advance(10 * kSecond);
  Answer(Status(503));
  Advance(10 * kSecond);
  Answer(Ok());
  EXPECT_TRUE(Failed());
  describe("two");
  EXPECT_TRUE(Failed());
  EXPECT_TRUE(checker_->settled());
  EXPECT_EQ(stats().attempt.value(), 3u);
  Advance(10 * kSecond);
  Answer(Ok());  // The second good one in a row.
  EXPECT_FALSE(Failed());
  EXPECT_EQ(stats().attempt.value(), 4u);
  EXPECT_EQ(stats().healthy.value(), 1u);
}

TEST_F(CheckerTest, OnlySeveralUnreachableOnesInARowFailIt) {
  breakers_->NoteUse();
  Start();
  Answer(Ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(Failed());
    Advance(10 * kSecond);
    AwaitQuestion();
    const uint64_t before = answers();
    origin_.Close();
    origin_ = Peer();
    ASSERT_TRUE(proxy_.Until([&] { return answers() > before; }));
  }
  EXPECT_TRUE(Failed());
  EXPECT_EQ(stats().network_failure.value(), 2u);
}

TEST_F(CheckerTest, SilenceIsAFailureToo) {
  breakers_->NoteUse();
  check_.unhealthy_threshold = 1;
  Start();
  Answer(Ok());
  Advance(10 * kSecond);
  AwaitQuestion();
  Advance(1 * kSecond);
  EXPECT_TRUE(Failed());
  EXPECT_NE(bits() & upstream::kActiveCheckTimeout, 0u);
  proxy_.Settle();
  EXPECT_TRUE(origin_.Ended());  // What it may still answer there must not pass for another answer.
  origin_ = Peer();
  Advance(10 * kSecond);
  Answer(Status(503));
  EXPECT_EQ(bits() & upstream::kActiveCheckTimeout, 0u);
}

TEST_F(CheckerTest, RetriableStatusesCountLikeSilence) {
  breakers_->NoteUse();
  check_.http.retriable = {{500, 504}};
  Start();
  Answer(Ok());
  Advance(10 * kSecond);
  Answer(Status(503));
  EXPECT_FALSE(Failed());
  Advance(10 * kSecond);
  Answer(Status(503));
  EXPECT_TRUE(Failed());
}

TEST_F(CheckerTest, ExpectedStatusesAndWhatTheBodyHas) {
  breakers_->NoteUse();
  check_.http.expected = {{200, 201}, {204, 205}};
  check_.http.receive = {"al", "ive"};
  Start();
  Answer(Ok("", "not alive"));
  EXPECT_FALSE(Failed());
  Advance(10 * kSecond);
  Answer(Ok("", "ive al"));
  EXPECT_TRUE(Failed());
}

TEST_F(CheckerTest, DegradedAndBack) {
  breakers_->NoteUse();
  Start();
  Answer(Ok("x-envoy-degraded: \r\n"));
  EXPECT_EQ(bits() & upstream::kActiveCheckBits, uint32_t{upstream::kDegradedActiveCheck});
  EXPECT_EQ(stats().degraded.value(), 1u);
  Advance(10 * kSecond);
  Answer(Ok());
  EXPECT_EQ(bits() & upstream::kActiveCheckBits, 0u);
  EXPECT_EQ(changes_, 2);
}

TEST_F(CheckerTest, AHostMayAskToBeLeftOut) {
  breakers_->NoteUse();
  Start();
  Answer(Ok());
  checker_->OnImmediateFailure(hosts_->host(0).id());
  EXPECT_TRUE(Failed());
  EXPECT_NE(bits() & upstream::kExcludedByItself, 0u);
  EXPECT_EQ(stats().passive_failure.value(), 1u);
  for (int i = 0; i < 2; ++i) {
    Advance(10 * kSecond);
    Answer(Ok());
  }
  EXPECT_EQ(bits() & upstream::kActiveCheckBits, 0u);
}

TEST_F(CheckerTest, FieldsHostAndBodyOfTheQuestion) {
  check_.http.host = "name.test";
  check_.http.method = "POST";
  check_.http.send = "ping";
  check_.http.headers = {{"x-a", "1", upstream::CheckHeader::Action::kAppend},
                         {"user-agent", "me", upstream::CheckHeader::Action::kOverwrite}};
  Start();
  Answer(Ok());
  EXPECT_EQ(question_.find("POST /healthz HTTP/1.1\r\nhost: name.test\r\n"), 0u);
  EXPECT_NE(question_.find("user-agent: me\r\n"), std::string::npos);
  EXPECT_NE(question_.find("x-a: 1\r\n"), std::string::npos);
  EXPECT_NE(question_.find("content-length: 4\r\n"), std::string::npos);
}

TEST_F(CheckerTest, SeldomWhileTheClusterIsNotUsed) {
  Start();
  Answer(Ok());
  Advance(59 * kSecond);
  EXPECT_EQ(stats().attempt.value(), 1u);
  breakers_->NoteUse();
  Advance(1 * kSecond);
  EXPECT_EQ(stats().attempt.value(), 2u);
  Answer(Ok());
  Advance(10 * kSecond);
  EXPECT_EQ(stats().attempt.value(), 3u);
}

TEST_F(CheckerTest, ConnectionsAreKeptUnlessTheyShallNotBe) {
  breakers_->NoteUse();
  Start();
  Answer(Ok());
  EXPECT_TRUE(origin_.valid());  // Still open.
  check_.reuse_connection = false;
  origin_ = Peer();
  proxy_.Settle();
  checker_.reset();
  Start();
  Answer(Ok());
  EXPECT_FALSE(origin_.valid());
}

TEST_F(CheckerTest, WhatAVersionThatWarmsFindsIsItsOwnAffair) {
  force_ = false;
  Start();
  Answer(Ok());
  EXPECT_TRUE(checker_->settled());
  EXPECT_EQ(changes_, 1);
  EXPECT_TRUE(Failed());
  checker_->TakeForce();
  EXPECT_FALSE(Failed());
}

TEST_F(CheckerTest, NewHostsMayBeLeftOutUntilTheyWereChecked) {
  config_->ignore_new_hosts_until_first_check = true;
  Start();
  EXPECT_NE(bits() & upstream::kPendingActiveCheck, 0u);
  EXPECT_TRUE(hosts_->entry(0).excluded());
  Answer(Status(503));
  EXPECT_EQ(bits() & upstream::kPendingActiveCheck, 0u);
  EXPECT_TRUE(Failed());
}

TEST_F(CheckerTest, TcpWithoutBytesIsAboutTheConnection) {
  check_.kind = HealthCheck::Kind::kTcp;
  Start();
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([this] { return !Failed(); }));
  proxy_.Settle();
  EXPECT_TRUE(origin.Ended());
}

TEST_F(CheckerTest, TcpAsksAndWaitsForTheAnswer) {
  breakers_->NoteUse();
  check_.kind = HealthCheck::Kind::kTcp;
  check_.tcp.send = "PING";
  check_.tcp.receive = {"PONG"};
  Start();
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("PING"); }));
  EXPECT_TRUE(Failed());
  origin.Send("+PO");
  proxy_.Settle();
  EXPECT_TRUE(Failed());
  origin.Send("NG");
  ASSERT_TRUE(proxy_.Until([this] { return !Failed(); }));
  origin.Forget();
  Advance(10 * kSecond);  // The same connection asks again.
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("PING"); }));
  origin.Close();
  ASSERT_TRUE(proxy_.Until([this] { return stats().network_failure.value() == 1; }));
}

TEST_F(CheckerTest, RefusedConnections) {
  proxy_.StopOrigin();
  for (const auto kind :
       {HealthCheck::Kind::kHttp, HealthCheck::Kind::kTcp, HealthCheck::Kind::kGrpc}) {
    check_.kind = kind;
    Start();
    ASSERT_TRUE(proxy_.Until([this] { return stats().network_failure.value() == 1; }));
    EXPECT_TRUE(Failed());
    EXPECT_TRUE(checker_->settled());
    checker_.reset();
  }
}

TEST_F(CheckerTest, Grpc) {
  breakers_->NoteUse();
  check_.kind = HealthCheck::Kind::kGrpc;
  check_.grpc.service_name = "s";
  std::string status("\x00\x00\x00\x00\x02\x08\x01", 7);
  std::string asked;
  proxenos::testing::Http2Origin origin(proxy_.loop());
  origin.on_request = [&](proxenos::testing::Http2OriginStream& stream) {
    asked = stream.body();
    EXPECT_EQ(stream.head().path, "/grpc.health.v1.Health/Check");
    EXPECT_EQ(stream.head().authority, "c");
    stream.Reply(200, {{"content-type", "application/grpc"}}, status, {{"grpc-status", "0"}});
  };
  Start(origin.port());
  ASSERT_TRUE(proxy_.Until([this] { return !Failed(); }));
  EXPECT_EQ(asked, std::string("\x00\x00\x00\x00\x03\x0a\x01s", 8));
  status.back() = 2;  // NOT_SERVING
  Advance(10 * kSecond);
  ASSERT_TRUE(proxy_.Until([this] { return Failed(); }));
  EXPECT_EQ(stats().network_failure.value(), 0u);
}

}  // namespace
}  // namespace proxenos::health
