// RestSource: a subscription that asks at intervals, by HTTP POST with JSON, over a cluster's own
// connections: api_type REST. The protocol is state of the world without answers: the next request
// names the version that was taken.
//
// What cannot be fetched or read changes nothing; the next of the clusters is asked next time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "source/event/event_loop.h"
#include "source/rpc/http_call.h"
#include "source/xds/cluster_stream.h"
#include "source/xds/sotw_subscription.h"

namespace proxenos::xds {

struct RestSourceOptions {
  std::vector<std::string> clusters;  // REQUIRES: at least one.
  FindCluster find_cluster;
  envoy::config::core::v3::Node node;
  base::Nanos refresh_delay = 0;
  base::Nanos request_timeout = base::kSecond;
};

// Owner: the server. Thread: the main loop's.
class RestSource final : private event::Runnable {
 public:
  RestSource(event::EventLoop& loop, RestSourceOptions options, SubscriptionOptions subscription,
             ApplyUpdate apply);

  // Asks for the first time.
  void Start();

  SotwSubscription* subscription() { return &subscription_; }

 private:
  void Run() override;  // Asks, unless it waits for an answer.
  void OnAnswer();
  // Why the answer is not in force; empty when it is, or says that nothing has changed.
  std::string Read(rpc::HttpCall& call);
  void ScheduleNext();

  event::EventLoop& loop_;
  const RestSourceOptions options_;
  SotwSubscription subscription_;
  event::Timer refresh_timer_;
  bool started_ = false;
  size_t cluster_ = 0;
  std::unique_ptr<rpc::HttpCall> call_;  // Null: none under way.
};

}  // namespace proxenos::xds
