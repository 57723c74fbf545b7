// OnDemandFilter: holds a request until what it lacks has been discovered: the virtual host of its
// authority, where the route configuration has `vhds`, then the cluster of its route, where `odcds`
// says where that would come from. It holds the head and leaves the body at the door, where the
// stream's limit stops its source.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "source/base/clock.h"
#include "source/event/timer_wheel.h"
#include "source/filter/cluster_source.h"
#include "source/filter/http_filter.h"
#include "source/filter/on_demand.h"
#include "source/filter/stream_context.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::on_demand {

// How long a request waits for its virtual host. Envoy sets no such end: there the stream's idle
// timeout is what ends it.
inline constexpr base::Nanos kHostTimeout = 15 * base::kSecond;

// OnDemand, PerRouteConfig. Owner: the factory, or the route's override.
struct Settings {
  std::optional<filter::ClusterSource> clusters;  // None: clusters are not asked for.
};

// Scope: kOnDemandScope, of the connection manager's stat_prefix. One group a worker. Envoy has no
// such stats.
#define PX_ON_DEMAND_STATS(X)  \
  X(Counter, host_requests)    \
  X(Counter, cluster_requests) \
  X(Counter, found)            \
  X(Counter, missing)          \
  X(Counter, timeout)          \
  X(Counter, overload)         \
  X(Gauge, waiting)
PX_STATS(OnDemandStats, PX_ON_DEMAND_STATS);
inline constexpr stats::ScopeShape kOnDemandScope{
    "http.$.on_demand.", "http.on_demand.", {"envoy.http_conn_manager_prefix"}};

// Owner: the HttpService. Thread: the worker's.
class OnDemandPart final : public filter::WorkerPart {
 public:
  OnDemandPart(stats::Registry& registry, const std::string& stat_prefix)
      : stats_(registry.Open<OnDemandStats>(stats::ScopeName(kOnDemandScope, {stat_prefix}))) {}
  OnDemandStats& stats() { return *stats_; }

 private:
  stats::Group<OnDemandStats> stats_;
};

class OnDemandFilter final : public filter::HttpFilter, private filter::OnDemand::Waiter {
 public:
  // REQUIRES: the worker has an OnDemand and the part; `settings` are the factory's own.
  OnDemandFilter(const Settings& settings, const filter::FilterFactory& factory,
                 filter::StreamContext& stream);
  ~OnDemandFilter();

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  void OnWake() override;
  void OnLocalReply() override { StopWaiting(); }
  void OnComplete() override { StopWaiting(); }

 private:
  using Outcome = filter::OnDemand::Outcome;
  enum class Awaited : uint8_t { kNothing, kHost, kRoute, kCluster };

  void OnDiscovered(Outcome outcome) override;
  filter::Verdict AskForHost();
  filter::Verdict AskForCluster();
  filter::Verdict Await(Awaited what, bool asked, base::Nanos timeout);
  // What follows from the end of a wait.
  filter::Verdict GoOn(Awaited after);
  filter::Verdict Refuse(Awaited what, absl::string_view details);
  void StopWaiting();

  const Settings& settings_;
  const filter::FilterFactory& factory_;
  filter::StreamContext& stream_;
  OnDemandStats& stats_;
  std::optional<event::Timer> timer_;
  Awaited awaited_ = Awaited::kNothing;
  std::optional<Outcome> outcome_;
  bool timed_out_ = false;
  bool counted_ = false;  // In the gauge.
};

}  // namespace proxenos::filters::on_demand
