// By way of a service that has them as its own.
#include "source/rpc/initial_metadata_config.h"

#include "envoy/config/core/v3/grpc_service.pb.h"
#include "source/rpc/service_config.h"

namespace proxenos::rpc {

std::vector<std::pair<std::string, std::string>> CompileInitialMetadata(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValue>& list,
    const config::Path& path, config::Errors& errors) {
  envoy::config::core::v3::GrpcService service;
  service.mutable_envoy_grpc()->set_cluster_name("-");
  *service.mutable_initial_metadata() = list;
  config::Errors own;
  auto metadata = CompileGrpcService(service, "", 0, path, own).options.metadata;
  if (!own.ok()) errors.Add(path, "expected values without control characters");
  return metadata;
}

}  // namespace proxenos::rpc
