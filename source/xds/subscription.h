// Subscription: the state machine of one resource type in the state-of-the-world protocol. Room 2
// of an update (docs/life_of_an_update.md).
//
// It knows no stream: a transport (AdsStream, FileSource) hands it responses and takes its
// requests. Each response is answered once, in order: ACK (the new version) when every resource was
// taken, else NACK (the version before, and every refused resource with its reasons). The good
// resources of a refused response are applied all the same: a bad resource rejects itself alone.
//
//     nothing wanted ──Want/WantAll──▶ first request due ──TakeRequest──▶ waiting
//          ▲                               ▲                               │ OnResponse
//          └──Want({}) before any request  └──────OnStreamLost─────────────┤
//                                                                          ▼
//                                                           answer due ──TakeRequest──▶ waiting
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/clock.h"
#include "source/event/timer_wheel.h"
#include "source/xds/resource.h"

namespace proxenos::xds {

// Receives a step; returns what it refused. Whatever it does not return is in force.
using ApplyUpdate = absl::AnyInvocable<std::vector<ResourceError>(const TypeUpdate&)>;

struct SubscriptionOptions {
  std::string type_url;
  // Each response is the whole set: what it lacks is removed (listeners, clusters). Without it,
  // what a response lacks stays as it was (routes, endpoints).
  bool whole_set = false;
  // ConfigSource.initial_fetch_timeout; 0 waits for ever.
  base::Nanos initial_fetch_timeout = 15 * base::kSecond;
};

// Numbers for the stats of Envoy's names (`cluster_manager.cds.update_success` and so on).
struct SubscriptionStats {
  uint64_t update_attempt = 0;
  uint64_t update_success = 0;   // Every resource was taken, even if none was sent.
  uint64_t update_failure = 0;   // The source could not be reached or read.
  uint64_t update_rejected = 0;  // At least one resource was refused.
  uint64_t update_empty = 0;     // Successes that held no resource.
  uint64_t init_fetch_timeout = 0;
  uint64_t version = 0;  // xxHash64 of the version in force; 0 before the first.
  uint64_t unchanged_resources = 0;
};

// Owner: its transport. Thread: the main loop's. Dies when: its transport does.
class Subscription {
 public:
  using Request = envoy::service::discovery::v3::DiscoveryRequest;
  using Response = envoy::service::discovery::v3::DiscoveryResponse;

  Subscription(event::TimerWheel& timers, SubscriptionOptions options, ApplyUpdate apply);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Subscribes to all there is. Asks at once; with no names in it, the request means "everything".
  void WantAll();
  // Subscribes to these names and no others; may be called at any time, also from within `apply`.
  void Want(const std::set<std::string>& names);
  // Called when no first update came in time; the subscription goes on waiting.
  void OnFetchTimeout(absl::AnyInvocable<void()> callback) { fetch_timeout_ = std::move(callback); }

  // --- For the transport ---

  // Called when a request may have become due; it must not act but make a note of it.
  void OnRequestDue(absl::AnyInvocable<void()> callback) { request_due_ = std::move(callback); }
  // A new stream knows nothing of the last one: ask anew, with the version held and no nonce.
  void OnStreamOpened();
  // The stream ended or could not be opened.
  void OnStreamLost();
  void OnResponse(const Response& response);
  // The source could not be read at all (a file): nothing changes.
  void OnUnreadable() { ++stats_.update_failure; }

  bool has_request() const;
  // The next request without its node. REQUIRES: has_request().
  Request TakeRequest();

  // --- For whoever looks on ---

  const std::string& type_url() const { return options_.type_url; }
  const std::string& version() const { return version_; }
  const SubscriptionStats& stats() const { return stats_; }
  // What was last refused, as the NACK said it; empty once a response was taken whole.
  const std::string& last_refusal() const { return last_refusal_; }

 private:
  // What is known of one name. `bytes` is null until a version of it was taken.
  struct Known {
    uint64_t hash = 0;
    std::shared_ptr<const std::string> bytes;
    bool refused = false;  // The newest version was refused: look at the next one in any case.
  };
  // An answer that still has to be sent.
  struct Answer {
    std::string version;
    std::string nonce;
    std::string refusal;  // Empty for an ACK.
  };
  struct Decoded;

  bool Wanted(const std::string& name) const { return all_ || names_.contains(name); }
  void NamesChanged();
  Decoded Decode(const Response& response);
  void AddRemoved(Decoded& decoded) const;
  void Remember(const Decoded& decoded, const std::vector<ResourceError>& refused);
  void ArmFetchTimer();
  void Queue(const Response& response, bool repeated);

  const SubscriptionOptions options_;
  ApplyUpdate apply_;
  absl::AnyInvocable<void()> request_due_;
  absl::AnyInvocable<void()> fetch_timeout_;
  event::Timer fetch_timer_;
  event::Timer refusal_timer_;  // Armed: the answer to what was refused before waits.

  bool all_ = false;
  std::set<std::string> names_;  // Empty when all_.
  bool answered_ = false;        // A response was seen since the beginning.
  std::string version_;          // The last one that was taken whole; survives streams.
  absl::flat_hash_map<std::string, Known> known_;

  // Of the current stream.
  bool stream_open_ = false;
  bool asked_ = false;  // A request went out on this stream: from then on, no names means none.
  bool ask_ = false;    // A request is due for its names.
  std::string nonce_;   // Of the last response.
  std::deque<Answer> answers_;

  std::string last_refusal_;
  std::string refused_version_;  // What last_refusal_ was said of.
  int repeats_ = 0;              // How often in a row it came again.
  SubscriptionStats stats_;
};

}  // namespace proxenos::xds
