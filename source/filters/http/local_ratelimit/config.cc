// Compiles the configuration of local rate limits.
#include "source/filters/http/local_ratelimit/config.h"

#include <utility>

#include "envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.pb.h"
#include "source/access_log/formatted_change_config.h"
#include "source/access_log/rate_limit_format_config.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/local_ratelimit/filter.h"
#include "source/route/rate_limit_config.h"
#include "source/runtime/setting_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::local_ratelimit {
namespace {

using Proto = envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;

// Of what fills more often nobody could say what its interval is for.
constexpr base::Nanos kMinInterval = 50 * base::kMillisecond;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    return std::make_unique<LocalRateLimit>(own == nullptr ? *settings_ : *own, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string&) const override {
    return std::make_unique<LocalRateLimitPart>(registry);
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

BucketSize CompileBucket(const envoy::type::v3::TokenBucket& proto, const config::Path& path,
                         config::Errors& errors) {
  const base::Nanos interval =
      upstream::CompileDuration(proto.fill_interval(), errors, path.Field("fill_interval"));
  if (interval < kMinInterval) {
    errors.Add(path.Field("fill_interval"), "expected 50 milliseconds or more");
  }
  return BucketSize::Make(proto.max_tokens(),
                          proto.has_tokens_per_fill() ? proto.tokens_per_fill().value() : 1,
                          interval);
}

LimiterConfig CompileLimits(const Proto& proto, const config::Path& path, config::Errors& errors) {
  LimiterConfig limits;
  if (proto.has_token_bucket()) {
    limits.bucket = CompileBucket(proto.token_bucket(), path.Field("token_bucket"), errors);
  }
  for (int i = 0; i < proto.descriptors_size(); ++i) {
    const auto& descriptor = proto.descriptors(i);
    const config::Path at = path.Field("descriptors").Index(static_cast<size_t>(i));
    DescriptorLimit limit;
    for (const auto& entry : descriptor.entries()) {
      limit.entries.emplace_back(entry.key(), entry.value());
    }
    limit.size = CompileBucket(descriptor.token_bucket(), at.Field("token_bucket"), errors);
    limit.shadow = descriptor.shadow_mode();
    limits.descriptors.push_back(std::move(limit));
  }
  if (proto.has_max_dynamic_descriptors()) {
    limits.max_dynamic = std::max(proto.max_dynamic_descriptors().value(), 1u);
  }
  limits.always_consume_default = !proto.has_always_consume_default_token_bucket() ||
                                  proto.always_consume_default_token_bucket().value();
  return limits;
}

std::shared_ptr<const Settings> Compile(const Proto& proto, const config::Path& path,
                                        config::Errors& errors) {
  namespace common = envoy::extensions::common::ratelimit::v3;
  Settings settings;
  settings.stat_prefix = proto.stat_prefix();
  settings.limits = CompileLimits(proto, path, errors);
  if (proto.has_filter_enabled()) {
    settings.enabled =
        runtime::CompileSetting(proto.filter_enabled(), errors, path.Field("filter_enabled"));
  }
  if (proto.has_filter_enforced()) {
    settings.enforced =
        runtime::CompileSetting(proto.filter_enforced(), errors, path.Field("filter_enforced"));
  }
  if (proto.status().code() >= 400) {
    settings.status = static_cast<uint16_t>(proto.status().code());
  }
  settings.stage = proto.stage();
  settings.host_limits = proto.vh_rate_limits() == common::INCLUDE  ? filter::HostLimits::kInclude
                         : proto.vh_rate_limits() == common::IGNORE ? filter::HostLimits::kIgnore
                                                                    : filter::HostLimits::kOverride;
  const auto make = [&errors](const std::string& text, const config::Path& at) {
    return access_log::CompileRateLimitFormat(text, at, errors);
  };
  settings.rate_limits =
      route::CompileRateLimits(proto.rate_limits(), make, errors, path.Field("rate_limits"));
  settings.response_headers = access_log::CompileFormattedChanges(
      proto.response_headers_to_add(), path.Field("response_headers_to_add"), errors);
  settings.request_headers_when_not_enforced = access_log::CompileFormattedChanges(
      proto.request_headers_to_add_when_not_enforced(),
      path.Field("request_headers_to_add_when_not_enforced"), errors);
  settings.x_ratelimit_headers = proto.enable_x_ratelimit_headers() == common::DRAFT_VERSION_03;
  settings.retry_after = proto.enable_retry_after_header();
  settings.resource_exhausted = proto.rate_limited_as_resource_exhausted();
  // The limiter refers to its configuration, which therefore must not move any more.
  auto made = std::make_unique<Settings>(std::move(settings));
  if (!proto.local_rate_limit_per_downstream_connection()) {
    made->limiter = std::make_unique<Limiter>(made->limits);
  }
  return made;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  if (!proto.has_token_bucket()) {
    errors.Add(path.Field("token_bucket"), "expected a bucket: a route's limits need one");
  }
  return Compile(proto, path, errors);
}

}  // namespace

const route::OverrideKind kLocalRateLimitOverride{
    "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateLocalRateLimit(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::local_ratelimit
