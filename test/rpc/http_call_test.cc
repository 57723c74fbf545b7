// HTTP calls of our own: answers, limits, ends of every kind. After each test no count is left.
#include "source/rpc/http_call.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/stats/registry.h"
#include "source/stats/request_origin.h"
#include "source/upstream/cluster_map.h"
#include "test/support/side_service.h"
#include "test/support/sim_clock.h"

namespace proxenos::rpc {
namespace {

using testing::Http2OriginStream;

class HttpCallTest : public ::testing::Test {
 protected:
  ~HttpCallTest() override {
    call_.reset();
    service_.ExpectNothingLeft();
    clusters_.DrainAll();
    for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
    clusters_.Clear();
  }

  HttpCall& Begin(const std::string& body = "", base::Nanos timeout = 0, uint64_t limit = 1000,
                  bool keeps_body = true) {
    told_ = 0;
    call_ = std::make_unique<HttpCall>(
        clusters_.Find("peer"), HttpCall::Limits{timeout, limit, keeps_body}, [this] { ++told_; });
    call_->request().method_text = body.empty() ? "GET" : "POST";
    call_->request().path = "/path?a=b";
    call_->request().authority = "authority";
    call_->request().headers.Add("x-field", "value");
    buffer::Buffer bytes;
    bytes.Append(body);
    call_->Start(std::move(bytes));
    EXPECT_EQ(told_, 0);
    return *call_;
  }
  bool Until(absl::FunctionRef<bool()> holds) {
    for (int turns = 0; turns < 2000; ++turns) {
      if (holds()) return true;
      loop_.RunOnce(base::kMillisecond);
    }
    return false;
  }
  bool Ends() {
    return Until([this] { return call_->done(); });
  }
  Http2OriginStream* Stream(size_t i = 0) {
    EXPECT_TRUE(Until([this, i] {
      return service_.origin.stream_count() > i && service_.origin.stream(i).complete();
    }));
    return &service_.origin.stream(i);
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  upstream::ClusterMap clusters_{loop_, registry_};
  testing::SideService service_{loop_, clusters_, "peer"};
  std::unique_ptr<HttpCall> call_;
  int told_ = 0;
};

TEST_F(HttpCallTest, AsksAndIsAnswered) {
  HttpCall& call = Begin("question");
  Http2OriginStream* stream = Stream();
  EXPECT_EQ(stream->head().method_text, "POST");
  EXPECT_EQ(stream->head().path, "/path?a=b");
  EXPECT_EQ(stream->head().authority, "authority");
  EXPECT_EQ(stream->Header("x-field"), "value");
  EXPECT_EQ(stream->Header("content-length"), "8");
  EXPECT_EQ(stream->body(), "question");
  stream->SendInformational(103, {});
  stream->Reply(418, {{"x-answer", "yes"}}, "short");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call.end(), HttpCall::End::kAnswer);
  EXPECT_EQ(call.response().status, 418);
  EXPECT_EQ(call.response().headers.Find("x-answer")->value(), "yes");
  EXPECT_EQ(call.body().ToString(), "short");
  EXPECT_EQ(told_, 1);
  const std::vector<std::pair<uint32_t, uint64_t>> counted = {
      {stats::StatusOf(stats::RequestOrigin::kInternal, 418), 1}};
  EXPECT_EQ(clusters_.Find("peer")->stats().upstream_rq.Read(), counted);
}

TEST_F(HttpCallTest, AsksWithoutABody) {
  Begin();
  Http2OriginStream* stream = Stream();
  EXPECT_EQ(stream->Header("content-length"), "");
  stream->Reply(204);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call_->end(), HttpCall::End::kAnswer);
  EXPECT_TRUE(call_->body().empty());
}

TEST_F(HttpCallTest, BodyThatNobodyReadsIsNotKept) {
  for (const size_t excess : {0, 1}) {
    Begin("", 0, 1000, /*keeps_body=*/false);
    Stream(excess)->Reply(200, {}, std::string(1000 + excess, 'x'));
    ASSERT_TRUE(Ends());
    EXPECT_EQ(call_->end(), excess == 0 ? HttpCall::End::kAnswer : HttpCall::End::kTooLarge);
    EXPECT_TRUE(call_->body().empty());
  }
}

// The service closes a kept connection just as the next call is on its way: what may be repeated
// without harm is, once.
TEST_F(HttpCallTest, IsRepeatedWhenItsKeptConnectionDied) {
  Begin();
  Stream(0)->Reply(204);
  ASSERT_TRUE(Ends());
  Begin();
  Stream(1)->connection().Close();
  Stream(2)->Reply(200);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call_->end(), HttpCall::End::kAnswer);
  EXPECT_EQ(service_.origin.connections().size(), 2u);
  Begin("body");
  Stream(3)->connection().Close();
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call_->end(), HttpCall::End::kFailed);
  EXPECT_EQ(service_.origin.connections().size(), 2u);
}

TEST_F(HttpCallTest, AnswerBeyondTheLimitEndsIt) {
  HttpCall& call = Begin("x", 0, 1000);
  Stream()->Reply(200, {}, std::string(1001, 'x'));
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call.end(), HttpCall::End::kTooLarge);
}

TEST_F(HttpCallTest, AnswerAtTheLimitIsTaken) {
  HttpCall& call = Begin("x", 0, 1001);
  Stream()->Reply(200, {}, std::string(1001, 'x'));
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call.body().size(), 1001u);
}

TEST_F(HttpCallTest, TimeoutEndsIt) {
  HttpCall& call = Begin("x", base::kSecond);
  Http2OriginStream* stream = Stream();
  clock_.Advance(base::kSecond - base::kMillisecond);
  loop_.RunOnce(0);
  EXPECT_FALSE(call.done());
  clock_.Advance(2 * base::kMillisecond);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call.end(), HttpCall::End::kTimeout);
  EXPECT_TRUE(Until([&] { return stream->reset().has_value(); }));
}

TEST_F(HttpCallTest, BrokenAnswersEndIt) {
  HttpCall& call = Begin("x");
  Stream()->SendHead(200, {}, false);
  service_.origin.stream(0).Reset(http2::ErrorCode::kInternalError);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call.end(), HttpCall::End::kFailed);
  EXPECT_NE(call.error_message(), "");
}

TEST_F(HttpCallTest, NobodyListens) {
  service_.origin.StopListening();
  Begin("x");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(call_->end(), HttpCall::End::kFailed);
}

TEST_F(HttpCallTest, DestructionCancels) {
  Begin("x");  // Not even connected.
  call_.reset();
  Begin("x");
  Http2OriginStream* stream = Stream();
  call_.reset();
  EXPECT_TRUE(Until([&] { return stream->reset().has_value(); }));
  EXPECT_EQ(told_, 0);
}

TEST_F(HttpCallTest, MayBeDestroyedInItsCallback) {
  call_ = std::make_unique<HttpCall>(clusters_.Find("peer"), HttpCall::Limits{0, 10},
                                     [this] { call_.reset(); });
  call_->request().authority = "a";
  call_->Start(buffer::Buffer());
  Stream()->Reply(200);
  EXPECT_TRUE(Until([this] { return call_ == nullptr; }));
}

}  // namespace
}  // namespace proxenos::rpc
