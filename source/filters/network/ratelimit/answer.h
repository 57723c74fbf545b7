// What a rate limit service answers, as far as it is about connections: RateLimitResponse of
// envoy.service.ratelimit.v3 on the wire.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/json/value.h"

namespace proxenos::filters::network_ratelimit {

struct Answer {
  enum class Verdict : uint8_t { kOk, kOverLimit, kError };
  Verdict verdict = Verdict::kError;
  json::Object metadata = {};
};

// kError when the message is broken, or says nothing.
Answer ReadAnswer(absl::string_view message);

}  // namespace proxenos::filters::network_ratelimit
