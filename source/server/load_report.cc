// Counts of hosts, summed by locality.
#include "source/server/load_report.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "source/admin/host_proto.h"
#include "source/config/errors.h"
#include "source/upstream/duration_config.h"
#include "source/upstream/load_metrics.h"

namespace proxenos::server {
namespace {

using envoy::config::endpoint::v3::ClusterStats;
using envoy::config::endpoint::v3::UpstreamLocalityStats;
using envoy::service::load_stats::v3::LoadStatsRequest;
using envoy::service::load_stats::v3::LoadStatsResponse;
using upstream::HostEntry;
using upstream::LoadCounts;
using upstream::MetricSums;

// UpstreamLocalityStats or UpstreamEndpointStats.
template <typename Stats>
void Add(const LoadCounts::Taken& taken, Stats& stats) {
  stats.set_total_issued_requests(stats.total_issued_requests() + taken.issued);
  stats.set_total_successful_requests(stats.total_successful_requests() + taken.succeeded);
  stats.set_total_error_requests(stats.total_error_requests() + taken.failed);
  stats.set_total_requests_in_progress(stats.total_requests_in_progress() + taken.active);
}

void SetLocality(const upstream::Locality& from, envoy::config::core::v3::Locality& to) {
  to.set_region(from.region);
  to.set_zone(from.zone);
  to.set_sub_zone(from.sub_zone);
}

// load_metric_stats of either.
template <typename Stats>
void AddMetrics(const MetricSums& sums, Stats& stats) {
  for (const auto& [name, sum] : sums) {
    envoy::config::endpoint::v3::EndpointLoadMetricStats& metric = *stats.add_load_metric_stats();
    metric.set_metric_name(name);
    metric.set_num_requests_finished_with_metric(sum.requests);
    metric.set_total_metric_value(sum.total);
  }
}

// What is told of the hosts of one locality and priority.
struct LocalityLoad {
  UpstreamLocalityStats* stats = nullptr;  // Null: nothing yet.
  MetricSums metrics;
};

void AddHost(const HostEntry& entry, const LoadCounts::Taken& taken, const MetricSums* metrics,
             bool endpoints, LocalityLoad& locality) {
  Add(taken, *locality.stats);
  if (metrics != nullptr) upstream::AddTo(locality.metrics, *metrics);
  if (!endpoints) return;
  auto& endpoint = *locality.stats->add_upstream_endpoint_stats();
  admin::AddressToProto(entry.host->address(), *endpoint.mutable_address());
  Add(taken, endpoint);
  if (metrics != nullptr) AddMetrics(*metrics, endpoint);
}

// One for each locality and priority of which there is something to tell.
void AddLocalities(const LoadedCluster& cluster, bool endpoints, ClusterStats& stats) {
  const upstream::HostSet& hosts = cluster.hosts;
  absl::flat_hash_map<uint64_t, MetricSums> metrics;
  if (cluster.load.metrics() != nullptr) metrics = cluster.load.metrics()->Take();
  std::vector<LocalityLoad> by_locality(hosts.localities().size());
  for (const HostEntry& entry : hosts.entries()) {
    if (entry.host->load() == nullptr) continue;
    const LoadCounts::Taken taken = entry.host->load()->Take();
    const auto told = metrics.find(entry.host->id());
    if (taken.issued + taken.succeeded + taken.failed + taken.active == 0 &&
        told == metrics.end()) {
      continue;
    }
    LocalityLoad& locality = by_locality[entry.locality];
    if (locality.stats == nullptr) {
      locality.stats = stats.add_upstream_locality_stats();
      SetLocality(hosts.localities()[entry.locality], *locality.stats->mutable_locality());
      locality.stats->set_priority(entry.priority);
    }
    AddHost(entry, taken, told == metrics.end() ? nullptr : &told->second, endpoints, locality);
  }
  for (const LocalityLoad& locality : by_locality) {
    if (locality.stats != nullptr) AddMetrics(locality.metrics, *locality.stats);
  }
}

void AddDrops(const LoadedCluster& cluster, ClusterStats& stats) {
  stats.set_total_dropped_requests(cluster.load.TakeDrops());
  const uint64_t count = cluster.load.TakeOverloadDrops();
  if (count == 0) return;
  auto& dropped = *stats.add_dropped_requests();
  // The category of now, as in Envoy; none, if no requests are dropped any more.
  const upstream::DropOverload* drop = cluster.hosts.drop_overload().get();
  if (drop != nullptr) dropped.set_category(drop->category);
  dropped.set_dropped_count(count);
}

void SetDuration(base::Nanos nanos, google::protobuf::Duration& duration) {
  duration.set_seconds(nanos / base::kSecond);
  duration.set_nanos(static_cast<int32_t>(nanos % base::kSecond));
}

void Forget(const LoadedCluster& cluster) {
  for (const HostEntry& entry : cluster.hosts.entries()) {
    if (entry.host->load() != nullptr) entry.host->load()->Take();
  }
  cluster.load.TakeDrops();
  cluster.load.TakeOverloadDrops();
  if (cluster.load.metrics() != nullptr) cluster.load.metrics()->Take();
}

}  // namespace

absl::Status LoadReport::Ask(const LoadStatsResponse& wanted, base::MonoTime now) {
  config::Errors errors;
  const base::Nanos interval = upstream::CompileDuration(wanted.load_reporting_interval(), errors,
                                                         config::Path("load_reporting_interval"));
  if (!errors.ok()) return errors.ToStatus();
  asked_interval_ = interval;
  all_ = wanted.send_all_clusters();
  endpoints_ = wanted.report_endpoint_granularity();
  names_.clear();
  if (!all_) {
    absl::flat_hash_set<absl::string_view> seen;
    for (const std::string& name : wanted.clusters()) {
      if (seen.insert(name).second) names_.push_back(name);
    }
  }
  Look(now, [](const LoadedCluster&, base::MonoTime&) {});
  return absl::OkStatus();
}

void LoadReport::ForEachWanted(VisitLoaded visit) {
  if (all_) return clusters_.all(visit);
  for (const std::string& name : names_) clusters_.named(name, visit);
}

void LoadReport::Look(
    base::MonoTime now,
    absl::FunctionRef<void(const LoadedCluster&, base::MonoTime& since)> visit_known) {
  ++round_;
  looked_at_ = names_.size();
  ForEachWanted([this, now, visit_known](const LoadedCluster& cluster) {
    looked_at_ += 1 + cluster.hosts.size();
    const auto [tracked, fresh] = since_.try_emplace(cluster.config.name);
    tracked->second.round = round_;
    if (fresh) {
      tracked->second.since = now;
      return Forget(cluster);
    }
    visit_known(cluster, tracked->second.since);
  });
  absl::erase_if(since_, [this](const auto& each) { return each.second.round != round_; });
}

void LoadReport::Fill(base::MonoTime now, LoadStatsRequest& report) {
  Look(now, [this, now, &report](const LoadedCluster& cluster, base::MonoTime& since) {
    ClusterStats& stats = *report.add_cluster_stats();
    stats.set_cluster_name(cluster.config.name);
    const upstream::EdsSettings* eds = cluster.config.eds.get();
    if (eds != nullptr && eds->service_name != cluster.config.name) {
      stats.set_cluster_service_name(eds->service_name);
    }
    AddLocalities(cluster, endpoints_, stats);
    AddDrops(cluster, stats);
    SetDuration(now - since, *stats.mutable_load_report_interval());
    since = now;
  });
}

base::Nanos LoadReport::interval() const {
  const base::Nanos least =
      std::max(kMinInterval, static_cast<base::Nanos>(looked_at_) * kIntervalPerHost);
  return std::max(std::min(asked_interval_, kMaxInterval), least);
}

}  // namespace proxenos::server
