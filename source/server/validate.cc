// The stores that serve judge the resources here too; what stands around them is judged part by
// part.
#include "source/server/validate.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/admin/admin_config.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/server/builtin_filters.h"
#include "source/server/compilers.h"
#include "source/server/config_sources.h"
#include "source/server/config_store.h"
#include "source/server/overload_config.h"
#include "source/server/report_services.h"
#include "source/server/static_resources.h"
#include "source/server/stats_config.h"
#include "source/stat_sinks/sink_config.h"
#include "source/stats/registry.h"
#include "source/tracing/tracing_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::server {
namespace {

using Bootstrap = envoy::config::bootstrap::v3::Bootstrap;

absl::Status Joined(const std::vector<absl::Status>& all) {
  std::string text;
  for (const absl::Status& each : all) {
    if (!each.ok()) absl::StrAppend(&text, text.empty() ? "" : "\n", each.message());
  }
  return text.empty() ? absl::OkStatus() : absl::InvalidArgumentError(text);
}

// A store that tells nobody.
ConfigStoreHooks Unheard(ConfigSources& sources) {
  ConfigStoreHooks hooks;
  hooks.publish = [](Batch) {};
  hooks.want = [](const WantedNames::Change&) {};
  hooks.make_dns = [](std::shared_ptr<const upstream::ClusterConfig>,
                      upstream::DnsCluster::OnAssignment) {
    return std::unique_ptr<upstream::DnsCluster>();
  };
  hooks.check_source = [&sources](const std::string& type, const SourceKey& source,
                                  absl::string_view name) {
    return sources.Check(type, source, name);
  };
  hooks.find_collection = [&sources](const std::string& type, const SourceKey& source,
                                     const std::string& locator) {
    return sources.CollectionOf(type, source, locator);
  };
  return hooks;
}

absl::Status CheckLocalCluster(const Bootstrap& bootstrap, const ConfigStore& store) {
  const std::string& local = bootstrap.cluster_manager().local_cluster_name();
  if (local.empty() || store.clusters().Has(local)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cluster_manager.local_cluster_name: value ",
                                                 local,
                                                 ": expected a cluster of static_resources"));
}

// As Envoy has it, though nothing here is forgotten at that interval.
void CheckEviction(const Bootstrap& bootstrap, config::Errors& errors) {
  if (!bootstrap.has_stats_eviction_interval()) return;
  const config::Path at("stats_eviction_interval");
  base::Nanos flush = 5 * base::kSecond;
  if (bootstrap.has_stats_flush_interval()) {
    flush = upstream::CompileDuration(bootstrap.stats_flush_interval(), errors,
                                      config::Path("stats_flush_interval"));
  }
  const base::Nanos evict =
      upstream::CompileDuration(bootstrap.stats_eviction_interval(), errors, at);
  if (flush > 0 && evict % flush != 0) {
    errors.Add(at, "must be a multiple of stats_flush_interval (5s by default)");
  }
}

// What the store does not see.
absl::Status CheckSurroundings(const Bootstrap& bootstrap) {
  config::Errors errors;
  admin::CompileAdmin(bootstrap.admin(), nullptr, config::Path("admin"), errors);
  CompileOverload(bootstrap.overload_manager(), errors, config::Path("overload_manager"));
  stat_sinks::CompileSinks(bootstrap, errors);
  CheckEviction(bootstrap, errors);
  CompileStatView(bootstrap.stats_config(), errors, config::Path("stats_config"));
  return errors.ToStatus();
}

}  // namespace

absl::Status Validate(const LoadedBootstrap& loaded) {
  const Bootstrap& bootstrap = loaded.proto;
  base::RealClock clock;
  event::EventLoop loop(clock);
  stats::Registry registry;
  config::Errors errors;
  downstream::ListenerCompiler compiler{BuiltinFilters(), nullptr, BuiltinListenerFilters(),
                                        BuiltinNetworkFilters()};
  compiler.tracer = tracing::CompileBootstrapTracer(bootstrap, errors);
  config::IgnoredFields ignored;
  ConfigSources sources(
      loop, bootstrap,
      [](const SourceKey&, const xds::TypeUpdate&) { return std::vector<xds::ResourceError>(); },
      [](const std::string&, const SourceKey&) {});
  std::vector<absl::Status> found = {sources.Prepare()};
  ConfigStore store(loop, registry, MakeCompilers(compiler, ignored), Unheard(sources));
  store.runtime().Begin(bootstrap, errors);
  found.push_back(errors.ToStatus());
  found.push_back(AddStaticSecrets(bootstrap, store));
  found.push_back(AddStaticClusters(bootstrap, store));
  if (sources.has_cds()) {
    // Their routes may name clusters that only the control plane knows.
    Compilers compilers = MakeCompilers(compiler, ignored);
    found.push_back(CompileStaticListeners(bootstrap, compilers));
  } else {
    found.push_back(AddStaticListeners(bootstrap, store));
  }
  found.push_back(CheckLocalCluster(bootstrap, store));
  found.push_back(ReportServices::Check(bootstrap, sources));
  found.push_back(CheckSurroundings(bootstrap));
  return Joined(found);
}

}  // namespace proxenos::server
