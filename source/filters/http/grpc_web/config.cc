// gRPC-Web has nothing to configure.
#include "source/filters/http/grpc_web/config.h"

#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/grpc_web/filter.h"

namespace proxenos::filters::grpc_web {
namespace {

class Factory final : public filter::FilterFactory {
 public:
  Factory() { request_body = response_body = filter::BodyMode::kStream; }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<GrpcWeb>(stream);
  }
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateGrpcWeb(const google::protobuf::Any& config,
                                                     const config::Path& path,
                                                     config::Errors& errors) {
  envoy::extensions::filters::http::grpc_web::v3::GrpcWeb proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>();
}

}  // namespace proxenos::filters::grpc_web
