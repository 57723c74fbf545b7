// Compiles windows, limits and percentages.
#include "source/filters/http/adaptive_concurrency/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/adaptive_concurrency/v3/adaptive_concurrency.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/adaptive_concurrency/filter.h"
#include "source/runtime/setting_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::adaptive_concurrency {
namespace {

namespace v3 = envoy::extensions::filters::http::adaptive_concurrency::v3;

constexpr stats::ScopeShape kScope{"http.$.adaptive_concurrency.gradient_controller.",
                                   "http.adaptive_concurrency.gradient_controller.",
                                   {"envoy.http_conn_manager_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {
    response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<AdaptiveConcurrency>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    const stats::ScopeName scope(kScope, {stat_prefix});
    return std::make_unique<ConcurrencyPart>(*settings_.gradient,
                                             registry.Open<GradientCounters>(scope),
                                             registry.Open<GradientGauges>(scope));
  }

 private:
  const Settings settings_;
};

GradientSettings CompileGradient(const v3::GradientControllerConfig& proto,
                                 const config::Path& path, config::Errors& errors) {
  GradientSettings settings;
  const auto& limits = proto.concurrency_limit_params();
  const config::Path limits_path = path.Field("concurrency_limit_params");
  const auto& min_rtt = proto.min_rtt_calc_params();
  const config::Path rtt_path = path.Field("min_rtt_calc_params");
  if (proto.has_sample_aggregate_percentile()) {
    settings.percentile = proto.sample_aggregate_percentile().value() / 100;
  }
  if (limits.has_max_concurrency_limit()) {
    settings.max_limit = limits.max_concurrency_limit().value();
  }
  settings.sample_window =
      upstream::CompileDuration(limits.concurrency_update_interval(), errors,
                                limits_path.Field("concurrency_update_interval"));
  if (min_rtt.has_min_concurrency()) settings.min_concurrency = min_rtt.min_concurrency().value();
  settings.min_limit = limits.has_min_concurrency_limit() ? limits.min_concurrency_limit().value()
                                                          : settings.min_concurrency;
  if (settings.min_limit > settings.max_limit) {
    errors.Add(limits_path, "expected max_concurrency_limit to be no less than the lower bound");
  }
  settings.min_rtt_interval =
      upstream::CompileDuration(min_rtt.interval(), errors, rtt_path.Field("interval"));
  settings.fixed_min_rtt =
      upstream::CompileDuration(min_rtt.fixed_value(), errors, rtt_path.Field("fixed_value"));
  if (settings.min_rtt_interval == 0 && settings.fixed_min_rtt == 0) {
    errors.Add(rtt_path, "expected interval or fixed_value");
  }
  if (min_rtt.has_request_count()) settings.min_rtt_requests = min_rtt.request_count().value();
  if (min_rtt.has_jitter()) settings.jitter = min_rtt.jitter().value() / 100;
  if (min_rtt.has_buffer()) settings.buffer = min_rtt.buffer().value() / 100;
  return settings;
}

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateAdaptiveConcurrency(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  v3::AdaptiveConcurrency proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings;
  if (proto.has_enabled()) settings.enabled = runtime::CompileSetting(proto.enabled());
  const auto status = static_cast<uint16_t>(proto.concurrency_limit_exceeded_status().code());
  if (status >= 400) settings.status = status;
  settings.gradient = std::make_unique<Gradient>(CompileGradient(
      proto.gradient_controller_config(), path.Field("gradient_controller_config"), errors));
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::adaptive_concurrency
