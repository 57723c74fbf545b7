// From a request's wish to a subscription, and back.
#include "source/server/cluster_demands.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "source/base/log.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

ClusterDemands::ClusterDemands(StoreContext context, const ClusterStore& clusters,
                               FindDemandSource find_source)
    : context_(context), clusters_(clusters), find_source_(std::move(find_source)) {}

ClusterDemands::Origin& ClusterDemands::OriginOf(const std::string& config_source) {
  const auto found = origins_.find(config_source);
  if (found != origins_.end()) return found->second;
  absl::StatusOr<SourceKey> source = absl::UnavailableError("there are no sources");
  if (find_source_ != nullptr) source = find_source_(config_source);
  if (!source.ok()) {
    const absl::string_view message = source.status().message();
    PX_LOG(kConfig, kError, "clusters on demand (odcds.source): ", message);
  }
  return origins_.emplace(config_source, Origin{std::move(source), {}}).first->second;
}

void ClusterDemands::Ask(const Demand& demand) {
  if (InForce(demand.name)) return Answer(demand, Outcome::kFound);
  Origin& origin = OriginOf(demand.origin);
  if (!origin.source.ok() || !MayBeDemanded(demand.name) ||
      !xds::CheckWantedName(demand.name).ok()) {
    return Answer(demand, Outcome::kMissing);
  }
  const DemandedNames::State* state = origin.names.Find(demand.name);
  if (state != nullptr && *state == DemandedNames::State::kAsked) return;
  if (state != nullptr) {
    // One that another source took away is asked for anew once this one has heard that it is not
    // wanted.
    if (*state == DemandedNames::State::kFound) origin.names.Drop(demand.name);
    return Answer(demand, Outcome::kMissing);
  }
  if (!origin.names.MakeRoom()) return Answer(demand, Outcome::kOverload);
  // What warms already comes from elsewhere, and only has to be waited for.
  NameClaim claim;
  if (!clusters_.Has(demand.name)) {
    claim = context_.wanted.Claim(xds::kClusterType, *origin.source, demand.name);
  }
  origin.names.Ask(demand.name, std::move(claim), context_.loop.now());
  context_.Pump();
}

void ClusterDemands::Note(const std::string& name, bool removed) {
  if (origins_.empty()) return;
  absent_[name] |= removed;
  context_.Pump();
}

void ClusterDemands::Settle(Batch& batch) {
  const base::MonoTime now = context_.loop.now();
  const std::map<std::string, bool> absent = std::exchange(absent_, {});
  for (auto& [config_source, origin] : origins_) {
    const auto demand = [&source = config_source](const std::string& name) {
      return Demand{Demand::Kind::kCluster, source, name};
    };
    for (const std::string& name : origin.names.Asked()) {
      if (InForce(name) && origin.names.Found(name)) Answer(demand(name), Outcome::kFound);
    }
    for (const auto& [name, removed] : absent) {
      const DemandedNames::State* state = origin.names.Find(name);
      if (state != nullptr && *state == DemandedNames::State::kFound) {
        if (removed) origin.names.Drop(name);
      } else if (!clusters_.Has(name) && origin.names.Missing(name, now)) {
        Answer(demand(name), Outcome::kMissing);
      }
    }
    origin.names.Expire(
        now, [this, &demand](const std::string& name) { Answer(demand(name), Outcome::kMissing); });
  }
  std::move(answers_.begin(), answers_.end(), std::back_inserter(batch.answers));
  answers_.clear();
}

void ClusterDemands::Answer(const Demand& demand, Outcome outcome) {
  answers_.push_back({demand, outcome});
  context_.Pump();
}

base::MonoTime ClusterDemands::NextDeadline() const {
  base::MonoTime next = base::kNever;
  for (const auto& [config_source, origin] : origins_) {
    next = std::min(next, origin.names.NextDeadline());
  }
  return next;
}

}  // namespace proxenos::server
