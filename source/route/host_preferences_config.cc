// Reading of the extensions that choose hosts for retries.
#include "source/route/host_preferences_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts.pb.h"
#include "envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config.pb.h"
#include "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h"
#include "envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.pb.h"
#include "source/config/typed_config.h"
#include "source/json/flat_struct_config.h"
#include "source/route/metadata_match.h"

namespace proxenos::route {
namespace {

namespace host = envoy::extensions::retry::host;
namespace priority = envoy::extensions::retry::priority;
using RetryProto = envoy::config::route::v3::RetryPolicy;

constexpr int64_t kMaxAttempts = 1000;  // Each is a pick on the request's path.

// Without a typed_config the name says it, as it always did.
bool Is(const std::string& type, const std::string& name, absl::string_view full_type,
        absl::string_view full_name) {
  return type == full_type || (type.empty() && name == full_name);
}

void SetMetadata(const RetryProto::RetryHostPredicate& predicate, config::Errors& errors,
                 const config::Path& path, HostPreferences& to) {
  host::omit_host_metadata::v3::OmitHostMetadataConfig proto;
  const config::Path at = path.Field("typed_config");
  if (!config::UnpackTypedConfigTo(predicate.typed_config(), proto, at, errors)) return;
  const auto& all = proto.metadata_match().filter_metadata();
  const auto found = all.find("envoy.lb");
  if (found == all.end()) return;
  to.avoided_metadata = MergeFields(to.avoided_metadata, json::FlattenStruct(found->second));
}

void SetPredicate(const RetryProto::RetryHostPredicate& predicate, config::Errors& errors,
                  const config::Path& path, HostPreferences& to) {
  const std::string type = config::TypedConfigType(predicate.typed_config());
  const std::string& name = predicate.name();
  if (Is(type, name, "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
         "envoy.retry_host_predicates.previous_hosts")) {
    to.avoid_previous_hosts = true;
  } else if (Is(type, name,
                "envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig",
                "envoy.retry_host_predicates.omit_host_metadata")) {
    SetMetadata(predicate, errors, path, to);
  } else if (Is(type, name,
                "envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate",
                "envoy.retry_host_predicates.omit_canary_hosts")) {
    google::protobuf::Value yes;
    yes.set_bool_value(true);
    to.avoided_metadata =
        MergeFields(to.avoided_metadata, {{"canary", json::SerializedValue(yes)}});
  } else {
    errors.AddValue(path, type.empty() ? name : type,
                    "previous_hosts, omit_host_metadata or omit_canary_hosts");
  }
}

void SetPriority(const RetryProto::RetryPriority& proto, config::Errors& errors,
                 const config::Path& path, HostPreferences& to) {
  priority::previous_priorities::v3::PreviousPrioritiesConfig config;
  if (!config::UnpackTypedConfigTo(proto.typed_config(), config, path.Field("typed_config"),
                                   errors)) {
    return;
  }
  to.previous_priorities_update = static_cast<uint32_t>(std::max(config.update_frequency(), 1));
}

}  // namespace

HostPreferences CompileHostPreferences(const RetryProto& proto, config::Errors& errors,
                                       const config::Path& path) {
  HostPreferences to;
  for (int i = 0; i < proto.retry_host_predicate_size(); ++i) {
    SetPredicate(proto.retry_host_predicate(i), errors,
                 path.Field("retry_host_predicate").Index(static_cast<size_t>(i)), to);
  }
  if (proto.has_retry_priority()) {
    SetPriority(proto.retry_priority(), errors, path.Field("retry_priority"), to);
  }
  const int64_t attempts = proto.host_selection_retry_max_attempts();
  to.attempts = static_cast<uint32_t>(std::clamp<int64_t>(attempts, 0, kMaxAttempts)) + 1;
  return to;
}

}  // namespace proxenos::route
