// Conditional requests (RFC 9110, section 13) as a cache sees them: the client's own preconditions
// against what is stored, and the validators that two responses are told apart by.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "source/http/message.h"

namespace proxenos::cache {

// What a response is known by.
struct Validators {
  absl::string_view etag;                // As it stands in the field; empty: none.
  std::optional<int64_t> last_modified;  // Seconds since the epoch.
  std::optional<int64_t> date;
};
Validators ValidatorsOf(const http::HeaderMap& response, int64_t now_seconds);

// Section 8.8.3.2. An entity tag without quotes is compared as it stands, so that a broken origin's
// tags still tell its responses apart.
bool WeakMatch(absl::string_view a, absl::string_view b);
// Both strong and the same.
bool StrongMatch(absl::string_view a, absl::string_view b);

enum class Condition : uint8_t {
  kNone,         // There is none, or it holds: the whole response.
  kNotModified,  // 304
  kForward,      // One that only the origin can judge (If-Match, If-Unmodified-Since).
};
// What a stored 200 answers to the preconditions of a GET or HEAD; `etag` and dates are its own.
Condition Evaluate(const http::HeaderMap& request, const Validators& stored, int64_t now_seconds);

// Whether Range may be obeyed: there is no If-Range, or it names this very response (13.1.5).
bool IfRangeHolds(const http::HeaderMap& request, const Validators& stored, int64_t now_seconds);

// Fields of a request that make it conditional; a request to the origin that validates a stored
// response has ours in their place.
bool IsConditional(const http::HeaderMap& request);

}  // namespace proxenos::cache
