// Its fields.
#include "source/filters/network/local_ratelimit/local_ratelimit_config.h"

#include "envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/local_ratelimit/local_ratelimit.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::network_local_ratelimit {

std::unique_ptr<filter::NetworkFilterFactory> CreateLocalRateLimit(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::network::local_ratelimit::v3::LocalRateLimit proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const auto& bucket = proto.token_bucket();
  const config::Path at = path.Field("token_bucket");
  LocalRateLimitConfig result;
  result.stat_prefix = proto.stat_prefix();
  result.max_tokens = bucket.max_tokens();
  if (bucket.has_tokens_per_fill()) result.tokens_per_fill = bucket.tokens_per_fill().value();
  result.fill_interval =
      upstream::CompileDuration(bucket.fill_interval(), errors, at.Field("fill_interval"));
  if (result.fill_interval < 50 * base::kMillisecond) {
    errors.Add(at.Field("fill_interval"), "expected at least 50 ms");
    return nullptr;
  }
  if (proto.has_runtime_enabled() && proto.runtime_enabled().has_default_value()) {
    result.enabled = proto.runtime_enabled().default_value().value();
  }
  return std::make_unique<LocalRateLimit>(std::move(result));
}

}  // namespace proxenos::filters::network_local_ratelimit
