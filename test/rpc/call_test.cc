// Calls of our own against a real gRPC server in this process: unary, streams, deadlines, ends of
// every kind. After each test no count is left behind.
#include "source/rpc/call.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "test/rpc/call_fixture.h"

namespace proxenos::rpc {
namespace {

TEST_F(CallTest, MessagesGoBothWays) {
  auto call = Begin(To("Echo"));
  for (const std::string& text : {std::string("one"), std::string(), std::string(kBig, 'x')}) {
    call->Send(text);
    EXPECT_EQ(Next(*call), text);
  }
  call->Send("4");
  call->Send("5");
  EXPECT_EQ(Next(*call), "4");
  EXPECT_EQ(Next(*call), "5");
  ASSERT_NE(call->head(), nullptr);
  EXPECT_EQ(call->head()->status, 200);
  call->CloseSend();
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kOk);
  EXPECT_GT(told_, 0);
}

TEST_F(CallTest, OneMessageIsHeldAndTheRestWaits) {
  auto call = Begin(To("Three"));
  call->Send("go");
  for (const char letter : {'a', 'b', 'c'}) {
    ASSERT_TRUE(Until([&] { return told_ > 0; }));
    EXPECT_EQ(Next(*call), std::string(kBig, letter));
    EXPECT_FALSE(letter != 'c' && call->done());
  }
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kOk);
}

TEST_F(CallTest, UnaryAnswersAndErrors) {
  std::optional<UnaryCall::Result> result;
  const auto ask = [&](const CallOptions& options) {
    result.reset();
    UnaryCall call(clusters_.Find("peer"), options, "question",
                   [&result](UnaryCall::Result got) { result.emplace(std::move(got)); });
    EXPECT_TRUE(Until([&] { return result.has_value(); }));
  };
  ask(To("Echo"));
  EXPECT_EQ(result->status, Status::kOk);
  EXPECT_EQ(result->answer.ToString(), "question");
  ask(To("Fail"));
  EXPECT_EQ(result->status, Status::kInvalidArgument);
  EXPECT_EQ(result->error_message, "no \xc3\xa4 100%");
  ask(To("Unknown"));
  EXPECT_EQ(result->status, Status::kUnimplemented);
}

// The owner may let go of the call in the very callback.
TEST_F(CallTest, MayBeDestroyedInItsCallback) {
  std::unique_ptr<UnaryCall> call;
  call = std::make_unique<UnaryCall>(clusters_.Find("peer"), To("Echo"), "x",
                                     [&call](UnaryCall::Result) { call.reset(); });
  EXPECT_TRUE(Until([&] { return call == nullptr; }));
}

TEST_F(CallTest, DeadlineEndsIt) {
  CallOptions options = To("Hang");
  options.timeout = 30 * base::kMillisecond;
  auto call = Begin(options);
  call->Send("x");
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kDeadlineExceeded);
  // The server hears of the end, if it ever heard of the call.
  EXPECT_TRUE(Until([this] {
    std::lock_guard<std::mutex> lock(mutex_);
    return closed_ == methods_.size();
  }));
}

TEST_F(CallTest, DestructionCancels) {
  auto waiting = Begin(To("Hang"));  // Not even connected.
  waiting.reset();
  auto call = Begin(To("Echo"));
  call->Send("x");
  EXPECT_EQ(Next(*call), "x");
  call.reset();
  EXPECT_TRUE(Until([this] { return closed() == 1; }));
}

TEST_F(CallTest, TooLargeMessageIsRefused) {
  auto call = Begin(To("Large"));
  call->Send("x");
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kResourceExhausted);
  EXPECT_EQ(call->Receive(), std::nullopt);
}

TEST_F(CallTest, ServerGone) {
  auto call = Begin(To("Echo"));
  call->Send("x");
  EXPECT_EQ(Next(*call), "x");
  server_.Stop();
  EXPECT_TRUE(Ends(*call));
  EXPECT_NE(call->status(), Status::kOk);
  auto late = Begin(To("Echo"));
  late->Send("x");
  EXPECT_TRUE(Ends(*late));
  EXPECT_EQ(late->status(), Status::kUnavailable);
  EXPECT_NE(late->error_message().find("connect failure"), std::string::npos)
      << late->error_message();
}

TEST_F(CallTest, ClustersOfHttp1AreRefused) {
  config_->protocol = upstream::HttpProtocol::kHttp1;
  UseAddress(server_.address());
  auto call = Begin(To("Echo"));
  EXPECT_FALSE(call->done());  // Never from inside.
  EXPECT_TRUE(Ends(*call));
  EXPECT_EQ(call->status(), Status::kUnavailable);
}

TEST_F(CallTest, OverflowIsUnavailable) {
  config_->thresholds.Mutable()[0].max_requests = 1;
  UseAddress(server_.address());
  auto first = Begin(To("Echo"));
  auto second = Begin(To("Echo"));
  EXPECT_TRUE(Ends(*second));
  EXPECT_EQ(second->status(), Status::kUnavailable);
  first->Send("x");
  EXPECT_EQ(Next(*first), "x");
}

}  // namespace
}  // namespace proxenos::rpc
