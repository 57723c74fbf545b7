// AggregateHosts: an aggregate cluster on one worker: the clusters that it stands for, their
// priorities in one line, and how requests are shared out among these by what is healthy.
//
// The clusters come and go as they like; the shares are computed anew when one of them has other
// hosts. An aggregate among them stands for its own in its place.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/random.h"
#include "source/base/rc.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_source.h"
#include "source/upstream/priority_load.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {
namespace {

// Owner: the WorkerCluster. Thread: the worker's.
class AggregateHosts final : public HostSource {
 public:
  AggregateHosts(WorkerCluster& own, base::Random& random) : own_(own), random_(random) {}

  const std::shared_ptr<const Host>* Find(const PickRequest&) override { return nullptr; }
  bool delegates() const override { return true; }
  WorkerCluster* Delegate(PickRequest& request, uint8_t* priority) override;
  void Note(const Host& host) override {
    if (owners_.size() >= kMostOwners) owners_.clear();
    owners_[host.id()] = chosen_;
  }
  WorkerCluster* OwnerOf(const Host& host) override;

 private:
  // Clusters that make hosts as clients name them make ever new ones. Of those forgotten the next
  // answers count for nobody's outlier detection.
  static constexpr size_t kMostOwners = 65'536;
  // One priority of one cluster.
  struct Place {
    size_t cluster;  // Into clusters_.
    uint8_t priority;
    PriorityLoad load;
  };
  using Clusters = std::vector<base::Rc<WorkerCluster>>;

  void Refresh();
  void Collect(const std::vector<std::string>& names, int depth, Clusters& to) const;
  void Leave();
  void Share();
  const Place* Choose(uint64_t percent, uint64_t avoided, bool* degraded) const;

  WorkerCluster& own_;
  base::Random& random_;
  uint64_t changes_ = 0;  // HostChanges() that the below is as of.
  Clusters clusters_;
  Clusters now_;      // Of Refresh.
  Clusters leaving_;  // Those that serve something yet.
  std::vector<Place> places_;
  size_t chosen_ = 0;  // Into clusters_; of the last Delegate.
  // Of hosts that were chosen since clusters_ changed.
  absl::flat_hash_map<uint64_t, size_t> owners_;
};

// Aggregates within aggregates; the store of clusters refuses those that go round in circles.
constexpr int kMaxDepth = 8;
// However they are nested; each is looked at by every request.
constexpr size_t kMaxClusters = 64;

std::vector<PriorityHealth> HealthOf(const HostSet& hosts, bool makes_hosts) {
  // Nobody knows how its hosts are before they are asked for.
  if (makes_hosts) return {PriorityHealth{1, 1, 0}};
  std::vector<PriorityHealth> health(hosts.priority_count());
  for (const HostEntry& entry : hosts.entries()) {
    PriorityHealth& priority = health[entry.priority];
    priority.hosts += !entry.excluded();
    priority.healthy += entry.healthy();
    priority.degraded += entry.degraded();
  }
  return health;
}

void AggregateHosts::Collect(const std::vector<std::string>& names, int depth, Clusters& to) const {
  for (const std::string& name : names) {
    base::Rc<WorkerCluster> cluster = own_.clusters()->Find(name);
    if (!cluster) continue;  // Not there yet, or not any more.
    const auto& inner = cluster->config().aggregated;
    if (inner == nullptr) {
      if (to.size() < kMaxClusters) to.push_back(std::move(cluster));
    } else if (depth < kMaxDepth) {
      Collect(*inner, depth + 1, to);
    }
  }
}

void AggregateHosts::Refresh() {
  now_.clear();
  if (own_.clusters() != nullptr) Collect(*own_.config().aggregated, 0, now_);
  const bool same = changes_ == HostChanges() &&
                    std::equal(now_.begin(), now_.end(), clusters_.begin(), clusters_.end(),
                               [](const auto& a, const auto& b) { return a.get() == b.get(); });
  if (same) return;
  changes_ = HostChanges();
  clusters_.swap(now_);
  owners_.clear();
  Leave();
  Share();
}

// What is under way in clusters that have gone ends there, as it does for who holds them itself.
void AggregateHosts::Leave() {
  for (base::Rc<WorkerCluster>& before : now_) {
    const bool stays = std::any_of(clusters_.begin(), clusters_.end(),
                                   [&](const auto& each) { return each.get() == before.get(); });
    if (!stays) leaving_.push_back(std::move(before));
  }
  now_.clear();
  std::erase_if(leaving_, [](const base::Rc<WorkerCluster>& each) {
    return each->stats().upstream_cx_active.value() == 0 &&
           each->stats().upstream_rq_pending_active.value() == 0;
  });
}

void AggregateHosts::Share() {
  places_.clear();
  std::vector<PriorityHealth> health;
  for (size_t i = 0; i < clusters_.size(); ++i) {
    const bool makes_hosts = clusters_[i]->source() != nullptr;
    const auto own = HealthOf(clusters_[i]->hosts(), makes_hosts);
    for (size_t p = 0; p < own.size(); ++p) {
      places_.push_back(Place{i, static_cast<uint8_t>(p), {}});
      health.push_back(own[p]);
    }
  }
  if (places_.empty()) return;
  // One factor for all: that of the first, which the others nearly always share.
  const std::vector<PriorityLoad> loads =
      SharePriorityLoad(health, clusters_.front()->hosts().overprovisioning_percent(),
                        own_.config().panic_threshold_percent);
  for (size_t i = 0; i < loads.size(); ++i) places_[i].load = loads[i];
}

// Null: nobody can be used.
const AggregateHosts::Place* AggregateHosts::Choose(uint64_t percent, uint64_t avoided,
                                                    bool* degraded) const {
  const auto avoids = [&](const Place& place) {
    const size_t at = static_cast<size_t>(&place - places_.data());
    return at < 64 && (avoided >> at & 1) != 0;
  };
  uint64_t sum = 0;
  for (const bool of_degraded : {false, true}) {
    *degraded = of_degraded;
    for (const Place& place : places_) {
      sum += of_degraded ? place.load.degraded_percent : place.load.healthy_percent;
      if (percent >= sum) continue;
      if (!avoids(place)) return &place;
      // The best that was not tried.
      const auto other = std::find_if(places_.begin(), places_.end(),
                                      [&](const Place& each) { return !avoids(each); });
      if (other == places_.end()) return &place;
      *degraded = false;
      return &*other;
    }
  }
  return nullptr;
}

WorkerCluster* AggregateHosts::Delegate(PickRequest& request, uint8_t* priority) {
  Refresh();
  // As with the priorities of one cluster a hash decides on the cluster too.
  const uint64_t draw = request.hash.has_value() ? *request.hash : random_.Next();
  bool degraded = false;
  const Place* place = Choose(draw % 100, request.avoided_priorities, &degraded);
  if (place == nullptr) return nullptr;
  request.avoided_priorities = 0;
  request.only_priority = place->priority;
  request.only_degraded = degraded;
  *priority = static_cast<uint8_t>(std::min<size_t>(place - places_.data(), UINT8_MAX));
  chosen_ = place->cluster;
  return clusters_[chosen_].get();
}

WorkerCluster* AggregateHosts::OwnerOf(const Host& host) {
  const auto known = owners_.find(host.id());
  return known == owners_.end() ? nullptr : clusters_[known->second].get();
}

}  // namespace

std::unique_ptr<HostSource> MakeAggregateHosts(WorkerCluster& own, base::Random& random) {
  return std::make_unique<AggregateHosts>(own, random);
}

}  // namespace proxenos::upstream
