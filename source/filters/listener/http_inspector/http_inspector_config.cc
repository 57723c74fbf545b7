// There are no settings.
#include "source/filters/listener/http_inspector/http_inspector_config.h"

#include "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/listener/http_inspector/http_inspector.h"

namespace proxenos::filters::http_inspector {
namespace {

class Factory final : public filter::ListenerFilterFactory {
 public:
  std::unique_ptr<filter::ListenerFilter> Create(stats::Registry& registry) const override {
    return std::make_unique<HttpInspector>(registry);
  }
};

}  // namespace

std::unique_ptr<filter::ListenerFilterFactory> CreateHttpInspector(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::listener::http_inspector::v3::HttpInspector proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>();
}

}  // namespace proxenos::filters::http_inspector
