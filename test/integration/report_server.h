// ReportServer: a real gRPC server in the place of a service that proxenos reports to.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "test/support/socket.h"
#include "tools/xds_server/stream_server.h"

namespace proxenos::testing {

// A cluster's field: HTTP/2 to it, by prior knowledge.
inline constexpr char kHttp2[] =
    "typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"
    "\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, "
    "explicit_http_config: {http2_protocol_options: {}}}}";

template <typename Proto>
Proto FromText(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}

// The other end: what it was told waits until a test takes it.
template <typename Told>
class ReportServer {
 public:
  // `outlast_half_close` as in StreamServer::Events.
  explicit ReportServer(bool outlast_half_close = false) : server_(Events(outlast_half_close)) {
    EXPECT_TRUE(server_.Start("127.0.0.1:0").ok());
  }

  const std::string& address() const { return server_.address(); }
  uint16_t port() const {
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(address().substr(address().rfind(':') + 1), &port));
    return static_cast<uint16_t>(port);
  }
  std::string method() {
    std::lock_guard<std::mutex> lock(mutex_);
    return method_;
  }

  // Waits for the next message; its stream is the one that Send and Finish mean.
  std::optional<Told> Next() {
    std::unique_lock<std::mutex> lock(mutex_);
    const bool came = changed_.wait_for(lock, std::chrono::seconds(kPatienceSeconds),
                                        [this] { return !told_.empty(); });
    if (!came) return std::nullopt;
    Told next;
    EXPECT_TRUE(next.ParseFromString(told_.front().second));
    stream_ = told_.front().first;
    told_.pop_front();
    return next;
  }
  // The next that is as wanted; those before it are dropped.
  std::optional<Told> NextWith(const std::function<bool(const Told&)>& wanted) {
    while (true) {
      std::optional<Told> next = Next();
      if (!next.has_value() || wanted(*next)) return next;
    }
  }
  xds_server::StreamId stream() const { return stream_; }

  template <typename Message>
  void Send(const Message& message) {
    SendBytes(message.SerializeAsString());
  }
  void SendBytes(std::string bytes) { server_.Send(stream_, std::move(bytes)); }
  void Finish(const absl::Status& status) { server_.Finish(stream_, status); }

 private:
  xds_server::StreamServer::Events Events(bool outlast_half_close) {
    xds_server::StreamServer::Events events;
    events.outlast_half_close = outlast_half_close;
    events.on_open = [this](xds_server::StreamId, absl::string_view method) {
      std::lock_guard<std::mutex> lock(mutex_);
      method_ = std::string(method);
      return true;
    };
    events.on_message = [this](xds_server::StreamId id, const std::string& message) {
      std::lock_guard<std::mutex> lock(mutex_);
      told_.emplace_back(id, message);
      changed_.notify_one();
    };
    events.on_closed = [](xds_server::StreamId) {};
    return events;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string method_;                                             // Guarded by mutex_.
  std::deque<std::pair<xds_server::StreamId, std::string>> told_;  // Guarded by mutex_.
  xds_server::StreamId stream_ = 0;
  xds_server::StreamServer server_;
};

// A GrpcService's field.
inline constexpr char kFastRetry[] =
    "retry_policy: {retry_back_off: {base_interval: 0.01s, max_interval: 0.1s}}";

}  // namespace proxenos::testing
