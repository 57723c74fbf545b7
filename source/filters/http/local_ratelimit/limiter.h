// Limiter: the buckets of one configuration, or of one connection: a default one and those for
// descriptors.
//
// Shared by all workers, and what they change is atomic; a wildcard's buckets, of which there are
// at most so many, are found under a lock. Thread: any.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "source/base/token_bucket.h"
#include "source/filter/descriptor.h"

namespace proxenos::filters::local_ratelimit {

using base::BucketSize;
using base::TokenBucket;

// LocalRateLimitDescriptor: a key without a value stands for each value, with a bucket of its own.
struct DescriptorLimit {
  std::vector<std::pair<std::string, std::string>> entries;
  BucketSize size;
  bool shadow = false;  // Only looked at: nobody is refused.

  bool wildcard() const {
    for (const auto& [key, value] : entries) {
      if (value.empty()) return true;
    }
    return false;
  }
  bool Matches(const filter::Descriptor& descriptor) const;
};

struct LimiterConfig {
  std::optional<BucketSize> bucket;
  std::vector<DescriptorLimit> descriptors;
  uint32_t max_dynamic = 20;  // Buckets of each wildcard.
  bool always_consume_default = true;
};

class Limiter {
 public:
  // `config` outlives it.
  explicit Limiter(const LimiterConfig& config);

  // What a bucket says of itself.
  struct Account {
    uint64_t limit = 0;
    uint64_t remaining = 0;
    uint64_t reset_seconds = 0;
  };
  struct Result {
    bool allowed = true;
    std::optional<Account> account;  // Of the bucket that decided; none: nothing limits this.
    const route::RateLimit* limit = nullptr;  // By which its descriptor was made; or null.
  };
  Result Take(absl::Span<const filter::Descriptor> descriptors, base::MonoTime now);

 private:
  // The buckets of one wildcard, the one used most recently first.
  struct Dynamic {
    using Order = std::list<std::pair<std::string, TokenBucket>>;
    std::mutex mutex;
    Order order;                                               // Guarded by mutex.
    absl::flat_hash_map<std::string, Order::iterator> by_key;  // Guarded by mutex.
  };
  // A descriptor of the request and the limit that is for it.
  struct Match {
    size_t index;
    const filter::Descriptor* descriptor;
  };

  static Account AccountOf(const TokenBucket& bucket, base::MonoTime now);
  bool TakeFrom(const Match& match, base::MonoTime now, Account* account);

  const LimiterConfig& config_;
  std::optional<TokenBucket> bucket_;
  // By index of config_.descriptors: one of the two.
  std::vector<std::unique_ptr<TokenBucket>> fixed_;
  std::vector<std::unique_ptr<Dynamic>> dynamic_;
};

}  // namespace proxenos::filters::local_ratelimit
