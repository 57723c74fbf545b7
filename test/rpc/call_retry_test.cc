// Calls that are made again, against a real gRPC server.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/route/action.h"
#include "source/rpc/call.h"
#include "test/rpc/call_fixture.h"

namespace proxenos::rpc {
namespace {

class CallRetryTest : public CallTest {
 protected:
  static CallOptions Retried(const std::string& method, uint32_t on, uint32_t most) {
    CallOptions options = To(method);
    options.retries = {on, most, base::kMillisecond, 2 * base::kMillisecond};
    return options;
  }
  void Fails(int times) {
    std::lock_guard<std::mutex> lock(mutex_);
    fails_ = times;
  }
  const stats::ClusterStats& stats() { return clusters_.Find("peer")->stats(); }
};

TEST_F(CallRetryTest, AllThatWasSentIsSentAgain) {
  Fails(2);
  auto call = Begin(Retried("Flaky", route::kRetryOnGrpcUnavailable, 2));
  call->Send("a");
  call->Send("b");
  EXPECT_EQ(Next(*call), "ab");
  EXPECT_EQ(stats().upstream_rq_retry.value(), 2u);
  EXPECT_EQ(stats().upstream_rq_retry_success.value(), 1u);
  EXPECT_EQ(stats().upstream_rq_total.value(), 3u);
  EXPECT_EQ(stats().upstream_rq_active.value(), 1u);
  // From now on it is a call like any other.
  call->Send("c");
  EXPECT_EQ(Next(*call), "abc");
}

TEST_F(CallRetryTest, UnaryCalls) {
  Fails(1);
  std::optional<UnaryCall::Result> result;
  UnaryCall call(clusters_.Find("peer"), Retried("Flaky", route::kRetryOnGrpcUnavailable, 1), "xy",
                 [&result](UnaryCall::Result got) { result.emplace(std::move(got)); });
  ASSERT_TRUE(Until([&] { return result.has_value(); }));
  EXPECT_EQ(result->status, Status::kOk);
  EXPECT_EQ(result->answer.ToString(), "xy");
  EXPECT_EQ(stats().upstream_rq_retry_success.value(), 1u);
}

TEST_F(CallRetryTest, TheLastAnswerStandsWhenThereAreNoTriesLeft) {
  Fails(9);
  auto call = Begin(Retried("Flaky", route::kRetryOnGrpcUnavailable, 2));
  call->Send("ab");
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kUnavailable);
  EXPECT_EQ(call->error_message(), "not yet");
  EXPECT_EQ(stats().upstream_rq_total.value(), 3u);
  EXPECT_EQ(stats().upstream_rq_retry_limit_exceeded.value(), 1u);
}

TEST_F(CallRetryTest, OtherReasonsAreNone) {
  Fails(9);
  auto call = Begin(Retried("Flaky", route::kRetryOnGrpcInternal | route::kRetryOn5xx, 2));
  call->Send("ab");
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(stats().upstream_rq_total.value(), 1u);
}

TEST_F(CallRetryTest, AnAnswerThatHasBegunStands) {
  auto call = Begin(Retried("AnswerAndFail", route::kRetryOnGrpcUnavailable, 5));
  call->Send("x");
  EXPECT_EQ(Next(*call), "x");
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kUnavailable);
  EXPECT_EQ(stats().upstream_rq_total.value(), 1u);
}

TEST_F(CallRetryTest, MuchIsNotKept) {
  Fails(1);
  auto call = Begin(Retried("Flaky", route::kRetryOnGrpcUnavailable, 5));
  call->Send(std::string(65 * 1024, 'x'));
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kUnavailable);
  EXPECT_EQ(stats().upstream_rq_total.value(), 1u);
}

TEST_F(CallRetryTest, ConnectionsThatFail) {
  server_.Stop();
  auto call = Begin(Retried("Echo", route::kRetryOnConnectFailure, 3));
  call->Send("x");
  EXPECT_TRUE(Ends(*call));
  EXPECT_TRUE(call->unreachable());
  EXPECT_EQ(stats().upstream_rq_retry.value(), 3u);
}

TEST_F(CallRetryTest, TheDeadlineIsOfAllTries) {
  Fails(9);
  CallOptions options = Retried("Flaky", route::kRetryOnGrpcUnavailable, 9);
  options.retries.back_off = options.retries.back_off_max = 1000 * base::kSecond;
  options.timeout = 200 * base::kMillisecond;
  auto call = Begin(options);
  call->Send("ab");
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kDeadlineExceeded);
}

// A call that is over makes no other try, however long its owner keeps it.
TEST_F(CallRetryTest, NothingFollowsTheDeadline) {
  Fails(1000);
  CallOptions options = Retried("Flaky", route::kRetryOnGrpcUnavailable, 1000);
  options.retries.back_off = options.retries.back_off_max = 300 * base::kMillisecond;
  options.timeout = 50 * base::kMillisecond;
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(Begin(options));
    calls.back()->Send("ab");
  }
  for (const auto& call : calls) EXPECT_TRUE(Ends(*call));
  const uint64_t retries = stats().upstream_rq_retry.value();
  for (int turns = 0; turns < 100; ++turns) loop_.RunOnce(5 * base::kMillisecond);
  EXPECT_EQ(stats().upstream_rq_retry.value(), retries);
  EXPECT_EQ(breakers_->of({}).requests.count(), 0u);
}

// What is sent while nobody listens comes with the next try.
TEST_F(CallRetryTest, SentDuringThePause) {
  Fails(1);
  CallOptions options = Retried("Flaky", route::kRetryOnGrpcUnavailable, 1);
  options.retries.back_off = options.retries.back_off_max = 100 * base::kMillisecond;
  auto call = Begin(options);
  call->Send("ab");
  ASSERT_TRUE(Until([&] { return breakers_->of({}).retries.count() == 1; }));
  EXPECT_FALSE(call->done());
  call->Send("c");
  std::optional<std::string> heard = Next(*call);
  if (heard == "ab") heard = Next(*call);
  EXPECT_EQ(heard, "abc");
}

TEST_F(CallRetryTest, DestroyedInThePause) {
  Fails(1);
  CallOptions options = Retried("Flaky", route::kRetryOnGrpcUnavailable, 1);
  options.retries.back_off = options.retries.back_off_max = 1000 * base::kSecond;
  auto call = Begin(options);
  call->Send("ab");
  ASSERT_TRUE(Until([&] { return breakers_->of({}).retries.count() == 1; }));
  call.reset();  // The fixture looks at the counts.
}

TEST_F(CallRetryTest, NoMoreThanTheClusterAllows) {
  config_->thresholds.Mutable()[0].max_retries = 0;
  UseAddress(server_.address());
  Fails(1);
  auto call = Begin(Retried("Flaky", route::kRetryOnGrpcUnavailable, 3));
  call->Send("ab");
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kUnavailable);
  EXPECT_EQ(stats().upstream_rq_retry_overflow.value(), 1u);
}

}  // namespace
}  // namespace proxenos::rpc
