// ClusterStream: a MessageStream over a cluster's own HTTP/2 connections: what envoy_grpc names.
// The cluster's endpoints, TLS, balancing and keepalive hold for it as for any other traffic.
//
// At most one message waits: the rest stays with the peer behind the window.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/base/rc.h"
#include "source/event/event_loop.h"
#include "source/rpc/call.h"
#include "source/upstream/worker_cluster.h"
#include "source/xds/grpc_target.h"
#include "source/xds/message_stream.h"

namespace proxenos::xds {

// A cluster as the main loop sees it; null when it is not there (yet).
using FindCluster =
    absl::AnyInvocable<base::Rc<upstream::WorkerCluster>(const std::string& name) const>;

// Dies when: the loop empties its retire list.
class ClusterStream final : public MessageStream, private event::Runnable {
 public:
  // Begins later in the turn: what is published in this very turn is there by then.
  ClusterStream(event::EventLoop& loop, const FindCluster& find_cluster, const GrpcTarget& target,
                const std::string& method, Events events);

  void Send(const google::protobuf::MessageLite& message) override;
  bool sending() const override { return sending_; }
  void Pause() override { paused_ = true; }
  void Resume() override;
  void Close() override;

 private:
  void Run() override;
  void OnProgress();

  event::EventLoop& loop_;
  const FindCluster& find_cluster_;
  const std::string cluster_;
  rpc::CallOptions options_;
  Events events_;
  std::string first_;  // Given before the call began.
  bool open_ = true;
  bool connected_ = false;
  bool sending_ = false;
  bool paused_ = false;
  std::optional<rpc::Call> call_;
};

}  // namespace proxenos::xds
