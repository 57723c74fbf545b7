// GrpcStream: one bidirectional gRPC call, from its start to its end, seen from the main loop.
//
// gRPC calls back on threads of its own; they only deposit under a mutex and signal an event
// descriptor that the loop watches, so nothing can reach an owner that has let go. At most one
// message waits: the next is read when the one before was taken, and the rest stays with the peer
// (HTTP/2 flow control).
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "source/event/event_loop.h"
#include "source/xds/grpc_target.h"

namespace proxenos::xds {

// Owner: the stream's user, who retires it through the loop. Thread: the main loop's.
// Dies when: the loop empties its retire list; the destructor waits until gRPC's last callback has
// returned, which a cancelled call makes at once.
class GrpcStream final : public event::IoHandler {
 public:
  // Called from the loop, never from Send or Close.
  struct Events {
    absl::AnyInvocable<void()> on_connected;  // Once: the peer has taken or sent something.
    // REQUIRES of the receiver: the view is not kept.
    absl::AnyInvocable<void(absl::string_view message)> on_message;
    absl::AnyInvocable<void()> on_sent;  // The message given to Send has left; send the next.
    absl::AnyInvocable<void(const absl::Status&)> on_closed;  // Once, last.
  };

  // Starts the call on the `attempt`th of the target's addresses (modulo their count).
  GrpcStream(event::EventLoop& loop, const GrpcTarget& target, const std::string& method,
             size_t attempt, Events events);
  ~GrpcStream() override;

  // One message at a time. REQUIRES: not sending().
  void Send(const google::protobuf::MessageLite& message);
  bool sending() const { return sending_; }

  // Cancels the call; no event comes any more.
  void Close();

  void OnIo(uint32_t events) override;

 private:
  class Call;  // gRPC's side.

  event::EventLoop& loop_;
  Events events_;
  const int wake_fd_;
  bool open_ = true;
  bool over_ = false;  // An operation has failed; the end is on its way.
  bool connected_ = false;
  bool sending_ = false;
  std::unique_ptr<Call> call_;
};

}  // namespace proxenos::xds
