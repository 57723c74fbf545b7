// From the server's views to the messages of a dump.
#include "source/admin/config_dump.h"

#include <utility>

#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/admin/config_types.h"
#include "source/admin/endpoints_dump.h"
#include "source/admin/version_proto.h"

namespace proxenos::admin {
namespace {

using google::protobuf::Message;

constexpr absl::string_view kCluster = TypeUrlOf(ConfigKind::kCluster);
constexpr absl::string_view kListener = TypeUrlOf(ConfigKind::kListener);
constexpr absl::string_view kSecret = TypeUrlOf(ConfigKind::kSecret);
constexpr absl::string_view kExtension = TypeUrlOf(ConfigKind::kExtension);
constexpr absl::string_view kRoute = TypeUrlOf(ConfigKind::kRoute);

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

template <class Set>
void FillScopes(const ScopeSetView& view, Set& proto) {
  proto.set_name(std::string(view.name));
  for (const ConfigView& scope : view.scopes) {
    if (!scope.active) continue;
    BytesToProto(*scope.active, kScopeTypeUrl, *proto.add_scoped_route_configs());
    TimeToProto(scope.active->last_updated, *proto.mutable_last_updated());
  }
}

std::unique_ptr<Message> DumpScopes(AdminSource& source, const ConfigDumpOptions& options) {
  auto dump = std::make_unique<envoy::admin::v3::ScopedRoutesConfigDump>();
  if (source.for_each_scope_set == nullptr) return dump;
  source.for_each_scope_set([&](const ScopeSetView& view) {
    if (!Accepted(options, view.name)) return;
    if (view.is_static) return FillScopes(view, *dump->add_inline_scoped_route_configs());
    auto& proto = *dump->add_dynamic_scoped_route_configs();
    FillScopes(view, proto);
    for (const ConfigView& scope : view.scopes) {
      if (scope.active) proto.set_version_info(std::string(scope.active->version));
      if (scope.refused) RefusalToProto(*scope.refused, kScopeTypeUrl, proto);
    }
  });
  return dump;
}

// Null where no filter comes by discovery.
std::unique_ptr<Message> DumpExtensions(AdminSource& source, const ConfigDumpOptions& options) {
  std::unique_ptr<envoy::admin::v3::EcdsConfigDump> dump;
  source.for_each_config(ConfigKind::kExtension, [&](const ConfigView& view) {
    if (dump == nullptr) dump = std::make_unique<envoy::admin::v3::EcdsConfigDump>();
    if (!Accepted(options, view.name) || (!view.active && !view.refused)) return;
    auto& proto = *dump->add_ecds_filters();
    if (view.active) VersionToProto(*view.active, kExtension, proto, *proto.mutable_ecds_filter());
    if (view.refused) RefusalToProto(*view.refused, kExtension, proto);
  });
  return dump;
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
  if (auto extensions = DumpExtensions(source, options)) dumps.push_back(std::move(extensions));
  dumps.push_back(DumpListeners(source, options));
  dumps.push_back(DumpScopes(source, options));
  dumps.push_back(DumpRoutes(source, options));
  dumps.push_back(DumpSecrets(source, options));
  return dumps;
}

}  // namespace proxenos::admin
