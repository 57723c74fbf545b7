// From the bootstrap's ApiConfigSources to services.
#include "source/server/report_services.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "source/base/log.h"
#include "source/xds/stream_config.h"

namespace proxenos::server {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::core::v3::ApiConfigSource;

// Of what a service sends. Lists of names are short.
constexpr uint32_t kMaxMessageBytes = 16u << 20;

std::vector<xds::GrpcTarget> CompileTargets(const ApiConfigSource& source,
                                            const ConfigSources& sources, const config::Path& path,
                                            config::Errors& errors) {
  std::vector<xds::GrpcTarget> targets =
      xds::CompileStream(
          source, nullptr,
          [&sources](const std::string& name) { return sources.AddressesOf(name); }, path, errors)
          .targets;
  for (xds::GrpcTarget& target : targets) {
    target.max_message_bytes = std::min(target.max_message_bytes, kMaxMessageBytes);
  }
  return targets;
}

std::vector<xds::GrpcTarget> LoadTargets(const Bootstrap& bootstrap, const ConfigSources& sources,
                                         config::Errors& errors) {
  return CompileTargets(bootstrap.cluster_manager().load_stats_config(), sources,
                        config::Path("cluster_manager").Field("load_stats_config"), errors);
}

std::vector<xds::GrpcTarget> HealthTargets(const Bootstrap& bootstrap, const ConfigSources& sources,
                                           config::Errors& errors) {
  return CompileTargets(bootstrap.hds_config(), sources, config::Path("hds_config"), errors);
}

LoadedClusters ClustersOf(const ClusterStore& store) {
  const auto pass = [](const ClusterView& each, VisitLoaded visit) {
    if (each.load != nullptr) visit({each.config, each.hosts, *each.load});
  };
  LoadedClusters clusters;
  clusters.all = [&store, pass](VisitLoaded visit) {
    store.ForEachActive([visit, pass](const ClusterView& each) { pass(each, visit); });
  };
  clusters.named = [&store, pass](absl::string_view name, VisitLoaded visit) {
    store.VisitActive(name, [visit, pass](const ClusterView& each) { pass(each, visit); });
  };
  return clusters;
}

}  // namespace

bool ReportsLoad(const Bootstrap& bootstrap) {
  return bootstrap.cluster_manager().load_stats_config().grpc_services_size() > 0;
}

absl::Status ReportServices::Check(const Bootstrap& bootstrap, const ConfigSources& sources) {
  config::Errors errors;
  if (ReportsLoad(bootstrap)) LoadTargets(bootstrap, sources, errors);
  if (bootstrap.has_hds_config()) HealthTargets(bootstrap, sources, errors);
  return errors.ToStatus();
}

ReportServices::ReportServices(const Bootstrap& bootstrap, const Surroundings& surroundings) {
  config::Errors errors;  // None: Check has told.
  const auto options = [&surroundings](std::vector<xds::GrpcTarget> targets) {
    xds::ServiceStreamOptions result;
    result.targets = std::move(targets);
    result.find_cluster = [&clusters = surroundings.main_clusters](const std::string& name) {
      return clusters.Find(name);
    };
    return result;
  };
  if (ReportsLoad(bootstrap)) {
    load_ = std::make_unique<LoadReporter>(
        surroundings.health.loop, surroundings.health.registry, bootstrap.node(),
        options(LoadTargets(bootstrap, surroundings.sources, errors)),
        ClustersOf(surroundings.clusters));
    load_->Start();
  } else if (bootstrap.cluster_manager().has_load_stats_config()) {
    PX_LOG(kConfig, kWarn, "cluster_manager.load_stats_config has no grpc_services: load is not ",
           "reported");
  }
  if (bootstrap.has_hds_config()) {
    health_ = std::make_unique<HealthDelegate>(
        surroundings.health, bootstrap.node(),
        options(HealthTargets(bootstrap, surroundings.sources, errors)), surroundings.ignored);
    health_->Start();
  }
}

}  // namespace proxenos::server
