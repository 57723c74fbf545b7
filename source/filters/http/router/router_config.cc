// Compiles the router's configuration.
#include "source/filters/http/router/router_config.h"

#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/router/router.h"

namespace proxenos::filters::router {
namespace {

class RouterFactory final : public filter::FilterFactory {
 public:
  explicit RouterFactory(RouterConfig config) : config_(config) {}

  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Router>(config_, stream,
                                    static_cast<RouterPart*>(stream.worker_part(*this)));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<RouterPart>(registry, stat_prefix);
  }

 private:
  const RouterConfig config_;
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateRouter(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors) {
  envoy::extensions::filters::http::router::v3::Router proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouterConfig compiled;
  compiled.suppress_envoy_headers = proto.suppress_envoy_headers();
  compiled.start_child_span = proto.start_child_span();
  return std::make_unique<RouterFactory>(compiled);
}

}  // namespace proxenos::filters::router
