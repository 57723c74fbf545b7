// Reading of retry policies, and what they make of a response.
#include "source/filters/http/router/retry.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "source/filters/http/router/headers.h"
#include "source/route/rate_limited_back_off.h"

namespace proxenos::filters::router {

using http::HeaderId;

std::optional<base::Nanos> ReadMs(const http::HeaderMap& headers, HeaderId id) {
  constexpr uint64_t kMostMs = uint64_t{365} * 86400 * 1000;
  uint64_t ms;
  const http::Header* header = headers.Find(id);
  if (header == nullptr || !absl::SimpleAtoi(header->value(), &ms)) return std::nullopt;
  return static_cast<base::Nanos>(std::min(ms, kMostMs)) * base::kMillisecond;
}

std::optional<base::Nanos> TakeMs(http::HeaderMap& headers, HeaderId id) {
  const std::optional<base::Nanos> ms = ReadMs(headers, id);
  headers.Remove(id);
  return ms;
}

namespace {

// The word of x-envoy-retry-grpc-on that stands for a grpc-status.
uint32_t ReasonOfGrpcStatus(absl::string_view status) {
  if (status == "1") return route::kRetryOnGrpcCancelled;
  if (status == "4") return route::kRetryOnGrpcDeadlineExceeded;
  if (status == "8") return route::kRetryOnGrpcResourceExhausted;
  if (status == "13") return route::kRetryOnGrpcInternal;
  if (status == "14") return route::kRetryOnGrpcUnavailable;
  return 0;
}

// The policy of the route, unless the request says otherwise.
bool Hedges(const route::Forward& forward, http::HeaderMap& headers) {
  const http::Header* wish = headers.Find(HeaderId::kXEnvoyHedgeOnPerTryTimeout);
  if (wish == nullptr) return forward.hedge_on_per_try_timeout;
  const bool hedges =
      wish->value() == "true" || (wish->value() != "false" && forward.hedge_on_per_try_timeout);
  headers.Remove(HeaderId::kXEnvoyHedgeOnPerTryTimeout);
  return hedges;
}

// A policy that names requests holds for those alone.
bool MayRetry(const route::RetryPolicy& policy, const http::RequestHead& head) {
  const auto& matchers = policy.retriable_request_headers;
  return matchers.empty() || std::any_of(matchers.begin(), matchers.end(),
                                         [&](const auto& each) { return each.Matches(head); });
}

}  // namespace

void Retry::Begin(const route::Forward& forward, http::RequestHead& head) {
  http::HeaderMap& headers = head.headers;
  bool may = true;
  if (forward.retry != nullptr) {
    policy_ = forward.retry.get();
    per_try_timeout_ = policy_->per_try_timeout.value_or(0);
    may = MayRetry(*policy_, head);
    on_ = policy_->retry_on;
    left_ = policy_->num_retries;
  }
  hedges_ = Hedges(forward, headers);
  if (const auto ms = TakeMs(headers, HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs)) {
    per_try_timeout_ = *ms;
  }
  for (const HeaderId id : {HeaderId::kXEnvoyRetryOn, HeaderId::kXEnvoyRetryGrpcOn}) {
    const http::Header* retry_on = headers.Find(id);
    if (retry_on == nullptr) continue;
    on_ |= route::ParseRetryOn(retry_on->value(), nullptr);
    if (left_ == 0) left_ = 1;
    headers.Remove(id);
  }
  if (!may) on_ = 0;  // Whatever the request asks for itself.
  if (const http::Header* most = headers.Find(HeaderId::kXEnvoyMaxRetries)) {
    uint32_t retries;
    if (on_ != 0 && absl::SimpleAtoi(most->value(), &retries)) left_ = retries;
    headers.Remove(HeaderId::kXEnvoyMaxRetries);
  }
  TakeWishes(headers);
}

void Retry::TakeWishes(http::HeaderMap& headers) {
  Wishes wishes;
  if (const http::Header* statuses = headers.Find(HeaderId::kXEnvoyRetriableStatusCodes)) {
    for (const absl::string_view each : absl::StrSplit(statuses->value(), ',')) {
      uint32_t status;
      if (absl::SimpleAtoi(each, &status)) wishes.statuses.push_back(status);
    }
    headers.Remove(HeaderId::kXEnvoyRetriableStatusCodes);
  }
  if (const http::Header* names = headers.Find(HeaderId::kXEnvoyRetriableHeaderNames)) {
    for (const absl::string_view each : absl::StrSplit(names->value(), ',')) {
      const absl::string_view name = absl::StripAsciiWhitespace(each);
      if (!name.empty()) wishes.headers.push_back(absl::AsciiStrToLower(name));
    }
    headers.Remove(HeaderId::kXEnvoyRetriableHeaderNames);
  }
  if (on_ == 0 || (wishes.statuses.empty() && wishes.headers.empty())) return;
  wishes_ = std::make_unique<const Wishes>(std::move(wishes));
}

uint32_t Retry::ReasonsByWishes(const http::ResponseHead& head) const {
  uint32_t reasons = 0;
  const auto& statuses = wishes_->statuses;
  if (std::find(statuses.begin(), statuses.end(), head.status) != statuses.end()) {
    reasons |= route::kRetryOnRetriableStatusCodes;
  }
  for (const std::string& name : wishes_->headers) {
    if (head.headers.Find(absl::string_view(name)) != nullptr) {
      reasons |= route::kRetryOnRetriableHeaders;
    }
  }
  return reasons;
}

uint32_t Retry::ReasonsOf(const http::ResponseHead& head) const {
  if (head.headers.Has(HeaderId::kXEnvoyRatelimited)) return route::kRetryOnEnvoyRatelimited;
  uint32_t reasons = 0;
  if (head.status >= 500) reasons |= route::kRetryOn5xx;
  if (head.status >= 502 && head.status <= 504) reasons |= route::kRetryOnGatewayError;
  if (head.status == 409) reasons |= route::kRetryOnRetriable4xx;
  // Of a response that is but a head (gRPC's "trailers-only").
  if (const http::Header* status = head.headers.Find(HeaderId::kGrpcStatus)) {
    reasons |= ReasonOfGrpcStatus(status->value());
  }
  if (wishes_ != nullptr) reasons |= ReasonsByWishes(head);
  if (policy_ == nullptr) return reasons;
  const auto& codes = policy_->retriable_status_codes;
  if (std::binary_search(codes.begin(), codes.end(), head.status)) {
    reasons |= route::kRetryOnRetriableStatusCodes;
  }
  for (const route::HeaderMatcher& matcher : policy_->retriable_headers) {
    if (matcher.Matches(head)) reasons |= route::kRetryOnRetriableHeaders;
  }
  return reasons;
}

base::Nanos Retry::ToldWait(const http::ResponseHead& head, base::WallTime now) const {
  if (policy_ == nullptr || policy_->rate_limited == nullptr) return 0;
  return policy_->rate_limited->WaitOf(head, now).value_or(0);
}

base::Nanos Retry::Spread(base::Nanos told, base::Random& random) {
  return told + static_cast<base::Nanos>(random.Below(static_cast<uint64_t>(told / 2) + 1));
}

// Jittered exponential back-off, as Envoy documents it: random in [0, base * 2^n - 1].
base::Nanos Retry::BackOff(uint32_t attempts, base::Random& random) const {
  const base::Nanos least = policy_ != nullptr ? policy_->back_off_base : 25 * base::kMillisecond;
  const base::Nanos most = policy_ != nullptr ? policy_->back_off_max : 250 * base::kMillisecond;
  const uint32_t n = std::clamp(attempts, 1u, 16u);
  const base::Nanos times = (base::Nanos{1} << n) - 1;
  const base::Nanos ceiling = least > most / times ? most : least * times;
  return static_cast<base::Nanos>(
      random.Below(static_cast<uint64_t>(std::max<base::Nanos>(ceiling, 1))));
}

}  // namespace proxenos::filters::router
