// File, overlay, command line: then the checks.
#include "source/server/bootstrap.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "source/config/constraints.h"
#include "source/config/json_output.h"
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

absl::StatusOr<std::string> LogPattern(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                       const Options& options) {
  if (!bootstrap.application_log_config().has_log_format()) return std::string();
  if (!options.log_format.empty()) {
    return absl::InvalidArgumentError(
        "application_log_config.log_format: --log-format is given too: write one of the two");
  }
  const auto& format = bootstrap.application_log_config().log_format();
  if (!format.has_json_format()) return format.text_format();
  // A line of JSON with a letter's text in it; %j is the message, escaped.
  std::string pattern =
      config::ToJson(format.json_format(), config::JsonOptions{.pretty = false, .redact = false});
  if (absl::StrContains(pattern, "%v") || absl::StrContains(pattern, "%_")) {
    return absl::InvalidArgumentError(
        "application_log_config.log_format.json_format: %v and %_ are not escaped as JSON: write "
        "%j");
  }
  return pattern;
}

namespace {

// Whether one path leads through the other.
bool Related(absl::string_view a, absl::string_view b) {
  return absl::StartsWith(a, b) || absl::StartsWith(b, a);
}

// Adds what is wrong with the values of a text that also does not parse as a whole: all errors at
// once. What only follows from a part that could not be read is left out.
void AppendUnrelated(const config::Errors& more, config::Errors& errors) {
  const std::vector<config::Error> parsing = errors.list();
  for (const config::Error& error : more.list()) {
    const bool follows = std::any_of(
        parsing.begin(), parsing.end(),
        [&error](const config::Error& first) { return Related(first.path, error.path); });
    if (!follows) errors.Add(config::Path(error.path), error.message);
  }
}

using Node = envoy::config::core::v3::Node;

// The Envoy whose configuration is taken. Control planes decide by the version in the node what
// they may send, and some refuse one that is too old, without a look at who says it.
constexpr uint32_t kEnvoyMajor = 1;
constexpr uint32_t kEnvoyMinor = 40;

// The command line's say in the node, which is the last one, and who we are.
void CompleteNode(const Options& options, Node& node) {
  if (!options.service_node.empty()) node.set_id(options.service_node);
  if (!options.service_cluster.empty()) node.set_cluster(options.service_cluster);
  if (!options.service_zone.empty()) node.mutable_locality()->set_zone(options.service_zone);
  if (node.user_agent_name().empty()) node.set_user_agent_name("proxenos");
  // What was written in the configuration stands.
  if (node.user_agent_version_type_case() != Node::USER_AGENT_VERSION_TYPE_NOT_SET) return;
  auto& build = *node.mutable_user_agent_build_version();
  build.mutable_version()->set_major_number(kEnvoyMajor);
  build.mutable_version()->set_minor_number(kEnvoyMinor);
  (*build.mutable_metadata()->mutable_fields())["proxenos.version"].set_string_value(kVersion);
}

// A control plane cannot know what to send to one that does not say who it is.
void CheckNode(const envoy::config::bootstrap::v3::Bootstrap& bootstrap, config::Errors& errors) {
  const auto& dynamic = bootstrap.dynamic_resources();
  if (!dynamic.has_ads_config() && !dynamic.cds_config().has_api_config_source() &&
      !dynamic.lds_config().has_api_config_source()) {
    return;
  }
  const config::Path node("node");
  if (bootstrap.node().id().empty()) {
    errors.Add(node.Field("id"), "a control plane asks for it: set it here or by --service-node");
  }
  if (bootstrap.node().cluster().empty()) {
    errors.Add(node.Field("cluster"),
               "a control plane asks for it: set it here or by --service-cluster");
  }
}

}  // namespace

absl::StatusOr<LoadedBootstrap> LoadBootstrap(const Options& options) {
  LoadedBootstrap loaded;
  config::Errors errors;
  if (!options.config_path.empty()) {
    config::LoadFile(options.config_path, loaded.proto, errors);
  }
  if (!options.config_yaml.empty()) {
    envoy::config::bootstrap::v3::Bootstrap overlay;
    config::ParseYaml(options.config_yaml, overlay, errors);
    loaded.proto.MergeFrom(overlay);
  }
  CompleteNode(options, *loaded.proto.mutable_node());
  for (const auto& [name, value] : options.stats_tags) {
    auto& tag = *loaded.proto.mutable_stats_config()->add_stats_tags();
    tag.set_tag_name(name);
    tag.set_fixed_value(value);
  }
  config::Errors found;
  CheckMessage(loaded.proto, config::Path(), found, loaded.ignored);
  CheckNode(loaded.proto, found);
  AppendUnrelated(found, errors);
  if (!errors.ok()) {
    return errors.ToStatus(options.config_path.empty() ? "--config-yaml" : options.config_path);
  }
  return loaded;
}

}  // namespace proxenos::server
