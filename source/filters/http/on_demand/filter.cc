// Host first, then cluster.
#include "source/filters/http/on_demand/filter.h"

#include <utility>

#include "source/filter/filter_override.h"
#include "source/route/rewrite.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::filters::on_demand {

using filter::Verdict;

OnDemandFilter::OnDemandFilter(const Settings& settings, const filter::FilterFactory& factory,
                               filter::StreamContext& stream)
    : settings_(settings),
      factory_(factory),
      stream_(stream),
      stats_(static_cast<OnDemandPart*>(stream.worker_part(factory))->stats()) {}

OnDemandFilter::~OnDemandFilter() { StopWaiting(); }

Verdict OnDemandFilter::OnRequestHeaders(http::RequestHead&, bool) {
  return stream_.route == nullptr ? AskForHost() : AskForCluster();
}

Verdict OnDemandFilter::AskForHost() {
  if (stream_.routes == nullptr || !stream_.routes->discovers_hosts()) return Verdict::kContinue;
  stats_.host_requests.Inc();
  const bool asked = stream_.environment.on_demand->AskHost(stream_.routes->name(),
                                                            stream_.request.authority, *this);
  return Await(Awaited::kHost, asked, kHostTimeout);
}

Verdict OnDemandFilter::AskForCluster() {
  const auto* own = filter::FindSettings<Settings>(stream_, factory_);
  const Settings& settings = own == nullptr ? settings_ : *own;
  if (!settings.clusters.has_value() || stream_.route->forward() == nullptr) {
    return Verdict::kContinue;
  }
  const absl::string_view name = route::PickCluster(*stream_.route, stream_.match_input()).name;
  if (name.empty() || stream_.environment.clusters.Find(name)) return Verdict::kContinue;
  stats_.cluster_requests.Inc();
  const bool asked =
      stream_.environment.on_demand->AskCluster(settings.clusters->config_source, name, *this);
  return Await(Awaited::kCluster, asked, settings.clusters->timeout);
}

Verdict OnDemandFilter::Await(Awaited what, bool asked, base::Nanos timeout) {
  if (!asked) {
    stats_.overload.Inc();
    return Refuse(what, "on_demand_overload");
  }
  awaited_ = what;
  stats_.waiting.Inc();
  counted_ = true;
  timer_.emplace(stream_.environment.loop.timers(), [this] {
    Cancel();
    timed_out_ = true;
    stream_.Wake(*this);
  });
  timer_->ArmIn(timeout);
  return Verdict::kPause;
}

void OnDemandFilter::OnDiscovered(Outcome outcome) {
  outcome_ = outcome;
  stream_.Wake(*this);
}

void OnDemandFilter::OnWake() {
  const bool over = timed_out_ || outcome_.has_value() || awaited_ == Awaited::kRoute;
  if (awaited_ == Awaited::kNothing || !over) return;
  const Awaited after = awaited_;
  if (GoOn(after) == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

Verdict OnDemandFilter::GoOn(Awaited after) {
  const std::optional<Outcome> outcome = std::exchange(outcome_, std::nullopt);
  const bool timed_out = std::exchange(timed_out_, false);
  StopWaiting();
  // The newest table, in which the host is; or it was taken away again, and there is no route.
  if (after == Awaited::kRoute) {
    return stream_.route == nullptr ? Verdict::kContinue : AskForCluster();
  }
  if (timed_out) {
    stats_.timeout.Inc();
    // The router says of a cluster what the route wants said.
    return after == Awaited::kHost ? Refuse(after, "on_demand_timeout") : Verdict::kContinue;
  }
  if (outcome == Outcome::kOverload) {
    stats_.overload.Inc();
    return Refuse(after, "on_demand_overload");
  }
  if (outcome != Outcome::kFound) {
    stats_.missing.Inc();
    return Verdict::kContinue;
  }
  stats_.found.Inc();
  if (after == Awaited::kCluster) return Verdict::kContinue;
  awaited_ = Awaited::kRoute;
  stream_.RerouteAfresh(*this, factory_);
  return Verdict::kPause;
}

Verdict OnDemandFilter::Refuse(Awaited what, absl::string_view details) {
  stream_.Reply(503, "", details,
                what == Awaited::kHost ? filter::kNoRouteFound : filter::kNoClusterFound);
  return Verdict::kReplied;
}

void OnDemandFilter::StopWaiting() {
  Cancel();
  timer_.reset();
  awaited_ = Awaited::kNothing;
  if (std::exchange(counted_, false)) stats_.waiting.Dec();
}

}  // namespace proxenos::filters::on_demand
