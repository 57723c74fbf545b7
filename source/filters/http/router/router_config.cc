// Compiles the router's configuration.
#include "source/filters/http/router/router_config.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/config/typed_config.h"
#include "source/filter/upstream_filters_config.h"
#include "source/filters/http/router/router.h"
#include "source/filters/http/router/upstream_logs.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::router {
namespace {

using Proto = envoy::extensions::filters::http::router::v3::Router;

class RouterFactory final : public filter::FilterFactory {
 public:
  RouterFactory(RouterConfig config, const Proto& proto, config::Path path)
      : config_(std::move(config)),
        logs_(proto.upstream_log()),
        options_(proto.upstream_log_options()),
        path_(std::move(path)) {}

  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Router>(config_, stream,
                                    static_cast<RouterPart*>(stream.worker_part(*this)));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<RouterPart>(registry, stat_prefix, config_.upstream_filters.get());
  }
  void OpenLogs(access_log::LogWriter* writer, config::Errors& errors) override {
    if (logs_.empty()) return;
    UpstreamLogs logs;
    logs.logs = access_log::CompileAccessLogs(logs_, writer, path_.Field("upstream_log"), errors);
    logs.at_begin = options_.flush_upstream_log_on_upstream_stream();
    if (options_.has_upstream_log_flush_interval()) {
      logs.interval = upstream::CompileDuration(
          options_.upstream_log_flush_interval(), errors,
          path_.Field("upstream_log_options").Field("upstream_log_flush_interval"));
    }
    config_.upstream_logs = std::make_shared<const UpstreamLogs>(std::move(logs));
    logs_.Clear();
  }

 private:
  RouterConfig config_;
  // Until they are opened.
  google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog> logs_;
  const Proto::UpstreamAccessLogOptions options_;
  const config::Path path_;
};

std::vector<http::HeaderId> StrictHeaders(const Proto& proto) {
  std::vector<http::HeaderId> ids;
  for (const std::string& name : proto.strict_check_headers()) {
    ids.push_back(http::LookUpHeader(name));
  }
  return ids;
}

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
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouterConfig compiled;
  compiled.suppress_envoy_headers = proto.suppress_envoy_headers();
  compiled.start_child_span = proto.start_child_span();
  compiled.suppress_grpc_codes = proto.suppress_grpc_request_failure_code_stats();
  compiled.respect_expected_timeout = proto.respect_expected_rq_timeout();
  compiled.rejects_early_data = proto.reject_connect_request_early_data().value();
  compiled.strict_headers = StrictHeaders(proto);
  compiled.upstream_filters = filter::CompileUpstreamFilters(
      proto.upstream_http_filters(), filter::UpstreamFiltersOf::kRouter, kinds,
      path.Field("upstream_http_filters"), errors);
  return std::make_unique<RouterFactory>(std::move(compiled), proto, path);
}

}  // namespace proxenos::filters::router
