// Compiles the health check filter's configuration.
#include "source/filters/http/health_check/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/health_check/filter.h"
#include "source/route/matcher_config.h"

namespace proxenos::filters::health_check {
namespace {

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(HealthCheckConfig config) : config_(std::move(config)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<HealthCheck>(config_, stream);
  }

 private:
  const HealthCheckConfig config_;
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateHealthCheck(const google::protobuf::Any& config,
                                                         const config::Path& path,
                                                         config::Errors& errors) {
  envoy::extensions::filters::http::health_check::v3::HealthCheck proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  HealthCheckConfig compiled;
  compiled.pass_through = proto.pass_through_mode().value();
  for (int i = 0; i < proto.headers_size(); ++i) {
    auto matcher = route::CompileHeaderMatcher(proto.headers(i), errors,
                                               path.Field("headers").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) compiled.headers.push_back(*std::move(matcher));
  }
  if (compiled.pass_through && !proto.cluster_min_healthy_percentages().empty()) {
    errors.Add(path.Field("cluster_min_healthy_percentages"),
               "is only for checks that do not pass through");
  }
  for (const auto& [name, share] : proto.cluster_min_healthy_percentages()) {
    compiled.clusters.push_back({name, share.value()});
  }
  std::sort(compiled.clusters.begin(), compiled.clusters.end(),
            [](const auto& a, const auto& b) { return a.cluster < b.cluster; });
  return std::make_unique<Factory>(std::move(compiled));
}

}  // namespace proxenos::filters::health_check
