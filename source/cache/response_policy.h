// ResponsePolicy: what RFC 9111 says of one response: whether a shared cache may store it
// (section 3), for how long it is fresh (4.2), and when it may be reused (4).
//
// Times are wall time, in microseconds; ages and lifetimes whole seconds. Nothing here knows of
// stores or streams.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/base/clock.h"
#include "source/cache/directives.h"
#include "source/http/message.h"

namespace proxenos::cache {

struct ResponsePolicy {
  base::WallTime response_time = 0;  // When it came.
  int64_t initial_age = 0;           // corrected_initial_age (section 4.2.3).
  int64_t lifetime = 0;              // freshness_lifetime (4.2.1).
  int64_t stale_while_revalidate = 0;
  int64_t stale_if_error = 0;
  bool always_validate = false;  // no-cache
  bool never_stale = false;      // must-revalidate, proxy-revalidate
  bool shared_lifetime = false;  // By s-maxage, which forbids stale reuse that is not asked for.
  bool heuristic = false;        // The lifetime is a guess (4.2.2).

  int64_t AgeAt(base::WallTime now) const;
  // Seconds of freshness left; negative once it is stale.
  int64_t TtlAt(base::WallTime now) const { return lifetime - AgeAt(now); }
};

// Why a response is not stored.
enum class StoreVerdict : uint8_t {
  kStore,
  kStatus,         // Interim, partial, 304, or one that must-understand asks to be understood.
  kNoStore,        // Of the response or of its request.
  kPrivate,        //
  kAuthorization,  // The request had credentials and the response does not say that it may be.
  kNotCacheable,   // Neither freshness nor anything else makes it so.
  kUseless,        // It could never be reused: stale from the start, without a validator.
  kVary,           // It depends on what a cache cannot see, or may not look at.
  kSetCookie,      // It sets a cookie and does not say how long it is fresh.
  kTooLarge,       //
};
absl::string_view Name(StoreVerdict verdict);

// What matters of the request that a response is for.
struct RequestFacts {
  bool authorization = false;
  bool no_store = false;
  base::WallTime time = 0;  // When it was sent to the origin.
  bool range = false;       // It asked for a part.
};

struct PolicyOptions {
  absl::Span<const absl::string_view> targets;  // As of ReadResponseDirectives.
  // Where the response says nothing; seconds.
  int64_t default_stale_if_error = 0;
  int64_t default_stale_while_revalidate = 0;
  int64_t max_heuristic = 86400;
};

struct Judgement {
  StoreVerdict verdict = StoreVerdict::kStatus;  // Which says nothing of Vary and of sizes.
  ResponsePolicy policy;
  std::vector<absl::string_view> withheld;  // Fields that may not be stored; views into the head.
};
Judgement JudgeResponse(const http::ResponseHead& head, const RequestFacts& request,
                        const PolicyOptions& options, base::WallTime now);

enum class Reuse : uint8_t {
  kFresh,
  kStale,            // The request takes it as it is (max-stale).
  kWhileRevalidate,  // Now, while it is validated in the background (RFC 5861, section 3).
  kValidate,         // Stale, or the response says no-cache.
  kRequestValidate,  // The request asks for it.
};
Reuse JudgeReuse(const ResponsePolicy& policy, const RequestDirectives& request,
                 base::WallTime now);

// Whether it may take the place of an error (RFC 5861, section 4).
bool MayReplaceError(const ResponsePolicy& policy, const RequestDirectives& request,
                     base::WallTime now);

// Statuses that a lifetime may be guessed for (RFC 9110, section 15.1) and that this cache stores.
bool IsHeuristicallyCacheable(uint16_t status);

// The first Age of the head in seconds; 0 where there is none that is a number (section 5.1).
int64_t AgeOf(const http::HeaderMap& headers);

}  // namespace proxenos::cache
