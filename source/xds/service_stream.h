// ServiceStream: a bidirectional call to a service that this process reports to (load, health),
// opened anew with jittered exponential back-off whenever it ends.
//
// Neither end can make it hold more than a message each way: what is to be sent waits with the
// owner until ready(), and messages come at most one each kMessagePause. A peer that takes nothing
// for kSendTimeout is left.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "source/event/event_loop.h"
#include "source/xds/cluster_stream.h"
#include "source/xds/grpc_target.h"
#include "source/xds/message_stream.h"
#include "source/xds/server_choice.h"

namespace proxenos::xds {

struct ServiceStreamOptions {
  // The primary first; the others are for when it does not answer. REQUIRES: at least one.
  std::vector<GrpcTarget> targets;
  // Where a target's cluster is found; null: grpc++ calls its addresses.
  FindCluster find_cluster = nullptr;
  std::string method;
};

// Owner: who reports. Thread: the main loop's. Dies when: its owner does, before the loop.
class ServiceStream {
 public:
  static constexpr base::Nanos kMessagePause = 10 * base::kMillisecond;
  static constexpr base::Nanos kSendTimeout = 60 * base::kSecond;

  // Called from the loop, never from a function of this class.
  struct Events {
    absl::AnyInvocable<void()> on_opened;  // A stream begins, and is ready().
    absl::AnyInvocable<void(const std::string& message)> on_message;
    absl::AnyInvocable<void(const absl::Status&)> on_lost;  // It is over; another one follows.
  };

  ServiceStream(event::EventLoop& loop, ServiceStreamOptions options, Events events);
  ~ServiceStream();

  void Start();
  // Whether a message may be sent: the one before has left.
  bool ready() const { return stream_ != nullptr && !stream_->sending(); }
  // REQUIRES: ready().
  void Send(const google::protobuf::MessageLite& message);
  // What came is no good: ends the stream in a later turn; another one follows.
  void Fail(absl::Status status);

 private:
  void Open();
  void OnMessage(std::string message);
  void OnClosed(const absl::Status& status);
  const GrpcTarget& target() const { return options_.targets[choice_.current()]; }

  event::EventLoop& loop_;
  const ServiceStreamOptions options_;
  Events events_;
  std::unique_ptr<MessageStream> stream_;  // Null while waiting to try again.
  event::Timer open_timer_;
  event::Timer message_timer_;  // The next message may come.
  event::Timer send_timer_;     // Armed while one is being sent.
  event::Timer fail_timer_;
  absl::Status failure_;
  ServerChoice choice_;
  bool answered_ = false;              // On this stream: a message came.
  std::optional<size_t> answered_by_;  // The server that the last message came from.
  base::MonoTime opened_at_ = 0;
  uint64_t attempts_ = 0;  // Streams tried; chooses the address.
  int failures_ = 0;       // In a row, without an answer in between.
};

}  // namespace proxenos::xds
