// The words of retry_on.
#include "source/route/action.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace proxenos::route {
namespace {

struct RetryWord {
  absl::string_view word;
  RetryOn bit;
};

constexpr RetryWord kRetryWords[] = {
    {"5xx", kRetryOn5xx},
    {"gateway-error", kRetryOnGatewayError},
    {"reset", kRetryOnReset},
    {"reset-before-request", kRetryOnResetBeforeRequest},
    {"connect-failure", kRetryOnConnectFailure},
    {"envoy-ratelimited", kRetryOnEnvoyRatelimited},
    {"retriable-4xx", kRetryOnRetriable4xx},
    {"refused-stream", kRetryOnRefusedStream},
    {"retriable-status-codes", kRetryOnRetriableStatusCodes},
    {"retriable-headers", kRetryOnRetriableHeaders},
    {"http3-post-connect-failure", kRetryOnHttp3PostConnectFailure},
    {"cancelled", kRetryOnGrpcCancelled},
    {"deadline-exceeded", kRetryOnGrpcDeadlineExceeded},
    {"internal", kRetryOnGrpcInternal},
    {"resource-exhausted", kRetryOnGrpcResourceExhausted},
    {"unavailable", kRetryOnGrpcUnavailable},
};

uint32_t BitOf(absl::string_view word) {
  for (const RetryWord& known : kRetryWords) {
    if (word == known.word) return known.bit;
  }
  return 0;
}

}  // namespace

uint32_t ParseRetryOn(absl::string_view text, absl::string_view* unknown) {
  uint32_t bits = 0;
  bool complained = false;
  for (absl::string_view word : absl::StrSplit(text, ',')) {
    word = absl::StripAsciiWhitespace(word);
    if (word.empty()) continue;
    const uint32_t bit = BitOf(word);
    bits |= bit;
    if (bit == 0 && !complained && unknown != nullptr) {
      *unknown = word;
      complained = true;
    }
  }
  return bits;
}

}  // namespace proxenos::route
