// CSDS: what xDS sent and what became of it: as gRPC methods, and FetchClientStatus as JSON over
// HTTP at /v3/discovery:client_status.
#include <string>
#include <string_view>

#include "envoy/service/status/v3/csds.pb.h"
#include "source/admin/config_types.h"
#include "source/admin/node_choice.h"
#include "source/admin/pages.h"
#include "source/admin/version_proto.h"
#include "source/config/json_output.h"
#include "source/config/text.h"

namespace proxenos::admin {
namespace {

using envoy::service::status::v3::ClientConfig;
using envoy::service::status::v3::ClientStatusRequest;
using envoy::service::status::v3::ClientStatusResponse;

constexpr ConfigKind kKinds[] = {
    ConfigKind::kCluster,     ConfigKind::kEndpoint, ConfigKind::kListener,  ConfigKind::kRoute,
    ConfigKind::kVirtualHost, ConfigKind::kSecret,   ConfigKind::kExtension, ConfigKind::kRuntime};

class StatusWriter {
 public:
  StatusWriter(ClientConfig& config, bool contents) : config_(config), contents_(contents) {}

  void Add(const ConfigView& view, absl::string_view type_url) {
    ClientConfig::GenericXdsConfig& entry = *config_.add_generic_xds_configs();
    entry.set_type_url(std::string(type_url));
    entry.set_name(std::string(view.name));
    entry.set_is_static_resource(view.is_static);
    const auto& version = view.active ? view.active : view.warming;
    entry.set_client_status(version ? envoy::admin::v3::ACKED : envoy::admin::v3::REQUESTED);
    if (version) {
      VersionToProto(*version, type_url, entry, *entry.mutable_xds_config());
      if (!contents_) entry.clear_xds_config();
    }
    if (!view.refused) return;
    RefusalToProto(*view.refused, type_url, entry);
    if (!contents_) entry.mutable_error_state()->clear_failed_configuration();
  }

 private:
  ClientConfig& config_;
  const bool contents_;
};

// This process is the one client that there is; none where the question is about others. What is
// wrong with the question is in `errors`.
ClientStatusResponse StatusOf(AdminSource& source, const ClientStatusRequest& asked,
                              config::Errors& errors) {
  ClientStatusResponse response;
  const auto asks_for_this = AsksFor(asked, source.bootstrap.node(), errors);
  if (!asks_for_this.value_or(false)) return response;
  ClientConfig& config = *response.add_config();
  *config.mutable_node() = source.bootstrap.node();
  StatusWriter writer(config, !asked.exclude_resource_contents());
  for (const ConfigKind kind : kKinds) {
    source.for_each_config(kind,
                           [&](const ConfigView& view) { writer.Add(view, TypeUrlOf(kind)); });
  }
  if (source.for_each_scope_set != nullptr) {
    source.for_each_scope_set([&](const ScopeSetView& set) {
      for (const ConfigView& view : set.scopes) {
        if (!set.is_static) writer.Add(view, kScopeTypeUrl);
      }
    });
  }
  return response;
}

}  // namespace

Response ClientStatusPage(AdminSource& source, const Request& request) {
  ClientStatusRequest asked;
  config::Errors errors;
  if (!request.body.empty()) config::ParseJson(request.body, asked, errors);
  ClientStatusResponse response;
  if (errors.ok()) response = StatusOf(source, asked, errors);
  if (!errors.ok()) return Response::Error(400, std::string(errors.ToStatus().message()));
  return Response::Json(config::ToJson(response));
}

GrpcAnswer ClientStatusCall(AdminSource& source, const std::string& message) {
  ClientStatusRequest asked;
  if (!asked.ParseFromString(message)) {
    return {rpc::Status::kInvalidArgument, "the message is no ClientStatusRequest", ""};
  }
  config::Errors errors;
  ClientStatusResponse response = StatusOf(source, asked, errors);
  if (!errors.ok()) {
    return {rpc::Status::kInvalidArgument, std::string(errors.ToStatus().message()), ""};
  }
  config::Redact(response);  // As on the pages, which JSON is made for.
  return {rpc::Status::kOk, "", response.SerializeAsString()};
}

}  // namespace proxenos::admin
