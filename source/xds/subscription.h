// Subscription: what is wanted and held of one resource type from one source, whichever protocol
// carries it. Room 2 of an update (docs/life_of_an_update.md).
//
// It knows no stream: a transport (AdsStream, FileSource, RestSource) hands it responses and takes
// its requests. Each response is answered once, in order: ACK when every resource was taken, else
// NACK with every refused resource and its reasons. The good resources of a refused response are
// applied all the same: a bad resource rejects itself alone.
//
// SotwSubscription and DeltaSubscription say how the two protocols ask and what their responses
// mean; all that happens to a resource is here:
//
//     response ─▶ Begin ─▶ unpack ─▶ Complete ─▶ apply ─▶ remember ─▶ queue the answer
//
// A large response is unpacked in parts, then applied in parts, a part a turn, so that other work
// of the loop goes on. Nothing of it is applied before all of it was read. Meanwhile the
// subscription is busy(), and its transport keeps the next response back; one that comes all the
// same, and whoever calls FinishNow, has the rest done at once: order stays as it came.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/event/timer_wheel.h"
#include "source/xds/answer_queue.h"
#include "source/xds/any_resource.h"
#include "source/xds/leases.h"
#include "source/xds/resource.h"
#include "source/xds/response_reader.h"
#include "source/xds/type_url.h"
#include "source/xds/wanted_collections.h"

namespace proxenos::xds {

// Receives a step; returns what it refused. Whatever it does not return is in force.
using ApplyUpdate = absl::AnyInvocable<std::vector<ResourceError>(const TypeUpdate&)>;

struct SubscriptionOptions {
  ResourceType type = {};
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
  uint64_t unwanted_resources = 0;  // Sent though nobody asked for them; passed over.
  uint64_t expired_resources = 0;   // Whose ttl was over.
};

// Owner: its transport. Thread: the main loop's. Dies when: its transport does.
class Subscription {
 public:
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  virtual ~Subscription() = default;

  // Names, or kAllNames for everything, are wanted or not wanted any more from now on. May be
  // called at any time, also from within `apply`. What is said twice counts once.
  void Want(const NameChange& change);
  // Called when no first update came in time; the subscription goes on waiting.
  void OnFetchTimeout(absl::AnyInvocable<void()> callback) { fetch_timeout_ = std::move(callback); }

  // --- For the transport ---

  // Called when a request may have become due; it must not act but make a note of it.
  void OnRequestDue(absl::AnyInvocable<void()> callback) { request_due_ = std::move(callback); }
  // A new stream knows nothing of the last one. `server`: which of the control plane's; versions
  // mean something to the one that they came from, and to no other.
  void OnStreamOpened(size_t server);
  // Whether a response is on its way into force.
  bool busy() const { return work_ != nullptr; }
  // Since the turn that began then. REQUIRES: busy().
  base::MonoTime busy_since() const { return work_->begun; }
  // What a response refers to may be in another one, which came before it and is on its way too.
  // `ready` is asked before each turn's part is applied, with the time when the response came:
  // false lets it wait for a turn. With `finish` it does what there is to wait for at once.
  using Ready = absl::AnyInvocable<bool(base::MonoTime begun, bool finish)>;
  void ApplyWhen(Ready ready) { ready_ = std::move(ready); }
  // Called when busy() is over; it must not act but make a note of it.
  void OnIdle(absl::AnyInvocable<void()> callback) { idle_ = std::move(callback); }
  // The stream ended or could not be opened. What of a response was left to do goes on; nobody is
  // told of it any more.
  void OnStreamLost();
  // The source could not be read at all (a file): nothing changes.
  void OnUnreadable();
  virtual bool has_request() const = 0;
  bool wants_anything() const { return all_ || !names_.empty(); }
  // Applies at once what is left of the last response: for what may refer to it.
  void FinishNow();

  // --- For whoever looks on ---

  const ResourceType& type() const { return options_.type; }
  // The newest that was taken whole.
  const std::string& version() const { return version_; }
  const SubscriptionStats& stats() const { return stats_; }
  // What was last refused, as the NACK said it; empty once a response was taken whole.
  const std::string& last_refusal() const { return last_refusal_; }
  // How many resources are held.
  size_t held() const { return known_.size(); }

