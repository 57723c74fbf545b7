// From locators to the names of collections.
#include "source/server/collections.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "source/config/errors.h"
#include "source/xds/node_context.h"
#include "source/xds/stream_config.h"
#include "source/xds/type_url.h"
#include "source/xds/xdstp_name.h"

namespace proxenos::server {
namespace {

using Bootstrap = envoy::config::bootstrap::v3::Bootstrap;
using ConfigSource = envoy::config::core::v3::ConfigSource;
using Context = std::map<std::string, std::string>;

// A state of the world would have to be everything that there is of the collection.
bool SpeaksDelta(const Bootstrap& bootstrap, const ConfigSource& config) {
  if (config.has_ads() || config.has_self()) {
    return xds::IsDelta(bootstrap.dynamic_resources().ads_config());
  }
  return config.has_api_config_source() && xds::IsDelta(config.api_config_source());
}

absl::StatusOr<std::string> NameOf(const std::string& locator, absl::string_view type_url,
                                   const Context& node) {
  if (!xds::IsXdstpName(locator)) {
    return absl::InvalidArgumentError(
        absl::StrCat("value ", locator.substr(0, 200),
                     ": expected xdstp://AUTHORITY/TYPE/ID/*; write resources of files with "
                     "path_config_source"));
  }
  absl::StatusOr<xds::XdstpName> name = xds::ParseXdstpName(locator);
  if (!name.ok()) return name.status();
  const absl::string_view type = absl::StripPrefix(type_url, "type.googleapis.com/");
  if (name->type != type) {
    return absl::InvalidArgumentError(
        absl::StrCat("value ", name->type.substr(0, 200), ": expected resources of ", type));
  }
  if (!name->glob()) {
    return absl::InvalidArgumentError(absl::StrCat(
        locator.substr(0, 200), ": list collections are not implemented: expected an ID/*"));
  }
  name->context.insert(node.begin(), node.end());  // What the locator says comes first.
  std::string whole = name->ToString();
  // What the node adds may be too much.
  const absl::StatusOr<xds::XdstpName> parsed = xds::ParseXdstpName(whole);
  if (!parsed.ok()) return parsed.status();
  return whole;
}

}  // namespace

absl::StatusOr<std::string> Collections::Resolve(const std::string& locator,
                                                 absl::string_view type_url,
                                                 const ConfigSource& source) const {
  config::Errors errors;
  if (!SpeaksDelta(bootstrap_, source)) {
    errors.Add(config::Path(),
               "collections need a config source with the delta protocol: DELTA_GRPC, there or in "
               "ads_config");
  }
  absl::StatusOr<std::string> name = NameOf(locator, type_url, node_);
  if (!name.ok()) errors.AddLines(config::Path(), name.status());
  if (!errors.ok()) return errors.ToStatus();
  return name;
}

absl::Status Collections::Prepare() {
  const auto& dynamic = bootstrap_.dynamic_resources();
  config::Errors errors;
  node_ = xds::NodeContext(bootstrap_.node(), bootstrap_.node_context_params(),
                           config::Path("node_context_params"), errors);
  const auto prepare = [&](const std::string& locator, const char* field, const char* source_field,
                           const ConfigSource& source, const char* type, std::string& to) {
    if (locator.empty()) return;
    const config::Path at = config::Path("dynamic_resources").Field(field);
    if (!SpeaksDelta(bootstrap_, source)) {
      errors.Add(at, absl::StrCat("collections need ", source_field,
                                  " with the delta protocol: DELTA_GRPC, there or in ads_config"));
    }
    absl::StatusOr<std::string> name = NameOf(locator, type, node_);
    if (name.ok()) {
      to = *std::move(name);
    } else {
      errors.AddLines(at, name.status());
    }
  };
  prepare(dynamic.cds_resources_locator(), "cds_resources_locator", "cds_config",
          dynamic.cds_config(), xds::kClusterType, clusters_);
  prepare(dynamic.lds_resources_locator(), "lds_resources_locator", "lds_config",
          dynamic.lds_config(), xds::kListenerType, listeners_);
  return errors.ToStatus();
}

}  // namespace proxenos::server
