// File, overlay, command line: then the checks.
#include "source/server/bootstrap.h"

#include <utility>

#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "source/config/constraints.h"
#include "source/config/text.h"
#include "source/config/typed_config.h"

namespace proxenos::server {

void CheckMessage(const google::protobuf::Message& message, const config::Path& root,
                  config::Errors& errors, config::IgnoredFields& ignored) {
  config::CheckConstraints(message, errors, root);
  config::CheckFields(message, errors, ignored, root);
}

uint64_t MaxConnections(const envoy::config::bootstrap::v3::Bootstrap& bootstrap) {
  for (const auto& monitor : bootstrap.overload_manager().resource_monitors()) {
    envoy::extensions::resource_monitors::downstream_connections::v3::DownstreamConnectionsConfig
        config;
    if (config::TypedConfigType(monitor.typed_config()) != config.GetTypeName()) continue;
    config::Errors errors;
    if (config::UnpackTypedConfigTo(monitor.typed_config(), config, config::Path(), errors)) {
      return static_cast<uint64_t>(config.max_active_downstream_connections());
    }
  }
  return UINT64_MAX;
}

absl::StatusOr<LoadedBootstrap> LoadBootstrap(const Options& options) {
  LoadedBootstrap loaded;
  if (!options.config_path.empty()) {
    const absl::Status status = config::LoadFile(options.config_path, loaded.proto);
    if (!status.ok()) return status;
  }
  if (!options.config_yaml.empty()) {
    const absl::Status status = config::MergeYaml(loaded.proto, options.config_yaml);
    if (!status.ok()) return status;
  }
  auto& node = *loaded.proto.mutable_node();
  if (node.id().empty()) node.set_id(options.service_node);
  if (node.cluster().empty()) node.set_cluster(options.service_cluster);
  if (node.locality().zone().empty() && !options.service_zone.empty()) {
    node.mutable_locality()->set_zone(options.service_zone);
  }
  node.set_user_agent_name("proxenos");
  node.mutable_user_agent_build_version()->mutable_version()->set_minor_number(1);
  config::Errors errors;
  CheckMessage(loaded.proto, config::Path(), errors, loaded.ignored);
  if (!errors.ok()) {
    return errors.ToStatus(options.config_path.empty() ? "--config-yaml" : options.config_path);
  }
  return loaded;
}

}  // namespace proxenos::server
