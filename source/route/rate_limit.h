// RateLimit: what of a request makes one descriptor for rate limits:
// envoy.config.route.v3.RateLimit, compiled. The filters that limit evaluate it
// (source/filter/descriptor.h).
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/match/ip_range.h"
#include "source/route/header_matcher.h"

namespace proxenos::access_log {
class Formatter;
}

namespace proxenos::cel {
class Expression;
}

namespace proxenos::route {

// A value that is made anew for each request, by a format of access logs.
struct RateLimitFormat {
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t index = kNone;  // Into RouteTable::formats(): of limits that routes have.
  // Of limits that filters have.
  std::shared_ptr<const access_log::Formatter> own;

  bool empty() const { return index == kNone && own == nullptr; }
};

// RateLimit.Action: makes one entry, or none, or has the whole descriptor left out.
struct RateLimitAction {
  enum class Kind : uint8_t {
    kSourceCluster,
    kDestinationCluster,
    kRequestHeader,
    kQueryParameter,
    kRemoteAddress,
    kMaskedRemoteAddress,
    kGenericKey,
    kHeaderMatch,
    kQueryMatch,
    kRemoteAddressMatch,
    kDynamicMetadata,
    kRouteMetadata,
    kExpression,
  };
  Kind kind = Kind::kGenericKey;
  std::string key;  // Of the entry.
  // Where the request has none to give; of metadata: what stands for a missing one.
  std::string value;
  RateLimitFormat format;  // In the place of `value`, of the kinds that have a descriptor_value.
  bool skip_if_absent = false;  // The entry alone is left out, not the descriptor.
  bool expect_match = true;     // Of the kinds that match.

  FieldName header;
  std::string parameter;
  std::vector<HeaderMatcher> headers;  // All must match.
  std::vector<QueryMatcher> query;
  std::vector<match::IpRange> ranges;  // Any; none: every address.
  uint32_t v4_bits = 32;
  uint32_t v6_bits = 128;
  std::vector<std::string> path;  // Of metadata, the namespace first.
  std::shared_ptr<const cel::Expression> expression;
};

// RateLimit.Override.RateLimitOverride
struct FixedLimit {
  uint32_t requests = 0;
  uint8_t unit = 0;  // type.v3.RateLimitUnit
};

struct RateLimit {
  // RateLimit.XRateLimitOption
  enum class Headers : uint8_t { kUnspecified, kOff, kDraft03 };

  uint32_t stage = 0;
  bool has_disable_key = false;
  std::vector<RateLimitAction> actions;
  uint64_t hits = 1;
  bool counts_hits = false;     // hits_addend is set.
  bool negative_hits = false;   // They are given back: hits_addend.is_negative_hits.
  RateLimitFormat hits_format;  // In the place of `hits`.
  bool on_stream_done = false;  // apply_on_stream_done: counted once the request is over.
  // RateLimit.limit.dynamic_metadata: where the request's own limit is; the namespace first.
  std::vector<std::string> limit_path;
  std::optional<FixedLimit> fixed_limit;  // RateLimit.limit.rate_limit
  Headers headers = Headers::kUnspecified;
};

using RateLimits = std::vector<RateLimit>;

}  // namespace proxenos::route
