// Compiles the configuration of gRPC's counters.
#include "source/filters/http/grpc_stats/config.h"

#include <string>

#include "envoy/extensions/filters/http/grpc_stats/v3/config.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/grpc_stats/filter.h"

namespace proxenos::filters::grpc_stats {
namespace {

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(bool upstream_time) : upstream_time_(upstream_time) {
    request_body = response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<GrpcStatsFilter>(
        upstream_time_, stream, static_cast<ClusterGrpcStats*>(stream.worker_part(*this)));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string&) const override {
    return std::make_unique<ClusterGrpcStats>(registry);
  }

 private:
  const bool upstream_time_;
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateGrpcStats(const google::protobuf::Any& config,
                                                       const config::Path& path,
                                                       config::Errors& errors) {
  envoy::extensions::filters::http::grpc_stats::v3::FilterConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(proto.enable_upstream_stats());
}

}  // namespace proxenos::filters::grpc_stats
