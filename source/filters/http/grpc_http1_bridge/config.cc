// Compiles the bridge's configuration.
#include "source/filters/http/grpc_http1_bridge/config.h"

#include "envoy/extensions/filters/http/grpc_http1_bridge/v3/config.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/grpc_http1_bridge/filter.h"

namespace proxenos::filters::grpc_http1_bridge {
namespace {

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(const BridgeConfig& config) : config_(config) {
    request_body = response_body = filter::BodyMode::kNone;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<GrpcHttp1Bridge>(config_, stream);
  }

 private:
  const BridgeConfig config_;
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateGrpcHttp1Bridge(const google::protobuf::Any& config,
                                                             const config::Path& path,
                                                             config::Errors& errors) {
  envoy::extensions::filters::http::grpc_http1_bridge::v3::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  BridgeConfig compiled;
  compiled.upgrade_protobuf_to_grpc = proto.upgrade_protobuf_to_grpc();
  compiled.ignore_query_parameters = proto.ignore_query_parameters();
  return std::make_unique<Factory>(compiled);
}

}  // namespace proxenos::filters::grpc_http1_bridge
