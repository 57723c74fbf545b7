// Counting who holds which, by their pointers.
#include "source/server/own_clusters.h"

#include <algorithm>
#include <utility>

#include "source/base/log.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

void Take(const rpc::OwnTarget& target, ClusterStore& clusters) {
  xds::Resource resource;
  resource.name = target.cluster;
  resource.type_url = xds::kClusterType;
  resource.bytes = std::make_shared<const std::string>(target.definition);
  const std::optional<std::string> problem = clusters.TakeOwn(resource);
  // It was compiled before: a file has changed meanwhile.
  if (problem.has_value()) PX_LOG(kUpstream, kError, "google_grpc: ", *problem);
}

}  // namespace

OwnClusters::~OwnClusters() {
  for (const Held& held : held_) rpc::OwnTargets::OfProcess().Forget(held.target);
}

void OwnClusters::Join(rpc::OwnTargetPtr target) {
  const auto same = [&target](const Held& held) { return held.target == target; };
  if (std::any_of(held_.begin(), held_.end(), same)) return;
  held_.push_back({std::move(target)});
}

std::vector<std::string> OwnClusters::NamedSince(uint64_t stamp) {
  std::vector<std::string> clusters;
  for (const rpc::OwnTargetPtr& target : rpc::OwnTargets::OfProcess().NamedSince(stamp)) {
    clusters.push_back(target->cluster);
  }
  return clusters;
}

void OwnClusters::Settle() {
  rpc::OwnTargets& targets = rpc::OwnTargets::OfProcess();
  const uint64_t stamp = targets.stamp();
  if (held_.empty() && stamp == seen_) return;
  for (rpc::OwnTargetPtr& target : targets.NamedSince(seen_)) Join(std::move(target));
  seen_ = stamp;
  for (auto it = held_.begin(); it != held_.end();) {
    // What named it may have been refused, too.
    if (targets.Forget(it->target)) {
      if (it->taken) clusters_.DropOwn(it->target->cluster);
      it = held_.erase(it);
      continue;
    }
    if (!std::exchange(it->taken, true)) Take(*it->target, clusters_);
    ++it;
  }
}

}  // namespace proxenos::server
