// Compilation of retry policies.
#include "source/route/retry_config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/route/host_preferences_config.h"
#include "source/route/matcher_config.h"
#include "source/route/rate_limited_back_off.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

std::vector<HeaderMatcher> CompileMatchers(
    const google::protobuf::RepeatedPtrField<v3::HeaderMatcher>& configs, config::Errors& errors,
    const config::Path& path) {
  std::vector<HeaderMatcher> matchers;
  for (int i = 0; i < configs.size(); ++i) {
    auto matcher = CompileHeaderMatcher(configs[i], errors, path.Index(static_cast<size_t>(i)));
    if (matcher.has_value()) matchers.push_back(*std::move(matcher));
  }
  return matchers;
}

void CompileBackOff(const v3::RetryPolicy::RetryBackOff& config, Compilation& compilation,
                    const config::Path& path, RetryPolicy* policy) {
  const config::Path base_path = path.Field("base_interval");
  policy->back_off_base = compilation.Duration(config.base_interval(), base_path);
  if (policy->back_off_base == 0) {
    compilation.errors().Add(base_path, "must be greater than 0");
  }
  // Envoy's clock of timers ticks in milliseconds; less means one.
  policy->back_off_base = std::max(policy->back_off_base, base::kMillisecond);
  policy->back_off_max = policy->back_off_base * 10;
  if (config.has_max_interval()) {
    const config::Path max_path = path.Field("max_interval");
    policy->back_off_max =
        std::max(compilation.Duration(config.max_interval(), max_path), base::kMillisecond);
    if (policy->back_off_max < policy->back_off_base) {
      compilation.errors().Add(max_path, "must not be less than base_interval");
    }
  }
}

std::shared_ptr<const RateLimitedBackOff> CompileRateLimitedBackOff(
    const v3::RetryPolicy::RateLimitedRetryBackOff& config, Compilation& compilation,
    const config::Path& path) {
  RateLimitedBackOff back_off;
  for (const auto& field : config.reset_headers()) {
    back_off.fields.push_back(
        {absl::AsciiStrToLower(field.name()), field.format() == v3::RetryPolicy::UNIX_TIMESTAMP});
  }
  if (config.has_max_interval()) {
    back_off.most = compilation.Duration(config.max_interval(), path.Field("max_interval"));
  }
  return std::make_shared<const RateLimitedBackOff>(std::move(back_off));
}

}  // namespace

std::shared_ptr<const RetryPolicy> CompileRetryPolicy(const v3::RetryPolicy& config,
                                                      Compilation& compilation,
                                                      const config::Path& path) {
  RetryPolicy policy;
  absl::string_view unknown;
  policy.retry_on = ParseRetryOn(config.retry_on(), &unknown);
  if (!unknown.empty()) {
    // As in Envoy: the other words count.
    PX_LOG(kConfig, kWarn, path.Field("retry_on").text(), ": there is no condition '", unknown,
           "' of x-envoy-retry-on or x-envoy-retry-grpc-on: nothing is retried for it");
  }
  if (config.has_num_retries()) policy.num_retries = config.num_retries().value();
  if (config.has_per_try_timeout()) {
    policy.per_try_timeout =
        compilation.Duration(config.per_try_timeout(), path.Field("per_try_timeout"));
  }
  if (config.has_per_try_idle_timeout()) {
    policy.per_try_idle_timeout =
        compilation.Duration(config.per_try_idle_timeout(), path.Field("per_try_idle_timeout"));
  }
  for (int i = 0; i < config.retriable_status_codes_size(); ++i) {
    const uint32_t status = config.retriable_status_codes(i);
    if (status < 100 || status > 599) {
      compilation.errors().AddValue(
          path.Field("retriable_status_codes").Index(static_cast<size_t>(i)), absl::StrCat(status),
          "an HTTP status");
    }
    policy.retriable_status_codes.push_back(static_cast<uint16_t>(status));
  }
  std::sort(policy.retriable_status_codes.begin(), policy.retriable_status_codes.end());
  policy.retriable_headers = CompileMatchers(config.retriable_headers(), compilation.errors(),
                                             path.Field("retriable_headers"));
  policy.retriable_request_headers =
      CompileMatchers(config.retriable_request_headers(), compilation.errors(),
                      path.Field("retriable_request_headers"));
  if (config.has_retry_back_off()) {
    CompileBackOff(config.retry_back_off(), compilation, path.Field("retry_back_off"), &policy);
  }
  if (config.has_rate_limited_retry_back_off()) {
    policy.rate_limited =
        CompileRateLimitedBackOff(config.rate_limited_retry_back_off(), compilation,
                                  path.Field("rate_limited_retry_back_off"));
  }
  policy.hosts = CompileHostPreferences(config, compilation.errors(), path);
  return std::make_shared<const RetryPolicy>(std::move(policy));
}

}  // namespace proxenos::route
