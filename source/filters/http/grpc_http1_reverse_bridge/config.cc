// Compiles the reverse bridge's configuration.
#include "source/filters/http/grpc_http1_reverse_bridge/config.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/extensions/filters/http/grpc_http1_reverse_bridge/v3/config.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/grpc_http1_reverse_bridge/filter.h"

namespace proxenos::filters::grpc_http1_reverse_bridge {
namespace {

namespace v3 = envoy::extensions::filters::http::grpc_http1_reverse_bridge::v3;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(ReverseBridgeConfig config) : config_(std::move(config)) {
    request_body = response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<ReverseBridge>(
        config_, filter::FindSettings<ReverseBridgeOverride>(stream, *this), stream);
  }

 private:
  const ReverseBridgeConfig config_;
};

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::FilterConfigPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const ReverseBridgeOverride>(ReverseBridgeOverride{proto.disabled()});
}

}  // namespace

const route::OverrideKind kReverseBridgeOverride{
    "envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfigPerRoute",
    CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateReverseBridge(const google::protobuf::Any& config,
                                                           const config::Path& path,
                                                           config::Errors& errors) {
  v3::FilterConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  ReverseBridgeConfig compiled;
  compiled.content_type = proto.content_type();
  compiled.withhold_grpc_frames = proto.withhold_grpc_frames();
  compiled.response_size_header = absl::AsciiStrToLower(proto.response_size_header());
  return std::make_unique<Factory>(std::move(compiled));
}

}  // namespace proxenos::filters::grpc_http1_reverse_bridge
