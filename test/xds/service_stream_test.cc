// A stream to a service, against a real server: it comes back, and takes no more than it can use.
#include "source/xds/service_stream.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "test/support/eventually.h"
#include "test/support/loop_thread.h"
#include "tools/xds_server/stream_server.h"

namespace proxenos::xds {
namespace {

using google::protobuf::StringValue;
using proxenos::testing::Eventually;
using xds_server::StreamId;

std::string Bytes(const std::string& text) {
  StringValue value;
  value.set_value(text);
  return value.SerializeAsString();
}

class ServiceStreamTest : public ::testing::Test {
 protected:
  ServiceStreamTest() : server_(ServerEvents()) {
    EXPECT_TRUE(server_.Start("127.0.0.1:0").ok());
    StartStream({TargetOf(server_)});
  }
  ~ServiceStreamTest() override {
    thread_.Do([this] { stream_.reset(); });
    thread_.Do([] {});  // A turn of the loop, for what was retired.
  }

  static GrpcTarget TargetOf(const xds_server::StreamServer& server) {
    GrpcTarget target;
    target.uris = {"ipv4:" + server.address()};
    target.backoff_base = 5 * base::kMillisecond;
    target.backoff_max = 20 * base::kMillisecond;
    return target;
  }
  // In the place of the one before.
  void StartStream(std::vector<GrpcTarget> targets) {
    thread_.Do([this, &targets] {
      ServiceStreamOptions options;
      options.targets = std::move(targets);
      options.method = "/service/Method";
      stream_ = std::make_unique<ServiceStream>(thread_.loop(), std::move(options), Events());
      stream_->Start();
    });
  }

  ServiceStream::Events Events() {
    return {[this] {
              EXPECT_TRUE(stream_->ready());
              StringValue hello;
              hello.set_value("hello");
              stream_->Send(hello);
              EXPECT_FALSE(stream_->ready());
            },
            [this](const std::string& message) {
              StringValue value;
              EXPECT_TRUE(value.ParseFromString(message));
              if (value.value() == "bad") stream_->Fail(absl::DataLossError("bad"));
              std::lock_guard<std::mutex> lock(mutex_);
              came_.push_back(value.value());
            },
            [this](const absl::Status& status) {
              std::lock_guard<std::mutex> lock(mutex_);
              lost_.push_back(status);
            }};
  }
  xds_server::StreamServer::Events ServerEvents() {
    xds_server::StreamServer::Events events;
    events.on_open = [](StreamId, absl::string_view method) { return method == "/service/Method"; };
    events.on_message = [this](StreamId id, const std::string& message) {
      std::lock_guard<std::mutex> lock(mutex_);
      EXPECT_EQ(message, Bytes("hello"));
      opened_.push_back(id);
    };
    events.on_closed = [](StreamId) {};
    return events;
  }

  template <typename Get>
  auto Locked(Get get) {
    std::lock_guard<std::mutex> lock(mutex_);
    return get();
  }

  size_t opened() {
    return Locked([this] { return opened_.size(); });
  }
  size_t lost() {
    return Locked([this] { return lost_.size(); });
  }
  std::vector<std::string> came() {
    return Locked([this] { return came_; });
  }
  StreamId stream() {
    return Locked([this] { return opened_.back(); });
  }
  bool WaitForStreams(size_t count) {
    return Eventually([this, count] { return opened() >= count; });
  }

  std::mutex mutex_;
  std::vector<StreamId> opened_;    // Guarded by mutex_.
  std::vector<std::string> came_;   // Guarded by mutex_.
  std::vector<absl::Status> lost_;  // Guarded by mutex_.
  xds_server::StreamServer server_;
  testing::LoopThread thread_;
  std::unique_ptr<ServiceStream> stream_;  // The loop's thread.
};

TEST_F(ServiceStreamTest, BringsMessagesInOrder) {
  ASSERT_TRUE(WaitForStreams(1));
  for (const char* text : {"a", "b", "c", "d", "e"}) server_.Send(stream(), Bytes(text));
  EXPECT_TRUE(Eventually([this] { return came().size() == 5; }));
  EXPECT_EQ(came(), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(lost(), 0u);
}

TEST_F(ServiceStreamTest, ComesBack) {
  for (size_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(WaitForStreams(i));
    server_.Finish(stream(), absl::UnavailableError("later"));
  }
  ASSERT_TRUE(WaitForStreams(4));
  EXPECT_EQ(lost(), 3u);
  EXPECT_EQ(Locked([this] { return lost_[0].message() == "later"; }), true);
}

TEST_F(ServiceStreamTest, LeavesOneThatMakesNoSense) {
  ASSERT_TRUE(WaitForStreams(1));
  server_.Send(stream(), Bytes("good"));
  server_.Send(stream(), Bytes("bad"));
  server_.Send(stream(), Bytes("never seen"));
  ASSERT_TRUE(WaitForStreams(2));
  EXPECT_EQ(lost(), 1u);
  EXPECT_EQ(came(), (std::vector<std::string>{"good", "bad"}));
  server_.Send(stream(), Bytes("again"));
  EXPECT_TRUE(Eventually([this] { return came().size() == 3; }));
}

TEST_F(ServiceStreamTest, SurvivesAServerThatGoes) {
  ASSERT_TRUE(WaitForStreams(1));
  server_.Stop();
  EXPECT_TRUE(Eventually([this] { return lost() >= 1; }));
  ASSERT_TRUE(server_.Start(server_.address()).ok());
  EXPECT_TRUE(WaitForStreams(2));
}

TEST_F(ServiceStreamTest, ServerThatKeepsSilentIsLeftHoweverLongThatTook) {
  ASSERT_TRUE(WaitForStreams(1));
  server_.Stop();
  ASSERT_TRUE(server_.Start("127.0.0.1:0").ok());
  xds_server::StreamServer second{ServerEvents()};
  ASSERT_TRUE(second.Start("127.0.0.1:0").ok());
  std::vector<GrpcTarget> targets = {TargetOf(server_), TargetOf(second)};
  targets[0].backoff_base = targets[0].backoff_max = 1;  // Any stream lasts longer.
  const size_t before = opened();
  StartStream(std::move(targets));
  for (size_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(WaitForStreams(before + i));
    server_.Finish(stream(), absl::UnavailableError("later"));
  }
  EXPECT_TRUE(WaitForStreams(before + 3));
  EXPECT_EQ(second.streams().size(), 1u);
  thread_.Do([this] { stream_.reset(); });
}

TEST_F(ServiceStreamTest, ServerThatHasSpokenMayKeepSilentLater) {
  xds_server::StreamServer second{ServerEvents()};
  ASSERT_TRUE(second.Start("127.0.0.1:0").ok());
  ASSERT_TRUE(WaitForStreams(1));
  std::vector<GrpcTarget> targets = {TargetOf(server_), TargetOf(second)};
  targets[0].backoff_base = targets[0].backoff_max = 1;  // Any stream lasts longer.
  StartStream(std::move(targets));
  ASSERT_TRUE(WaitForStreams(2));
  server_.Send(stream(), Bytes("a word"));
  ASSERT_TRUE(Eventually([this] { return !came().empty(); }));
  for (size_t i = 2; i <= 5; ++i) {
    ASSERT_TRUE(WaitForStreams(i));
    server_.Finish(stream(), absl::UnavailableError("later"));
  }
  EXPECT_TRUE(WaitForStreams(6));
  EXPECT_EQ(second.streams().size(), 0u);
  thread_.Do([this] { stream_.reset(); });
}

}  // namespace
}  // namespace proxenos::xds
