// From the server's views to the messages of a dump.
#include "source/admin/config_dump.h"

#include <utility>

#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/admin/endpoints_dump.h"
#include "source/admin/version_proto.h"

namespace proxenos::admin {
namespace {

using google::protobuf::Message;

constexpr char kCluster[] = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
constexpr char kListener[] = "type.googleapis.com/envoy.config.listener.v3.Listener";
constexpr char kSecret[] = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
constexpr char kRoute[] = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

bool Accepted(const ConfigDumpOptions& options, absl::string_view name) {
  return options.accepts == nullptr || options.accepts(name);
}

std::unique_ptr<Message> DumpBootstrap(AdminSource& source) {
  auto dump = std::make_unique<envoy::admin::v3::BootstrapConfigDump>();
  *dump->mutable_bootstrap() = source.bootstrap;
  TimeToProto(source.bootstrap_time, *dump->mutable_last_updated());
  return dump;
}

void AddDynamicCluster(const ConfigView& view, envoy::admin::v3::ClustersConfigDump& dump) {
  if (view.active) {
    auto& active = *dump.add_dynamic_active_clusters();
    VersionToProto(*view.active, kCluster, active, *active.mutable_cluster());
    if (view.refused) RefusalToProto(*view.refused, kCluster, active);
  }
  // What was refused and has no version in force is shown as one that is not there yet.
  if (!view.warming && (view.active || !view.refused)) return;
  auto& warming = *dump.add_dynamic_warming_clusters();
  if (view.warming) {
    VersionToProto(*view.warming, kCluster, warming, *warming.mutable_cluster());
  }
  if (view.refused && !view.active) RefusalToProto(*view.refused, kCluster, warming);
}

std::unique_ptr<Message> DumpClusters(AdminSource& source, const ConfigDumpOptions& options) {
  auto dump = std::make_unique<envoy::admin::v3::ClustersConfigDump>();
  dump->set_version_info(source.config_version(ConfigKind::kCluster));
  source.for_each_config(ConfigKind::kCluster, [&](const ConfigView& view) {
    if (!Accepted(options, view.name)) return;
    if (!view.is_static) return AddDynamicCluster(view, *dump);
    // A static cluster that still waits for its addresses is configured all the same.
    const auto& version = view.active ? view.active : view.warming;
    if (!version) return;
    auto& proto = *dump->add_static_clusters();
    BytesToProto(*version, kCluster, *proto.mutable_cluster());
    TimeToProto(version->last_updated, *proto.mutable_last_updated());
  });
  return dump;
}

void AddDynamicListener(const ConfigView& view, envoy::admin::v3::ListenersConfigDump& dump) {
  auto& proto = *dump.add_dynamic_listeners();
  proto.set_name(std::string(view.name));
  const auto fill = [](const VersionView& version, auto& state) {
    VersionToProto(version, kListener, state, *state.mutable_listener());
  };
  if (view.active) fill(*view.active, *proto.mutable_active_state());
  if (view.warming) fill(*view.warming, *proto.mutable_warming_state());
  if (view.draining) fill(*view.draining, *proto.mutable_draining_state());
  if (view.refused) RefusalToProto(*view.refused, kListener, proto);
}

std::unique_ptr<Message> DumpListeners(AdminSource& source, const ConfigDumpOptions& options) {
  auto dump = std::make_unique<envoy::admin::v3::ListenersConfigDump>();
  dump->set_version_info(source.config_version(ConfigKind::kListener));
  source.for_each_config(ConfigKind::kListener, [&](const ConfigView& view) {
    if (!Accepted(options, view.name)) return;
    if (!view.is_static) return AddDynamicListener(view, *dump);
    const auto& version = view.active ? view.active : view.warming;
    if (!version) return;
    auto& proto = *dump->add_static_listeners();
    BytesToProto(*version, kListener, *proto.mutable_listener());
    TimeToProto(version->last_updated, *proto.mutable_last_updated());
  });
  return dump;
}

// Routes written inside a listener come without a name of their own.
std::string NameOfRoutes(const ConfigView& view) {
  if (!view.name.empty() || !view.active) return std::string(view.name);
  envoy::config::route::v3::RouteConfiguration routes;
  if (!routes.ParseFromArray(view.active->bytes.data(),
                             static_cast<int>(view.active->bytes.size()))) {
    return "";
  }
  return routes.name();
}

std::unique_ptr<Message> DumpRoutes(AdminSource& source, const ConfigDumpOptions& options) {
  auto dump = std::make_unique<envoy::admin::v3::RoutesConfigDump>();
  source.for_each_config(ConfigKind::kRoute, [&](const ConfigView& view) {
    if (options.accepts != nullptr && !options.accepts(NameOfRoutes(view))) return;
    if (view.is_static) {
      if (!view.active) return;
      auto& proto = *dump->add_static_route_configs();
      BytesToProto(*view.active, kRoute, *proto.mutable_route_config());
      TimeToProto(view.active->last_updated, *proto.mutable_last_updated());
      return;
    }
    auto& proto = *dump->add_dynamic_route_configs();
    // The message has no place for a table that waits: shown where nothing is in force yet.
    const auto& version = view.active ? view.active : view.warming;
    if (version) VersionToProto(*version, kRoute, proto, *proto.mutable_route_config());
    if (view.refused) RefusalToProto(*view.refused, kRoute, proto);
  });
  return dump;
}

void AddDynamicSecret(const ConfigView& view, envoy::admin::v3::SecretsConfigDump& dump) {
  auto& proto = view.active ? *dump.add_dynamic_active_secrets()
                            : *dump.add_dynamic_warming_secrets();  // Asked for, not there yet.
  proto.set_name(std::string(view.name));
  if (view.active) VersionToProto(*view.active, kSecret, proto, *proto.mutable_secret());
  if (view.refused) RefusalToProto(*view.refused, kSecret, proto);
}

// Keys are in there: whoever prints the dump redacts it (config::ToJson).
std::unique_ptr<Message> DumpSecrets(AdminSource& source, const ConfigDumpOptions& options) {
  auto dump = std::make_unique<envoy::admin::v3::SecretsConfigDump>();
  source.for_each_config(ConfigKind::kSecret, [&](const ConfigView& view) {
    if (!Accepted(options, view.name)) return;
    if (!view.is_static) return AddDynamicSecret(view, *dump);
    if (!view.active) return;
    auto& proto = *dump->add_static_secrets();
    proto.set_name(std::string(view.name));
    BytesToProto(*view.active, kSecret, *proto.mutable_secret());
    TimeToProto(view.active->last_updated, *proto.mutable_last_updated());
  });
  return dump;
}

}  // namespace

std::vector<std::unique_ptr<Message>> DumpConfig(AdminSource& source,
                                                 const ConfigDumpOptions& options) {
  std::vector<std::unique_ptr<Message>> dumps;
  dumps.push_back(DumpBootstrap(source));
  dumps.push_back(DumpClusters(source, options));
  if (options.include_endpoints) dumps.push_back(DumpEndpoints(source, options));
  dumps.push_back(DumpListeners(source, options));
  dumps.push_back(std::make_unique<envoy::admin::v3::ScopedRoutesConfigDump>());
  dumps.push_back(DumpRoutes(source, options));
  dumps.push_back(DumpSecrets(source, options));
  return dumps;
}

}  // namespace proxenos::admin
