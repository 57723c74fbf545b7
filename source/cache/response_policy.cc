// The rules of RFC 9111 for one response.
#include "source/cache/response_policy.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "source/http/date.h"

namespace proxenos::cache {
namespace {

using http::HeaderId;

constexpr base::WallTime kSecond = 1000000;  // Of wall time.

// Statuses whose meaning for caches is known here (must-understand, section 5.2.2.3): those whose
// lifetime may be guessed, and redirections that must say theirs.
bool IsUnderstood(uint16_t status) {
  return IsHeuristicallyCacheable(status) || status == 302 || status == 303 || status == 307;
}

// What the status speaks of is the client or the form of its request, neither of which is in the
// key: RFC 6585, sections 3 to 6.
bool IsNeverStored(uint16_t status) {
  return status == 428 || status == 429 || status == 431 || status == 511;
}

bool HasValidator(const http::HeaderMap& headers) {
  return headers.Has(HeaderId::kEtag) || headers.Has(HeaderId::kLastModified);
}

std::optional<int64_t> DateIn(const http::HeaderMap& headers, HeaderId id, int64_t now) {
  const http::Header* header = headers.Find(id);
  return header == nullptr ? std::nullopt : http::ParseDate(header->value(), now);
}

// Section 4.2.1 and 4.2.2; `date` is the response's own, or when it came.
void FindLifetime(const http::ResponseHead& head, const ResponseDirectives& directives,
                  int64_t date, const PolicyOptions& options, ResponsePolicy& policy) {
  const http::HeaderMap& headers = head.headers;
  if (directives.s_maxage.present) {
    policy.lifetime = directives.s_maxage.value;
    policy.shared_lifetime = true;
    return;
  }
  if (directives.max_age.present) {
    policy.lifetime = directives.max_age.value;
    return;
  }
  if (!directives.targeted && headers.Has(HeaderId::kExpires)) {
    const std::optional<int64_t> expires = DateIn(headers, HeaderId::kExpires, date);
    policy.lifetime = expires ? std::clamp<int64_t>(*expires - date, 0, kMaxSeconds) : 0;
    return;
  }
  if (!IsHeuristicallyCacheable(head.status) && !directives.is_public) return;
  const std::optional<int64_t> modified = DateIn(headers, HeaderId::kLastModified, date);
  if (!modified || *modified >= date) return;
  policy.heuristic = true;
  policy.lifetime = std::min((date - *modified) / 10, options.max_heuristic);
}

StoreVerdict Judge(const http::ResponseHead& head, const ResponseDirectives& directives,
                   const RequestFacts& request, const ResponsePolicy& policy) {
  const http::HeaderMap& headers = head.headers;
  if (head.status < 200 || head.status > 599 || head.status == 206 || head.status == 304 ||
      IsNeverStored(head.status)) {
    return StoreVerdict::kStatus;
  }
  // It may be the range that is wrong, which is no part of the key.
  if (head.status == 416 ||
      (request.range && head.status >= 400 && head.status != 404 && head.status != 410)) {
    return StoreVerdict::kStatus;
  }
  if (directives.must_understand && !IsUnderstood(head.status)) return StoreVerdict::kStatus;
  if (request.no_store || (directives.no_store && !directives.must_understand)) {
    return StoreVerdict::kNoStore;
  }
  if (directives.is_private) return StoreVerdict::kPrivate;
  if (request.authorization && !directives.may_share_credentials && !directives.is_public &&
      !(directives.s_maxage.present && directives.s_maxage.valid)) {
    return StoreVerdict::kAuthorization;
  }
  const bool lifetime_given = directives.s_maxage.present || directives.max_age.present ||
                              (!directives.targeted && headers.Has(HeaderId::kExpires));
  if (!lifetime_given && !directives.is_public && !IsHeuristicallyCacheable(head.status)) {
    return StoreVerdict::kNotCacheable;
  }
  if (policy.lifetime == 0 && !HasValidator(headers)) return StoreVerdict::kUseless;
  if (policy.always_validate && !HasValidator(headers)) return StoreVerdict::kUseless;
  if (headers.Has(HeaderId::kSetCookie) && (!lifetime_given || policy.lifetime == 0)) {
    return StoreVerdict::kSetCookie;
  }
  return StoreVerdict::kStore;
}

}  // namespace

absl::string_view Name(StoreVerdict verdict) {
  switch (verdict) {
    case StoreVerdict::kStore:
      return "store";
    case StoreVerdict::kStatus:
      return "status";
    case StoreVerdict::kNoStore:
      return "no-store";
    case StoreVerdict::kPrivate:
      return "private";
    case StoreVerdict::kAuthorization:
      return "authorization";
    case StoreVerdict::kNotCacheable:
      return "not-cacheable";
    case StoreVerdict::kUseless:
      return "not-reusable";
    case StoreVerdict::kVary:
      return "vary";
    case StoreVerdict::kSetCookie:
      return "set-cookie";
    case StoreVerdict::kTooLarge:
      return "too-large";
  }
  return "";
}

int64_t ResponsePolicy::AgeAt(base::WallTime now) const {
  // A clock that was set back makes nothing younger than it was when it came.
  return initial_age + std::max<base::WallTime>(now - response_time, 0) / kSecond;
}

bool IsHeuristicallyCacheable(uint16_t status) {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 451:  // RFC 7725, section 3
    case 501:
      return true;
    default:
      return false;
  }
}