 protected:
  // What is known of one name. `bytes` is null until a version of it was taken.
  struct Known {
    std::string version;
    std::shared_ptr<const std::string> bytes;
    bool refused = false;  // The newest version was refused: look at the next one in any case.
  };
  // A response being taken apart.
  struct Step {
    TypeUpdate update;
    std::string nonce;
    uint64_t stream = 0;            // On which it came.
    ResponseReader unread;          // Its entries.
    std::vector<std::string> gone;  // Names that it says are gone or do not exist.
    size_t entries = 0;
    size_t heartbeats = 0;
    absl::flat_hash_set<std::string> present;  // Every readable name in it.
    std::vector<ResourceError> errors;         // Entries that never reach the receiver.
    std::vector<std::pair<std::string, base::Nanos>> leases;  // Of all that are present.
    bool unreadable = false;                                  // Some entry's name is not known.
  };

  Subscription(event::TimerWheel& timers, SubscriptionOptions options, ApplyUpdate apply);

  // What has become wanted, and what is not any more.
  virtual void OnNamesChanged(const NameChange& change) = 0;
  virtual void OnOpened() = 0;

  // One entry of a response. `version`: of the response.
  virtual absl::StatusOr<ResourceEntry> Unpack(absl::string_view entry,
                                               const std::string& version) const = 0;
  // All entries were unpacked; what is not among them may mean something.
  virtual void Complete(Step& step) = 0;

  // Takes the step of a response: Begin finishes the one before, Take goes on as far as one turn
  // bears it.
  Step Begin(std::string version, std::string nonce);
  void Take(Step step);
  // A name that the response says is gone or does not exist.
  void AddRemoved(const std::string& name, Step& step);

  bool Wanted(absl::string_view name) const;
  // A name of a response as it was asked for: that of an xdstp:// name may be written otherwise, by
  // some who want it in one way and by others in another. Never empty.
  std::vector<std::string> Spellings(const std::string& name) const;
  // What names_ says in a request.
  std::vector<std::string> AskedNames() const;
  // Whether the versions that are held are those of the stream's server.
  bool same_server() const { return server_ == held_from_; }
  void RequestDue() {
    if (request_due_) request_due_();
  }

  const SubscriptionOptions options_;
  bool all_ = false;                               // kAllNames is wanted.
  absl::btree_set<std::string> names_;             // What is wanted by name, beside it or alone.
  WantedCollections collections_;                  // Of names_, those that stand for many.
  std::string version_;                            // Survives streams.
  absl::node_hash_map<std::string, Known> known_;  // Thousands: no room for those that may come.

  // Of the current stream.
  bool stream_open_ = false;
  bool asked_ = false;  // A request went out on this stream.
  AnswerQueue answers_;

 private:
  bool WantedByAlias(const Resource& resource) const;
  bool IsUnchanged(const Resource& resource) const;
  void Add(absl::StatusOr<ResourceEntry> entry, Step& step);
  void AddOne(const ResourceEntry& entry, Step& step);
  // Whether a change of what is wanted by this name changes what is asked for.
  bool SetWanted(const std::string& name, bool wanted);
  // What is held already is handed on for another way of writing its name.
  void Copy(const std::string& name);
  void ApplyCopies();
  void AddHeartbeat(const ResourceEntry& entry, Step& step);
  void Advance();
  void UnpackPart();
  void ApplyPart();
  void Remember(const TypeUpdate& part, const absl::flat_hash_set<absl::string_view>& refused);
  void GrantLeases();
  void Forget(const std::vector<std::string>& removed);
  // These were wanted until now.
  void ForgetUnwanted(const std::vector<std::string>& removed);
  void Conclude(const Step& step);
  void Expire(std::vector<std::string> names);
  void ArmFetchTimer();

  // A response on its way into force.
  struct Work {
    Step step;
    base::MonoTime begun = 0;
    bool unpacked = false;
    size_t applied = 0;                  // Of step.update.resources.
    std::vector<ResourceError> refused;  // By the receiver.
  };

  event::TimerWheel& timers_;
  ApplyUpdate apply_;
  std::unique_ptr<Work> work_;    // Null when nothing is left to do.
  std::vector<Resource> copies_;  // For whoever writes the name of what is held otherwise.
  event::Timer work_timer_;
  absl::AnyInvocable<void()> request_due_;
  absl::AnyInvocable<void()> idle_;
  Ready ready_;  // Null: always.
  absl::AnyInvocable<void()> fetch_timeout_;
  event::Timer fetch_timer_;
  Leases leases_;
  bool answered_ = false;  // A response was seen since the beginning.
  uint64_t stream_ = 0;    // Streams opened so far.
  size_t server_ = 0;      // Of the stream.
  size_t held_from_ = 0;   // Of the last response.

  std::string last_refusal_;
  std::string refused_version_;  // What last_refusal_ was said of.
  SubscriptionStats stats_;
};

}  // namespace proxenos::xds
