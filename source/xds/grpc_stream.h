// GrpcStream: a MessageStream by grpc++.
//
// gRPC calls back on threads of its own; they only deposit under a mutex and signal an event
// descriptor that the loop watches, so nothing can reach an owner that has let go. At most one
// message waits: the next is read when the one before was taken, and the rest stays with the peer
// (HTTP/2 flow control).
#pragma once

#include <memory>
#include <string>

#include "source/event/event_loop.h"
#include "source/xds/grpc_target.h"
#include "source/xds/message_stream.h"

namespace proxenos::xds {

// Dies when: the loop empties its retire list; the destructor waits until gRPC's last callback has
// returned, which a cancelled call makes at once.
class GrpcStream final : public MessageStream, public event::IoHandler {
 public:
  // Starts the call on the `attempt`th of the target's addresses (modulo their count).
  GrpcStream(event::EventLoop& loop, const GrpcTarget& target, const std::string& method,
             size_t attempt, Events events);
  ~GrpcStream() override;

  void Send(const google::protobuf::MessageLite& message) override;
  bool sending() const override { return sending_; }
  void Pause() override { paused_ = true; }
  void Resume() override;
  void Close() override;

  void OnIo(uint32_t events) override;

 private:
  class Call;  // gRPC's side.

  event::EventLoop& loop_;
  Events events_;
  const int wake_fd_;
  bool open_ = true;
  bool over_ = false;  // A read has failed; the end is on its way, and nothing may be started.
  bool unwritable_ = false;  // A write has failed; what was said before the end is still read.
  bool connected_ = false;
  bool sending_ = false;
  bool paused_ = false;
  bool unread_ = false;  // The next read was not started, because of paused_.
  std::unique_ptr<Call> call_;
};

}  // namespace proxenos::xds