int64_t AgeOf(const http::HeaderMap& headers) {
  absl::string_view value = headers.Get(HeaderId::kAge);
  value = value.substr(0, value.find(','));
  return ReadSeconds(absl::StripAsciiWhitespace(value)).value;
}

Judgement JudgeResponse(const http::ResponseHead& head, const RequestFacts& request,
                        const PolicyOptions& options, base::WallTime now) {
  Judgement judgement;
  ResponsePolicy& policy = judgement.policy;
  const ResponseDirectives directives = ReadResponseDirectives(head.headers, options.targets);
  const int64_t now_seconds = now / kSecond;
  const int64_t date = DateIn(head.headers, HeaderId::kDate, now_seconds).value_or(now_seconds);
  policy.response_time = now;
  const int64_t apparent_age = std::max<int64_t>(0, now_seconds - date);
  const int64_t delay = std::max<base::WallTime>(0, now - request.time) / kSecond;
  policy.initial_age = std::max(apparent_age, AgeOf(head.headers) + delay);
  FindLifetime(head, directives, date, options, policy);
  policy.always_validate = directives.no_cache;
  policy.never_stale = directives.must_revalidate || directives.proxy_revalidate;
  const auto window = [](const Seconds& given, int64_t otherwise) {
    return given.present ? given.value : otherwise;
  };
  // What s-maxage forbids the operator does not allow; only the response itself may.
  policy.stale_while_revalidate =
      window(directives.stale_while_revalidate,
             policy.shared_lifetime ? 0 : options.default_stale_while_revalidate);
  policy.stale_if_error = window(directives.stale_if_error,
                                 policy.shared_lifetime ? 0 : options.default_stale_if_error);
  judgement.verdict = Judge(head, directives, request, policy);
  judgement.withheld = directives.withheld_fields;
  return judgement;
}

Reuse JudgeReuse(const ResponsePolicy& policy, const RequestDirectives& request,
                 base::WallTime now) {
  if (request.no_cache) return Reuse::kRequestValidate;
  if (policy.always_validate) return Reuse::kValidate;
  const int64_t age = policy.AgeAt(now);
  const int64_t ttl = policy.lifetime - age;
  const bool takes_stale = request.any_stale || request.max_stale.valid;
  if (ttl > 0) {
    if (request.max_age.valid && age > request.max_age.value && !takes_stale) {
      return Reuse::kRequestValidate;
    }
    // An age of whole seconds: of max-age=0 nothing is young enough.
    if (request.max_age.valid && request.max_age.value == 0 && !takes_stale) {
      return Reuse::kRequestValidate;
    }
    if (request.min_fresh.valid && ttl < request.min_fresh.value) return Reuse::kRequestValidate;
    return Reuse::kFresh;
  }
  if (policy.never_stale) return Reuse::kValidate;
  const bool in_window = -ttl < policy.stale_while_revalidate;
  const bool wants_fresh = request.max_age.valid || request.min_fresh.valid;
  if (in_window && !wants_fresh) return Reuse::kWhileRevalidate;
  if (policy.shared_lifetime) return Reuse::kValidate;
  const bool accepted =
      request.any_stale || (request.max_stale.valid && -ttl <= request.max_stale.value);
  if (!accepted || request.min_fresh.valid) return Reuse::kValidate;
  return Reuse::kStale;
}

bool MayReplaceError(const ResponsePolicy& policy, const RequestDirectives& request,
                     base::WallTime now) {
  if (policy.always_validate || request.no_cache) return false;
  const int64_t ttl = policy.TtlAt(now);
  if (ttl > 0) return true;
  if (policy.never_stale) return false;
  if (-ttl < policy.stale_if_error) return true;
  return !policy.shared_lifetime && request.stale_if_error.valid &&
         -ttl < request.stale_if_error.value;
}

}  // namespace proxenos::cache
