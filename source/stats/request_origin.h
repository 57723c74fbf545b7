// RequestOrigin: whose request a status answered, told to ResponseCodes within the status itself.
//
// Envoy shows the statuses of a cluster once for all requests, once for those from outside
// (`external.upstream_rq_200`) or of our own (`internal.upstream_rq_200`), and apart from both
// those that were answers to a try that was repeated (`retry.upstream_rq_503`). One cell a status
// and origin holds all of it: what is for all requests is a sum made at read time.
#pragma once

#include <cstdint>

namespace proxenos::stats {

enum class RequestOrigin : uint32_t {
  kUntold = 0,
  kExternal = 1u << 10,
  kInternal = 2u << 10,
  kRetried = 3u << 10,  // Of a try that was repeated: no part of the sums.
};

// What is above the bits of a status is the origin.
inline constexpr uint32_t kStatusMask = (1u << 10) - 1;

// What ResponseCodes::Inc is to be told. A status outside 100..599 is part of the total only.
constexpr uint32_t StatusOf(RequestOrigin origin, uint32_t status) {
  const uint32_t code = status < 100 || status > 599 ? 0 : status;
  return static_cast<uint32_t>(origin) | code;
}

}  // namespace proxenos::stats
