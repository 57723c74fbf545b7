// DeltaSubscription: a subscription in the incremental protocol. Requests say which names have
// become wanted or are not any more, responses which resources are new, changed or gone; each
// resource has its own version. The first request on a stream says what is held, so that a control
// plane which was away sends the difference only.
//
// Beside answers, a request may be due for names; the two share a message where they can.
#pragma once

#include <string>

#include "absl/container/btree_set.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/xds/subscription.h"

namespace proxenos::xds {

// Owner, thread: as of Subscription.
class DeltaSubscription final : public Subscription {
 public:
  using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
  using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

  DeltaSubscription(event::TimerWheel& timers, SubscriptionOptions options, ApplyUpdate apply)
      : Subscription(timers, std::move(options), std::move(apply)) {}

  // A response: `head`, all but its resources, and these.
  void OnResponse(const Response& head, ResponseReader resources);
  // One that was not received as bytes.
  void OnResponse(const Response& response);

  bool has_request() const override;
  // The next request without its node. REQUIRES: has_request().
  Request TakeRequest();

 private:
  void OnNamesChanged(const NameChange& change) override;
  void OnOpened() override;
  absl::StatusOr<ResourceEntry> Unpack(absl::string_view entry,
                                       const std::string& version) const override;
  void Complete(Step& step) override;
  void FillFirst(Request& request) const;

  // Of the current stream, once asked_: what it has to be told. No name is in both.
  absl::btree_set<std::string> subscribe_;
  absl::btree_set<std::string> unsubscribe_;
  absl::btree_set<std::string> again_;  // Of unsubscribe_: to be asked for anew afterwards.
};

}  // namespace proxenos::xds
