// What a client and the access log are told of an attempt that met no answer, in Envoy's words.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/upstream/exchange.h"

namespace proxenos::filters::router {

struct FailureWords {
  uint16_t status = 503;
  absl::string_view reason;   // "connection timeout"
  absl::string_view details;  // The same, as %RESPONSE_CODE_DETAILS% has it.
  uint32_t flag = 0;          // filter::ResponseFlag
  uint32_t retry_on = 0;      // route::RetryOn bits that have it retried.
};

// REQUIRES: neither kNone nor kNoHealthyHost, which have no such words.
FailureWords WordsOf(upstream::PoolFailure failure);
FailureWords WordsOf(upstream::ResetReason reason);

// %UPSTREAM_TRANSPORT_FAILURE_REASON%, by Exchange::failure_detail; may be empty.
std::string TransportFailure(upstream::PoolFailure failure, absl::string_view detail);

}  // namespace proxenos::filters::router
