// Compiles the configuration of gRPC's counters.
#include "source/filters/http/grpc_stats/config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/grpc_stats/v3/config.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/grpc_stats/filter.h"

namespace proxenos::filters::grpc_stats {
namespace {

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(GrpcStatsOptions options) : options_(std::move(options)) {
    request_body = response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<GrpcStatsFilter>(
        options_, stream, static_cast<ClusterGrpcStats*>(stream.worker_part(*this)));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string&) const override {
    return std::make_unique<ClusterGrpcStats>(registry);
  }

 private:
  const GrpcStatsOptions options_;
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateGrpcStats(const google::protobuf::Any& config,
                                                       const config::Path& path,
                                                       config::Errors& errors) {
  envoy::extensions::filters::http::grpc_stats::v3::FilterConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  GrpcStatsOptions options;
  options.upstream_time = proto.enable_upstream_stats();
  options.all_methods = proto.stats_for_all_methods().value();
  options.dots_replaced = proto.replace_dots_in_grpc_service_name();
  options.emits_state = proto.emit_filter_state();
  for (const auto& service : proto.individual_method_stats_allowlist().services()) {
    for (const std::string& method : service.method_names()) {
      options.methods.insert(absl::StrCat(service.name(), "/", method));
    }
  }
  return std::make_unique<Factory>(std::move(options));
}

}  // namespace proxenos::filters::grpc_stats
