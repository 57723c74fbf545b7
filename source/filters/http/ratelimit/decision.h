// What a rate limit service is asked and answers: envoy.service.ratelimit.v3 on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/filter/descriptor.h"
#include "source/filter/header_change.h"
#include "source/json/value.h"

namespace proxenos::filters::ratelimit {

// A descriptor with what the service is told of it besides.
struct Question {
  filter::Descriptor descriptor;
  std::optional<uint64_t> hits;  // None: the service's own, which is one.
  // RateLimitOverride: requests per RateLimitUnit, in the place of the service's limit; a unit of
  // 0: none.
  uint32_t limit_requests = 0;
  uint32_t limit_unit = 0;
};

// The serialized RateLimitRequest.
std::string MakeRequest(absl::string_view domain, absl::Span<const Question> questions);

struct Decision {
  enum class Verdict : uint8_t { kOk, kOverLimit, kError };
  Verdict verdict = Verdict::kError;

  // Of a descriptor that has a limit.
  struct Status {
    uint64_t requests_per_unit = 0;
    uint64_t window_seconds = 0;  // 0: not known.
    std::string name;
    uint64_t remaining = 0;
    uint64_t reset_seconds = 0;
  };
  std::vector<Status> statuses;
  std::vector<filter::HeaderChange> response_headers;
  std::vector<filter::HeaderChange> request_headers;
  std::string body;
  json::Object metadata;
};

// kError when the message is broken.
Decision ReadResponse(absl::string_view message);

// The values of x-ratelimit-limit, -remaining and -reset (draft-polli-ratelimit-headers-03);
// nothing when no descriptor has a limit.
struct LimitFields {
  std::string limit;
  std::string remaining;
  std::string reset;
};
std::optional<LimitFields> LimitFieldsOf(const Decision& decision);

}  // namespace proxenos::filters::ratelimit
