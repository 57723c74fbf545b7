// Compiles the router's configuration.
#include "source/filters/http/router/router_config.h"

#include <utility>

#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/upstream_filters_config.h"
#include "source/filters/http/router/router.h"

namespace proxenos::filters::router {
namespace {

class RouterFactory final : public filter::FilterFactory {
 public:
  explicit RouterFactory(RouterConfig config) : config_(std::move(config)) {}

  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Router>(config_, stream,
                                    static_cast<RouterPart*>(stream.worker_part(*this)));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<RouterPart>(registry, stat_prefix, config_.upstream_filters.get());
  }

 private:
  const RouterConfig config_;
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateRouter(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors) {
  return CreateRouterAmong(config, {}, path, errors);
}

std::unique_ptr<filter::FilterFactory> CreateRouterAmong(const google::protobuf::Any& config,
                                                         filter::FilterKinds kinds,
                                                         const config::Path& path,
                                                         config::Errors& errors) {
  envoy::extensions::filters::http::router::v3::Router proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouterConfig compiled;
  compiled.suppress_envoy_headers = proto.suppress_envoy_headers();
  compiled.start_child_span = proto.start_child_span();
  compiled.upstream_filters = filter::CompileUpstreamFilters(
      proto.upstream_http_filters(), filter::UpstreamFiltersOf::kRouter, kinds,
      path.Field("upstream_http_filters"), errors);
  return std::make_unique<RouterFactory>(std::move(compiled));
}

}  // namespace proxenos::filters::router
