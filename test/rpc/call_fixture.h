// A gRPC server in this process and a cluster that it is of. After each test no count is left
// behind.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/rpc/call.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "tools/xds_server/stream_server.h"

namespace proxenos::rpc {

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
    EXPECT_EQ(breakers_->of({}).retries.count(), 0u);
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
      } else if (method == "/test/Flaky") {
        BeFlaky(id, message);
      } else if (method == "/test/AnswerAndFail") {
        server_.Send(id, message);
        server_.Finish(id, absl::UnavailableError("later"));
      }
    };
    events.on_closed = [this](StreamId) {
      std::lock_guard<std::mutex> lock(mutex_);
      ++closed_;
    };
    return events;
  }

  // Fails `fails_` times, then tells all messages of the call at its second one.
  void BeFlaky(StreamId id, const std::string& message) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::string& heard = heard_[id];
    heard += message;
    if (heard.size() < 2) return;
    if (fails_ == 0) return server_.Send(id, heard);
    --fails_;
    server_.Finish(id, absl::UnavailableError("not yet"));
  }

  std::mutex mutex_;
  int fails_ = 0;                            // Guarded by mutex_.
  std::map<StreamId, std::string> heard_;    // Guarded by mutex_.
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

}  // namespace proxenos::rpc
