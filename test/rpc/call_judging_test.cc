// Calls of our own tell of the hosts that they are made at what requests of clients tell: those
// that fail are found out, and others called in their place.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "source/rpc/call.h"
#include "source/rpc/http_call.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "test/support/http2_origin.h"
#include "test/support/sim_clock.h"

namespace proxenos::rpc {
namespace {

using testing::Http2Origin;
using testing::Http2OriginStream;

enum class Kind { kGrpc, kHttp };

class CallJudgingTest : public ::testing::TestWithParam<Kind> {
 protected:
  CallJudgingTest() {
    config_->name = "peer";
    config_->protocol = upstream::HttpProtocol::kHttp2;
    config_->track_endpoints = true;
    auto rules = std::make_shared<upstream::OutlierDetection>();
    rules->split = true;
    config_->outliers = std::move(rules);
    upstream::Assignment assignment;
    assignment.localities.emplace_back();
    assignment.localities[0].endpoints.emplace_back().address =
        *net::Address::FromIp("127.0.0.1", origin_.port());
    hosts_ = upstream::BuildHostSet(*config_, assignment, nullptr).hosts;
    clusters_.Set(upstream::PublishedCluster{
        config_, std::make_shared<const upstream::CircuitBreakers>(), hosts_, {}});
  }
  ~CallJudgingTest() override {
    clusters_.DrainAll();
    for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
    clusters_.Clear();
  }

  template <typename Condition>
  bool Until(Condition holds) {
    for (int turns = 0; turns < 2000; ++turns) {
      if (holds()) return true;
      loop_.RunOnce(base::kMillisecond);
    }
    return false;
  }
  // Makes a call, and lets so much time pass once the host has it.
  void Ask(base::Nanos timeout = 0) {
    const size_t before = origin_.stream_count();
    const auto ends = [&](const auto& call) {
      if (timeout != 0) {
        EXPECT_TRUE(Until([&] { return origin_.stream_count() > before; }));
        clock_.Advance(timeout + base::kMillisecond);
      }
      EXPECT_TRUE(Until([&] { return call.done(); }));
    };
    if (GetParam() == Kind::kGrpc) {
      Call call(clusters_.Find("peer"), {.path = "/s/M", .authority = "a", .timeout = timeout},
                [] {});
      call.Send("question");
      call.CloseSend();
      ends(call);
    } else {
      HttpCall call(clusters_.Find("peer"), HttpCall::Limits{timeout, 1000}, [] {});
      call.request().authority = "a";
      call.Start(buffer::Buffer());
      ends(call);
    }
  }
  upstream::OutlierCounts& counts() { return hosts_->host(0).outlier(); }
  upstream::OutlierCounts::Rate External() {
    return upstream::OutlierCounts::TakeRate(counts().external);
  }
  upstream::OutlierCounts::Rate Local() {
    return upstream::OutlierCounts::TakeRate(counts().local);
  }
  // One of the stats of the host.
  uint64_t Stat(absl::string_view name) {
    for (const stats::ScopeReading& reading : registry_.Read()) {
      if (reading.schema != &stats::EndpointStats::schema()) continue;
      for (size_t i = 0; i < reading.schema->stats.size(); ++i) {
        if (reading.schema->stats[i].name == name) return reading.total.values[i];
      }
    }
    return UINT64_MAX;
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  upstream::ClusterMap clusters_{loop_, registry_};
  Http2Origin origin_{loop_};
  const std::shared_ptr<upstream::ClusterConfig> config_ =
      std::make_shared<upstream::ClusterConfig>();
  std::shared_ptr<const upstream::HostSet> hosts_;
};

INSTANTIATE_TEST_SUITE_P(Calls, CallJudgingTest, ::testing::Values(Kind::kGrpc, Kind::kHttp));

TEST_P(CallJudgingTest, AnswersAreJudgedByTheirStatus) {
  uint16_t status = 503;
  origin_.on_request = [&status](Http2OriginStream& stream) {
    stream.Reply(status, {{"content-type", "application/grpc"}}, "", {{"grpc-status", "0"}});
  };
  for (uint32_t i = 1; i <= 3; ++i) {
    Ask();
    EXPECT_EQ(counts().consecutive_5xx.load(), i);
    EXPECT_EQ(counts().consecutive_gateway_failure.load(), i);
  }
  auto rate = External();
  EXPECT_EQ(rate.total, 3u);
  EXPECT_EQ(rate.successes, 0u);
  status = 200;
  Ask();
  EXPECT_EQ(counts().consecutive_5xx.load(), 0u);
  EXPECT_EQ(External().successes, 1u);
  rate = Local();
  EXPECT_EQ(rate.total, 4u) << "it could be reached";
  EXPECT_EQ(rate.successes, 4u);
  EXPECT_EQ(Stat("rq_total"), 4u);
  EXPECT_EQ(Stat("rq_error"), 3u);
  EXPECT_EQ(Stat("rq_success"), 1u);
  EXPECT_EQ(Stat("rq_active"), 0u);
}

TEST_P(CallJudgingTest, AHostThatCannotBeReached) {
  origin_.StopListening();
  Ask();
  EXPECT_EQ(counts().consecutive_local_failure.load(), 1u);
  EXPECT_EQ(External().total, 0u);
  EXPECT_EQ(Local().successes, 0u);
}

TEST_P(CallJudgingTest, AHostThatBreaksOff) {
  origin_.on_request = [](Http2OriginStream& stream) {
    stream.Reset(http2::ErrorCode::kInternalError);
  };
  Ask();
  EXPECT_EQ(counts().consecutive_local_failure.load(), 1u);
}

TEST_P(CallJudgingTest, AHostThatDoesNotAnswerInTime) {
  Ask(base::kSecond);
  EXPECT_EQ(counts().consecutive_local_failure.load(), 1u);
  EXPECT_EQ(External().total, 0u);
}

TEST_P(CallJudgingTest, AHostThatAsksToBeLeftAlone) {
  config_->health_check = std::make_shared<upstream::HealthCheck>();
  origin_.on_request = [](Http2OriginStream& stream) {
    stream.Reply(
        200,
        {{"content-type", "application/grpc"}, {"x-envoy-immediate-health-check-fail", "true"}}, "",
        {{"grpc-status", "0"}});
  };
  Ask();
  EXPECT_NE(hosts_->host(0).health_bits() & upstream::kExcludedByItself, 0u);
}

// Refused by gRPC's own status, in a head that is all.
TEST_P(CallJudgingTest, AGrpcStatusHasTheWordInCallsOfGrpc) {
  origin_.on_request = [](Http2OriginStream& stream) {
    stream.Reply(200, {{"content-type", "application/grpc"}, {"grpc-status", "14"}});
  };
  Ask();
  EXPECT_EQ(counts().consecutive_5xx.load(), GetParam() == Kind::kGrpc ? 1u : 0u);
}

}  // namespace
}  // namespace proxenos::rpc
