// SotwSubscription: a subscription in the state-of-the-world protocol. Each request holds all names
// that are wanted, each response all that is there of them (whole-set types) or some of it.
//
//     nothing wanted ──Want──▶ first request due ──TakeRequest──▶ waiting
//          ▲                       ▲                               │ OnResponse
//          └──Want none before it  └──────OnStreamLost─────────────┤
//                                                                  ▼
//                                                   answer due ──TakeRequest──▶ waiting
#pragma once

#include <string>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/xds/subscription.h"

namespace proxenos::xds {

// Owner, thread: as of Subscription.
class SotwSubscription final : public Subscription {
 public:
  using Request = envoy::service::discovery::v3::DiscoveryRequest;
  using Response = envoy::service::discovery::v3::DiscoveryResponse;

  SotwSubscription(event::TimerWheel& timers, SubscriptionOptions options, ApplyUpdate apply)
      : Subscription(timers, std::move(options), std::move(apply)) {}

  // A response: `head`, all but its resources, and these.
  void OnResponse(const Response& head, ResponseReader resources);
  // One that was not received as bytes.
  void OnResponse(const Response& response);

  bool has_request() const override;
  // The next request without its node. REQUIRES: has_request().
  Request TakeRequest();
  // What asks for all that is wanted where nothing is remembered between requests and none is
  // answered: over HTTP.
  Request MakePoll() const;

 private:
  void OnNamesChanged(const NameChange& change) override;
  void OnOpened() override;
  absl::StatusOr<ResourceEntry> Unpack(absl::string_view entry,
                                       const std::string& version) const override;
  void Complete(Step& step) override;
  void FillNames(Request& request);

  // Of the current stream.
  bool ask_ = false;       // A request is due for its names.
  bool explicit_ = false;  // Names went out: from then on, no names means none.
  std::string nonce_;      // Of the last response.
};

}  // namespace proxenos::xds
