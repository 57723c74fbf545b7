// AdsStream: subscriptions over one gRPC stream: all types together (ADS) or one type on a stream
// of its own. Room 1 of an update (docs/life_of_an_update.md).
//
// It opens the stream, opens it anew with jittered exponential back-off when it ends, puts requests
// on it one at a time, and hands each response to the subscription of its type. What was received
// stays in force while the stream is down: losing the control plane changes nothing.
//
// Requests that are due together go out in the order in which the subscriptions were made: with
// clusters before endpoints before listeners before routes, nothing is asked for before what it
// refers to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "envoy/config/core/v3/base.pb.h"
#include "source/event/event_loop.h"
#include "source/xds/cluster_stream.h"
#include "source/xds/grpc_target.h"
#include "source/xds/message_stream.h"
#include "source/xds/subscription.h"

namespace proxenos::xds {

struct AdsStreamOptions {
  GrpcTarget target;
  // Where target.cluster is found; null: grpc++ calls its addresses.
  FindCluster find_cluster = nullptr;
  std::string method;  // kAggregatedMethod, or a type's own StreamMethod().
  envoy::config::core::v3::Node node;
  // ApiConfigSource.set_node_on_first_message_only: else each request carries the node.
  bool node_on_first_message_only = false;
};

// Numbers for the `control_plane.` stats.
struct ControlPlaneStats {
  uint64_t streams_opened = 0;
  uint64_t streams_lost = 0;
  uint64_t unknown_types = 0;  // Responses of a type that nobody subscribed to.
  bool connected = false;      // control_plane.connected_state
  std::string identifier;      // control_plane.identifier
};

// Owner: the server. Thread: the main loop's. Dies when: the server does, before the loop.
class AdsStream final : private event::Runnable {
 public:
  AdsStream(event::EventLoop& loop, AdsStreamOptions options);
  ~AdsStream() override;

  // A subscription that lives as long as this stream. REQUIRES: one for each type.
  Subscription* Subscribe(SubscriptionOptions options, ApplyUpdate apply);

  // Opens the stream; later calls do nothing.
  void Start();

  const ControlPlaneStats& stats() const { return stats_; }
  // Why the last stream ended.
  const absl::Status& last_status() const { return last_status_; }

 private:
  void Open();
  std::unique_ptr<MessageStream> MakeStream(MessageStream::Events events);
  void Run() override;  // Puts the next request on the stream.
  void OnMessage(absl::string_view message);
  void OnClosed(const absl::Status& status);
  base::Nanos NextPause();
  Subscription* Find(const std::string& type_url) const;

  event::EventLoop& loop_;
  const AdsStreamOptions options_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;

  std::unique_ptr<MessageStream> stream_;  // Null while waiting to try again.
  event::Timer retry_timer_;
  bool started_ = false;
  bool node_sent_ = false;  // On this stream.
  uint64_t attempts_ = 0;   // Streams tried; chooses the address.
  int failures_ = 0;        // In a row, without a response in between; sets the pause.

  absl::Status last_status_;
  ControlPlaneStats stats_;
};

}  // namespace proxenos::xds
