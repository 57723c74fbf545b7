// Compiles the configuration of rate limits by a service.
#include "source/filters/http/ratelimit/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/ratelimit/v3/rate_limit.pb.h"
#include "source/access_log/formatted_change_config.h"
#include "source/access_log/rate_limit_format_config.h"
#include "source/config/typed_config.h"
#include "source/filters/http/ratelimit/filter.h"
#include "source/route/rate_limit_config.h"
#include "source/rpc/service_config.h"
#include "source/runtime/setting_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::ratelimit {
namespace {

namespace v3 = envoy::extensions::filters::http::ratelimit::v3;

constexpr char kMethod[] = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
constexpr base::Nanos kDefaultTimeout = 20 * base::kMillisecond;

constexpr stats::ScopeShape kScope{
    "cluster.$.ratelimit.", "cluster.ratelimit.", {"envoy.cluster_name"}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<RateLimit>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string&) const override {
    return std::make_unique<RateLimitPart>(registry, kScope);
  }

 private:
  const Settings settings_;
};

route::RateLimits CompileLimits(const route::RateLimitProtos& protos, const config::Path& path,
                                config::Errors& errors) {
  const auto make = [&errors](const std::string& text, const config::Path& at) {
    return access_log::CompileRateLimitFormat(text, at, errors);
  };
  return route::CompileServiceRateLimits(protos, make, errors, path);
}

Settings Compile(const v3::RateLimit& proto, const config::Path& path, config::Errors& errors) {
  Settings settings;
  const config::Path service = path.Field("rate_limit_service").Field("grpc_service");
  settings.service = rpc::CompileGrpcService(proto.rate_limit_service().grpc_service(), kMethod,
                                             kDefaultTimeout, service, errors);
  if (proto.has_timeout()) {
    settings.service.options.timeout =
        upstream::CompileDuration(proto.timeout(), errors, path.Field("timeout"));
  }
  settings.domain = proto.domain();
  settings.stage = proto.stage();
  if (proto.request_type() == "internal") settings.type = Settings::RequestType::kInternal;
  if (proto.request_type() == "external") settings.type = Settings::RequestType::kExternal;
  if (proto.failure_mode_deny()) settings.failure_deny = runtime::FractionSetting{{100, 100}};
  if (proto.has_failure_mode_deny_percent()) {
    settings.failure_deny = runtime::CompileSetting(proto.failure_mode_deny_percent(), errors,
                                                    path.Field("failure_mode_deny_percent"));
  }
  if (proto.has_filter_enabled()) {
    settings.enabled =
        runtime::CompileSetting(proto.filter_enabled(), errors, path.Field("filter_enabled"));
  }
  if (proto.has_filter_enforced()) {
    settings.enforced =
        runtime::CompileSetting(proto.filter_enforced(), errors, path.Field("filter_enforced"));
  }
  if (proto.rate_limited_status().code() >= 400) {
    settings.status = static_cast<uint16_t>(proto.rate_limited_status().code());
  }
  if (proto.status_on_error().code() >= 400) {
    settings.status_on_error = static_cast<uint16_t>(proto.status_on_error().code());
  }
  settings.rate_limits = CompileLimits(proto.rate_limits(), path.Field("rate_limits"), errors);
  settings.response_headers = access_log::CompileFormattedChanges(
      proto.response_headers_to_add(), path.Field("response_headers_to_add"), errors);
  settings.resource_exhausted = proto.rate_limited_as_resource_exhausted();
  settings.x_ratelimit_headers =
      proto.enable_x_ratelimit_headers() == v3::RateLimit::DRAFT_VERSION_03;
  settings.marks_response = !proto.disable_x_envoy_ratelimited_header();
  settings.retry_after = proto.enable_retry_after_header();
  return settings;
}

filter::HostLimits HostLimitsOf(const v3::RateLimitPerRoute& proto) {
  switch (proto.override_option()) {
    case v3::RateLimitPerRoute::OVERRIDE_POLICY:
      return filter::HostLimits::kOverride;
    case v3::RateLimitPerRoute::INCLUDE_POLICY:
      return filter::HostLimits::kInclude;
    case v3::RateLimitPerRoute::IGNORE_POLICY:
      return filter::HostLimits::kIgnore;
    default:  // vh_rate_limits says it.
      break;
  }
  switch (proto.vh_rate_limits()) {
    case v3::RateLimitPerRoute::INCLUDE:
      return filter::HostLimits::kInclude;
    case v3::RateLimitPerRoute::IGNORE:
      return filter::HostLimits::kIgnore;
    default:
      return filter::HostLimits::kOverride;
  }
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::RateLimitPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouteSettings settings;
  settings.host_limits = HostLimitsOf(proto);
  settings.rate_limits = CompileLimits(proto.rate_limits(), path.Field("rate_limits"), errors);
  settings.domain = proto.domain();
  return std::make_shared<const RouteSettings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kRateLimitOverride{
    "envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateRateLimit(const google::protobuf::Any& config,
                                                       const config::Path& path,
                                                       config::Errors& errors) {
  v3::RateLimit proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings = Compile(proto, path, errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::ratelimit
