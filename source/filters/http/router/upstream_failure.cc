// The words, one line a failure.
#include "source/filters/http/router/upstream_failure.h"

#include "absl/strings/str_cat.h"
#include "source/filter/stream_info.h"
#include "source/route/action.h"

namespace proxenos::filters::router {
namespace {

using upstream::PoolFailure;
using upstream::ResetReason;

// Whatever breaks off before a response is retried for these.
constexpr uint32_t kAnyReset =
    route::kRetryOnReset | route::kRetryOn5xx | route::kRetryOnGatewayError;
// And this, when nothing was sent yet.
constexpr uint32_t kNoConnection =
    kAnyReset | route::kRetryOnConnectFailure | route::kRetryOnResetBeforeRequest;

}  // namespace

FailureWords WordsOf(PoolFailure failure) {
  switch (failure) {
    case PoolFailure::kOverflow:
      return {503, "overflow", "overflow", filter::kUpstreamOverflow, 0};
    case PoolFailure::kConnectFailure:
    case PoolFailure::kTransportFailure:
      return {503, "remote connection failure", "remote_connection_failure",
              filter::kUpstreamConnectionFailure, kNoConnection};
    case PoolFailure::kConnectTimeout:
      return {503, "connection timeout", "connection_timeout", filter::kUpstreamConnectionFailure,
              kNoConnection};
    case PoolFailure::kNone:
    case PoolFailure::kNoHealthyHost:
      break;
  }
  return {};
}

FailureWords WordsOf(ResetReason reason) {
  switch (reason) {
    case ResetReason::kNone:
    case ResetReason::kRemoteClosed:
      return {503, "connection termination", "connection_termination",
              filter::kUpstreamConnectionTermination, kAnyReset};
    case ResetReason::kProtocolError:
      return {502, "protocol error", "protocol_error", filter::kUpstreamProtocolError, kAnyReset};
    case ResetReason::kRefusedStream:
      return {503, "remote refused stream reset", "remote_refused_stream_reset",
              filter::kUpstreamRemoteReset,
              kAnyReset | route::kRetryOnRefusedStream | route::kRetryOnResetBeforeRequest};
    case ResetReason::kRemoteReset:
      return {503, "remote reset", "remote_reset", filter::kUpstreamRemoteReset, kAnyReset};
    case ResetReason::kLocalReset:
      return {503, "local reset", "local_reset", filter::kLocalReset, kAnyReset};
  }
  return {};
}

std::string TransportFailure(PoolFailure failure, absl::string_view detail) {
  if (failure == PoolFailure::kTransportFailure) return std::string(detail);
  if (failure != PoolFailure::kConnectFailure) return std::string();
  return absl::StrCat("delayed connect error: ", detail);
}

}  // namespace proxenos::filters::router
