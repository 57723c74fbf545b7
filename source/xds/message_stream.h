// MessageStream: one bidirectional gRPC call, from its start to its end, seen from the main loop.
// GrpcStream makes it with grpc++ (google_grpc), ClusterStream over a cluster's own connections
// (envoy_grpc).
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"

namespace proxenos::xds {

// Owner: the stream's user, who retires it through the loop. Thread: the main loop's.
class MessageStream {
 public:
  // Called from the loop, never from Send or Close.
  struct Events {
    absl::AnyInvocable<void()> on_connected;  // Once: the peer has taken or sent something.
    absl::AnyInvocable<void(std::string message)> on_message;
    absl::AnyInvocable<void()> on_sent;  // The message given to Send has left; send the next.
    absl::AnyInvocable<void(const absl::Status&)> on_closed;  // Once, last.
  };

  virtual ~MessageStream() = default;

  // One message at a time. REQUIRES: not sending().
  virtual void Send(const google::protobuf::MessageLite& message) = 0;
  virtual bool sending() const = 0;

  // No message comes until Resume: one at most waits here, all others with the peer behind the
  // window. The end of the stream comes all the same, unless it stands behind a message.
  virtual void Pause() = 0;
  virtual void Resume() = 0;

  // Cancels the call; no event comes any more.
  virtual void Close() = 0;
};

}  // namespace proxenos::xds
