// One loop for each kind.
#include "source/server/static_resources.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/config/errors.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

using Bootstrap = envoy::config::bootstrap::v3::Bootstrap;
using Refused = std::vector<xds::ResourceError>;

absl::Status ToStatus(const Refused& refused, absl::string_view what) {
  if (refused.empty()) return absl::OkStatus();
  std::string text;
  for (const xds::ResourceError& error : refused) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", what, " '", error.name, "': ", error.reason);
  }
  return absl::InvalidArgumentError(text);
}

template <typename Resources>
absl::Status AddAll(const Resources& resources, const std::string& type, absl::string_view what,
                    ConfigStore& store) {
  Refused refused;
  for (const auto& resource : resources) {
    for (xds::ResourceError& error : store.AddStatic(type, resource.SerializeAsString())) {
      refused.push_back(std::move(error));
    }
  }
  return ToStatus(refused, what);
}

}  // namespace

absl::Status AddStaticSecrets(const Bootstrap& bootstrap, ConfigStore& store) {
  return AddAll(bootstrap.static_resources().secrets(), xds::kSecretType, "static secret", store);
}

absl::Status AddStaticClusters(const Bootstrap& bootstrap, ConfigStore& store) {
  return AddAll(bootstrap.static_resources().clusters(), xds::kClusterType, "static cluster",
                store);
}

absl::Status AddStaticListeners(const Bootstrap& bootstrap, ConfigStore& store) {
  return AddAll(bootstrap.static_resources().listeners(), xds::kListenerType, "static listener",
                store);
}

absl::Status CompileStaticListeners(const Bootstrap& bootstrap, Compilers& compilers) {
  Refused refused;
  for (const auto& listener : bootstrap.static_resources().listeners()) {
    config::Errors errors;
    compilers.listener(listener.SerializeAsString(), Origin::kBootstrap, errors);
    if (!errors.ok()) {
      refused.push_back({listener.name(), std::string(errors.ToStatus().message())});
    }
  }
  return ToStatus(refused, "static listener");
}

}  // namespace proxenos::server
