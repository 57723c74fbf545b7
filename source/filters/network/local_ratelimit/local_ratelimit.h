// LocalRateLimit: the network filter that lets so many connections of a filter chain begin in a
// time, over all workers.
#pragma once

#include <memory>
#include <string>

#include "source/base/token_bucket.h"
#include "source/filter/network_filter.h"

namespace proxenos::filters::network_local_ratelimit {

struct LocalRateLimitConfig {
  std::string stat_prefix;
  uint64_t max_tokens = 1;
  uint64_t tokens_per_fill = 1;
  base::Nanos fill_interval = base::kSecond;
  bool enabled = true;
};

class LocalRateLimit final : public filter::NetworkFilterFactory {
 public:
  explicit LocalRateLimit(LocalRateLimitConfig config)
      : config_(std::move(config)),
        bucket_(base::BucketSize::Make(config_.max_tokens, config_.tokens_per_fill,
                                       config_.fill_interval)) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;

  const LocalRateLimitConfig& config() const { return config_; }
  // Of all workers. One of the counts that workers share (docs/ARCHITECTURE.md).
  base::TokenBucket& bucket() const { return bucket_; }

 private:
  const LocalRateLimitConfig config_;
  mutable base::TokenBucket bucket_;  // Taking from it is no change of what is configured.
};

}  // namespace proxenos::filters::network_local_ratelimit
