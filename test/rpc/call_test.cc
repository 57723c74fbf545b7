// Calls of our own against a real gRPC server in this process: unary, streams, deadlines, ends of
// every kind. After each test no count is left behind.
#include "source/rpc/call.h"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "tools/xds_server/stream_server.h"

namespace proxenos::rpc {
namespace {

using xds_server::StreamId;

constexpr size_t kBig = 300'000;  // More than any window.

class CallTest : public ::testing::Test {
 protected:
  CallTest() : server_(Events()) {
    EXPECT_TRUE(server_.Start("127.0.0.1:0").ok());
    config_->name = "peer";
    config_->protocol = upstream::HttpProtocol::kHttp2;
    UseAddress(server_.address());
  }
  ~CallTest() override {
    EXPECT_TRUE(Until([this] { return breakers_->of({}).requests.count() == 0; }));
    if (auto cluster = clusters_.Find("peer")) {
      EXPECT_EQ(cluster->stats().upstream_rq_active.value(), 0u);
    }
    clusters_.DrainAll();
    for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
    clusters_.Clear();
  }

  void UseAddress(const std::string& address) {
    const size_t colon = address.rfind(':');
    auto ip = net::Address::FromIp("127.0.0.1",
                                   static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
    ASSERT_TRUE(ip.ok());
    upstream::Assignment assignment;
    assignment.localities.emplace_back();
    assignment.localities[0].endpoints.emplace_back().address = *ip;
    auto hosts = upstream::BuildHostSet(*config_, assignment, nullptr).hosts;
    clusters_.Set(upstream::PublishedCluster{config_, breakers_, std::move(hosts), {}});
  }

  static CallOptions To(const std::string& method) {
    return CallOptions{.path = "/test/" + method, .authority = "peer"};
  }
  std::unique_ptr<Call> Begin(const CallOptions& options) {
    return std::make_unique<Call>(clusters_.Find("peer"), options, [this] { ++told_; });
  }
  template <typename Condition>
  bool Until(Condition holds) {
    for (int turns = 0; turns < 4000; ++turns) {
      if (holds()) return true;
      loop_.RunOnce(5 * base::kMillisecond);
    }
    return false;
  }
  std::optional<std::string> Next(Call& call) {
    std::optional<buffer::Buffer> message;
    const bool came = Until([&] {
      if (!message) message = call.Receive();
      return message.has_value() || call.done();
    });
    EXPECT_TRUE(came);
    if (!message) return std::nullopt;
    return message->ToString();
  }
  bool Ends(Call& call) {
    return Until([&] { return call.done(); });
  }
  size_t closed() {
    std::lock_guard<std::mutex> lock(mutex_);
    return closed_;
  }

  // What the server does with a message, by method.
  xds_server::StreamServer::Events Events() {
    xds_server::StreamServer::Events events;
    events.on_open = [this](StreamId id, absl::string_view method) {
      std::lock_guard<std::mutex> lock(mutex_);
      methods_[id] = std::string(method);
      return method != "/test/Unknown";
    };
    events.on_message = [this](StreamId id, const std::string& message) {
      std::string method;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        method = methods_[id];
      }
      if (method == "/test/Echo") {
        server_.Send(id, message);
      } else if (method == "/test/Three") {
        for (int i = 0; i < 3; ++i) server_.Send(id, std::string(kBig, static_cast<char>('a' + i)));
        server_.Finish(id, absl::OkStatus());
      } else if (method == "/test/Fail") {
        server_.Finish(id, absl::InvalidArgumentError("no \xc3\xa4 100%"));
      } else if (method == "/test/Large") {
        server_.Send(id, std::string(5 << 20, 'x'));
      }
    };
    events.on_closed = [this](StreamId) {
      std::lock_guard<std::mutex> lock(mutex_);
      ++closed_;
    };
    return events;
  }

  std::mutex mutex_;
  std::map<StreamId, std::string> methods_;  // Guarded by mutex_.
  size_t closed_ = 0;                        // Guarded by mutex_.
  xds_server::StreamServer server_;

  base::RealClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  upstream::ClusterMap clusters_{loop_, registry_};
  std::shared_ptr<upstream::ClusterConfig> config_ = std::make_shared<upstream::ClusterConfig>();
  std::shared_ptr<const upstream::CircuitBreakers> breakers_ =
      std::make_shared<upstream::CircuitBreakers>();
  int told_ = 0;
};

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
