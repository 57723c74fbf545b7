// Evaluating preconditions.
#include "source/cache/conditions.h"

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "source/cache/directives.h"
#include "source/http/date.h"

namespace proxenos::cache {
namespace {

using http::HeaderId;

bool IsWeak(absl::string_view etag) { return absl::StartsWith(etag, "W/"); }

std::optional<int64_t> DateIn(const http::HeaderMap& headers, HeaderId id, int64_t now) {
  const http::Header* header = headers.Find(id);
  return header == nullptr ? std::nullopt : http::ParseDate(header->value(), now);
}

bool ListMatches(const http::HeaderMap& request, absl::string_view etag) {
  bool matches = false;
  for (const http::Header& header : request) {
    if (header.id != HeaderId::kIfNoneMatch) continue;
    ForEachMember(header.value(), [&](absl::string_view member) {
      matches = member == "*" || (!etag.empty() && WeakMatch(member, etag));
      return !matches;
    });
    if (matches) return true;
  }
  return false;
}

}  // namespace

Validators ValidatorsOf(const http::HeaderMap& response, int64_t now_seconds) {
  return Validators{response.Get(HeaderId::kEtag),
                    DateIn(response, HeaderId::kLastModified, now_seconds),
                    DateIn(response, HeaderId::kDate, now_seconds)};
}

bool WeakMatch(absl::string_view a, absl::string_view b) {
  return absl::StripPrefix(a, "W/") == absl::StripPrefix(b, "W/");
}

bool StrongMatch(absl::string_view a, absl::string_view b) {
  return !a.empty() && a == b && !IsWeak(a);
}

Condition Evaluate(const http::HeaderMap& request, const Validators& stored, int64_t now_seconds) {
  if (request.Has(HeaderId::kIfMatch) || request.Find("if-unmodified-since") != nullptr) {
    return Condition::kForward;
  }
  if (request.Has(HeaderId::kIfNoneMatch)) {  // If-Modified-Since is void then (13.1.3).
    return ListMatches(request, stored.etag) ? Condition::kNotModified : Condition::kNone;
  }
  if (request.Count(HeaderId::kIfModifiedSince) != 1) return Condition::kNone;  // As above.
  const std::optional<int64_t> since = DateIn(request, HeaderId::kIfModifiedSince, now_seconds);
  if (!since) return Condition::kNone;
  // Without Last-Modified the time at which it was made stands for it (RFC 9111, section 4.3.2).
  const std::optional<int64_t> modified = stored.last_modified ? stored.last_modified : stored.date;
  return modified && *modified <= *since ? Condition::kNotModified : Condition::kNone;
}

bool IfRangeHolds(const http::HeaderMap& request, const Validators& stored, int64_t now_seconds) {
  const http::Header* header = request.Find(HeaderId::kIfRange);
  if (header == nullptr) return true;
  const absl::string_view value = header->value();
  if (absl::StartsWith(value, "\"") || IsWeak(value)) return StrongMatch(value, stored.etag);
  const std::optional<int64_t> date = http::ParseDate(value, now_seconds);
  // A date is strong only when the response was made long enough after it (8.8.2.2).
  return date && stored.last_modified && *date == *stored.last_modified && stored.date &&
         *stored.date - *stored.last_modified >= 60;
}

bool IsConditional(const http::HeaderMap& request) {
  return request.Has(HeaderId::kIfNoneMatch) || request.Has(HeaderId::kIfModifiedSince) ||
         request.Has(HeaderId::kIfMatch) || request.Find("if-unmodified-since") != nullptr;
}

}  // namespace proxenos::cache
