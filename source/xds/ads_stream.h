// AdsStream: subscriptions over one gRPC stream: all types together (ADS) or one type on a stream
// of its own, in either protocol. Room 1 of an update (docs/life_of_an_update.md).
//
// It opens the stream, opens it anew with jittered exponential back-off when it ends, puts requests
// on it one at a time, and hands each response to the subscription of its type; while that one is
// busy with it, the next response waits. What was received stays in force while the stream is down:
// losing the control plane changes nothing.
//
// Requests that are due together go out in the order of kResourceTypes: with clusters before
// endpoints before listeners before routes, nothing is asked for before what it refers to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "envoy/config/core/v3/base.pb.h"
#include "source/event/event_loop.h"
#include "source/xds/cluster_stream.h"
#include "source/xds/grpc_target.h"
#include "source/xds/message_stream.h"
#include "source/xds/request_rate.h"
#include "source/xds/server_choice.h"
#include "source/xds/subscription.h"

namespace proxenos::xds {

// Of the transport protocol: what requests and responses mean.
enum class Protocol : uint8_t { kStateOfTheWorld, kDelta };

struct AdsStreamOptions {
  // The primary first; the others are for when it does not answer. REQUIRES: at least one.
  std::vector<GrpcTarget> targets;
  // Where a target's cluster is found; null: grpc++ calls its addresses.
  FindCluster find_cluster = nullptr;
  Protocol protocol = Protocol::kStateOfTheWorld;
  std::string method;  // The aggregated one of the protocol, or a type's own.
  envoy::config::core::v3::Node node;
  // ApiConfigSource.set_node_on_first_message_only: else each request carries the node.
  bool node_on_first_message_only = false;
  std::optional<RequestRateOptions> rate;
  // A server that takes no message for so long is left: one whose connection answers PINGs, but
  // gives no room for a request, would never be asked anything.
  base::Nanos send_timeout = 60 * base::kSecond;
};

// Numbers for the `control_plane.` stats.
struct ControlPlaneStats {
  uint64_t streams_opened = 0;
  uint64_t streams_lost = 0;
  uint64_t unknown_types = 0;        // Responses of a type that nobody subscribed to.
  uint64_t rate_limit_enforced = 0;  // control_plane.rate_limit_enforced
  uint64_t pending_requests = 0;     // control_plane.pending_requests: they wait for the rate.
  bool connected = false;            // control_plane.connected_state
  std::string identifier;            // control_plane.identifier
};

// Owner: the server. Thread: the main loop's. Dies when: the server does, before the loop.
class AdsStream final : private event::Runnable {
 public:
  AdsStream(event::EventLoop& loop, AdsStreamOptions options);
  ~AdsStream() override;

  // A subscription that lives as long as this stream. REQUIRES: one for each type.
  Subscription* Subscribe(SubscriptionOptions options, ApplyUpdate apply);
  // The subscription of a type; null where there is none.
  Subscription* Find(absl::string_view type_url) const;

  // Opens the stream; later calls do nothing.
  void Start();
  // Clusters have come: a stream that had none to go over is opened now.
  void OnClusters();

  const ControlPlaneStats& stats() const { return stats_; }
  // Why the last stream ended.
  const absl::Status& last_status() const { return last_status_; }

 private:
  void Open();
  void Run() override;  // Puts the next request on the stream.
  // How many of subscriptions_ may ask now: what a response brings names what is asked for next, a
  // part a turn, and a server would answer each part of a list of names with the whole list so far.
  size_t WhoMayAsk();
  template <typename Kind>
  void SendNext(Kind& subscription);
  void OnMessage(std::string message);
  template <typename Kind>
  bool Receive(std::string message);
  // Keeps the next response back for as long as one is on its way into force.
  void PauseIfBusy();
  void OnIdle();
  void OnClosed(const absl::Status& status);
  // Whether the stream that ends was worth a new one soon: it was answered, or lasted.
  bool WasOfUse() const;
  base::Nanos NextPause();
  // Whether the target is a cluster that is not there (yet).
  bool LacksCluster();
  const GrpcTarget& target() const { return options_.targets[choice_.current()]; }

  event::EventLoop& loop_;
  const AdsStreamOptions options_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;  // In the order of kResourceTypes.

  std::unique_ptr<MessageStream> stream_;  // Null while waiting to try again.
  event::Timer retry_timer_;
  event::Timer send_timer_;  // Armed while a message is being sent.
  ServerChoice choice_;
  std::optional<RequestRate> rate_;
  bool started_ = false;
  bool lacked_cluster_ = false;    // That is why there is no stream.
  bool node_sent_ = false;         // On this stream.
  base::MonoTime held_since_ = 0;  // Since when some may not ask; 0: all may.
  bool answered_ = false;          // On this stream: a response came.
  base::MonoTime opened_at_ = 0;
  std::optional<size_t> answered_by_;  // The server that the last response came from.
  uint64_t attempts_ = 0;              // Streams tried; chooses the address.
  int failures_ = 0;                   // In a row, without a response in between; sets the pause.

  absl::Status last_status_;
  ControlPlaneStats stats_;
};

}  // namespace proxenos::xds
