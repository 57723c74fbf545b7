// RateLimitedBackOff: RetryPolicy.rate_limited_retry_back_off, compiled: fields of a response by
// which a host says when it wants to be asked again.
//
// Owner: the RetryPolicy. Thread: any (immutable).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/http/message.h"

namespace proxenos::route {

struct RateLimitedBackOff {
  struct Field {
    std::string name;             // Lower case.
    bool unix_timestamp = false;  // Seconds since 1970; else from now on.
  };
  std::vector<Field> fields;  // The first one that can be followed counts.
  base::Nanos most = 300 * base::kSecond;

  // How long `head` asks to wait; nothing where no field says so within `most`.
  std::optional<base::Nanos> WaitOf(const http::ResponseHead& head, base::WallTime now) const;
};

}  // namespace proxenos::route
