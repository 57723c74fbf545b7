// Its fields.
#include "source/filters/network/ext_authz/ext_authz_config.h"

#include <utility>

#include "envoy/extensions/filters/network/ext_authz/v3/ext_authz.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/ext_authz/ext_authz.h"
#include "source/match/value_matcher_config.h"
#include "source/rpc/service_config.h"

namespace proxenos::filters::network_ext_authz {
namespace {

constexpr char kMethod[] = "/envoy.service.auth.v3.Authorization/Check";
constexpr base::Nanos kDefaultTimeout = 200 * base::kMillisecond;

}  // namespace

std::unique_ptr<filter::NetworkFilterFactory> CreateExtAuthz(const google::protobuf::Any& config,
                                                             const config::Path& path,
                                                             config::Errors& errors) {
  envoy::extensions::filters::network::ext_authz::v3::ExtAuthz proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  if (!proto.has_grpc_service()) errors.Add(path.Field("grpc_service"), "expected a service");
  Settings settings;
  settings.stat_prefix = proto.stat_prefix();
  settings.service = rpc::CompileGrpcService(proto.grpc_service(), kMethod, kDefaultTimeout,
                                             path.Field("grpc_service"), errors);
  settings.failure_mode_allow = proto.failure_mode_allow();
  settings.include_peer_certificate = proto.include_peer_certificate();
  settings.include_tls_session = proto.include_tls_session();
  settings.labels_key = proto.bootstrap_metadata_labels_key();
  settings.metadata_namespaces.assign(proto.metadata_context_namespaces().begin(),
                                      proto.metadata_context_namespaces().end());
  if (proto.has_filter_enabled_metadata()) {
    settings.enabled = match::CompileMetadataMatcher(proto.filter_enabled_metadata(), errors,
                                                     path.Field("filter_enabled_metadata"));
  }
  if (errors.count() != before) return nullptr;
  return std::make_unique<ExtAuthz>(std::move(settings));
}

}  // namespace proxenos::filters::network_ext_authz
