// Other tries: whether, when, and what of the first is sent again.
//
// As in the router a try is over for good once something of an answer has come that is more than
// its status: a response that is its head alone says so in grpc-status, or by its HTTP status.
#include "source/rpc/call_retrying.h"

#include <algorithm>

#include "source/base/random.h"
#include "source/route/action.h"
#include "source/rpc/status.h"
#include "source/upstream/client_stream.h"

namespace proxenos::rpc {
namespace {

using http::HeaderId;
using upstream::Exchange;
using upstream::PoolFailure;
using upstream::ResetReason;

constexpr uint32_t kAnyReset =
    route::kRetryOn5xx | route::kRetryOnGatewayError | route::kRetryOnReset;

uint32_t ReasonsOfPool(PoolFailure failure) {
  switch (failure) {
    case PoolFailure::kConnectFailure:
    case PoolFailure::kTransportFailure:
    case PoolFailure::kConnectTimeout:
      return kAnyReset | route::kRetryOnConnectFailure | route::kRetryOnResetBeforeRequest;
    // Another try would add to the load, or find nobody either.
    case PoolFailure::kNone:
    case PoolFailure::kNoHealthyHost:
    case PoolFailure::kOverflow:
      break;
  }
  return 0;
}

uint32_t ReasonOf(Status status) {
  switch (status) {
    case Status::kCancelled:
      return route::kRetryOnGrpcCancelled;
    case Status::kDeadlineExceeded:
      return route::kRetryOnGrpcDeadlineExceeded;
    case Status::kResourceExhausted:
      return route::kRetryOnGrpcResourceExhausted;
    case Status::kInternal:
      return route::kRetryOnGrpcInternal;
    case Status::kUnavailable:
      return route::kRetryOnGrpcUnavailable;
    default:
      return 0;
  }
}

uint32_t ReasonsOfHead(const http::ResponseHead& head) {
  if (head.headers.Has(HeaderId::kXEnvoyRatelimited)) return route::kRetryOnEnvoyRatelimited;
  uint32_t reasons = 0;
  if (head.status >= 500) reasons |= route::kRetryOn5xx;
  if (head.status >= 502 && head.status <= 504) reasons |= route::kRetryOnGatewayError;
  if (head.status == 409) reasons |= route::kRetryOnRetriable4xx;
  return reasons;
}

}  // namespace

void Call::Retrying::Keep(absl::string_view message) {
  if (over) return;
  if (sent.size() + message.size() > kMaxKeptBytes) {
    over = true;
    sent.Clear();
    return;
  }
  AppendFrameHeader(0, static_cast<uint32_t>(message.size()), sent);
  sent.Append(message);
}

bool Call::Retrying::Acquire() {
  counted = cluster.TryAcquireRetry();
  if (!counted) cluster.stats().upstream_rq_retry_overflow.Inc();
  return counted;
}

void Call::Retrying::Release() {
  if (counted) cluster.ReleaseRetry();
  counted = false;
}

uint32_t Call::RetryReasons() const {
  const Attempt& attempt = *attempt_;
  if (attempt.state == Exchange::State::kFailed) return ReasonsOfPool(attempt.failure);
  if (!head_seen_) {
    if (attempt.state != Exchange::State::kReset) return 0;
    return attempt.reset == ResetReason::kRefusedStream ? kAnyReset | route::kRetryOnRefusedStream
                                                        : kAnyReset;
  }
  uint32_t reasons = ReasonsOfHead(response_);
  const bool alone = attempt.end && attempt.trailers == nullptr && attempt.body.empty();
  if (const std::optional<Status> status = StatusIn(response_.headers); alone && status) {
    reasons |= ReasonOf(*status);
  }
  return reasons;
}

bool Call::TriesAgain(uint32_t reasons) {
  Retrying& retrying = *retrying_;
  retrying.Release();
  if ((reasons & retrying.rules.on) == 0 || retrying.over) return false;
  if (retrying.tries > retrying.rules.most) {
    cluster_->stats().upstream_rq_retry_limit_exceeded.Inc();
    return false;
  }
  if (!retrying.Acquire()) return false;
  const base::Nanos most = std::max(retrying.rules.PauseAfter(retrying.tries), base::kMillisecond);
  // Somewhere in it: calls that failed together shall not come back together.
  const auto jittered =
      static_cast<base::Nanos>(base::Random(base::RandomSeed()).Below(static_cast<uint64_t>(most)));
  ++retrying.tries;
  // What is sent during the pause comes behind.
  unsent_.Clear();
  unsent_.Append(retrying.sent.ToString());
  retrying.pause.emplace(loop_.timers(), [this] { TryAgain(); });
  retrying.pause->ArmIn(jittered);
  return true;
}

void Call::KeepAnswer() {
  if (retrying_ == nullptr) return;
  if (retrying_->tries > 1) cluster_->stats().upstream_rq_retry_success.Inc();
  retrying_.reset();
}

void Call::TryAgain() {
  cluster_->stats().upstream_rq_retry.Inc();
  response_.headers.Clear();
  response_.status = 0;
  response_.framing = {};
  head_seen_ = unreachable_ = closed_ = false;
  trailers_ = nullptr;
  Connect(nullptr);
}

}  // namespace proxenos::rpc
