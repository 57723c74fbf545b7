// Cache directives: Cache-Control of requests and responses (RFC 9111, section 5.2), and the
// targeted fields that take its place for some caches (RFC 9213).
//
// What cannot be understood is read in the direction that stores and reuses less: a lifetime that
// is no number is zero, a qualified directive whose list cannot be read counts as unqualified.
// Every function here is total on hostile bytes and looks at each byte a few times at most.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/http/header_map.h"

namespace proxenos::cache {

// Of delta-seconds, larger ones count as this (RFC 9111, section 1.2.2).
inline constexpr int64_t kMaxSeconds = int64_t{1} << 31;

// An argument of delta-seconds. When a directive comes twice the first one counts (section 4.2.1).
struct Seconds {
  bool present = false;
  bool valid = false;  // Else it was no number.
  int64_t value = 0;   // 0 unless valid.
};

struct RequestDirectives {
  Seconds max_age;
  Seconds min_fresh;
  Seconds max_stale;
  Seconds stale_if_error;  // RFC 5861, section 4
  bool any_stale = false;  // max-stale without a value: however stale.
  bool no_cache = false;
  bool no_store = false;
  bool only_if_cached = false;
};

struct ResponseDirectives {
  Seconds max_age;
  Seconds s_maxage;
  Seconds stale_while_revalidate;  // RFC 5861
  Seconds stale_if_error;
  bool no_store = false;
  bool no_cache = false;    // Unqualified.
  bool is_private = false;  // Unqualified.
  bool is_public = false;
  bool must_revalidate = false;
  bool may_share_credentials = false;  // must-revalidate that says just that allows it (3.5).
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool targeted = false;  // They come from a targeted field: Cache-Control and Expires are void.
  // Fields that qualified no-cache and private name: views into the head, in any case.
  std::vector<absl::string_view> withheld_fields;
};

// With Pragma: no-cache where there is no Cache-Control (section 5.4).
RequestDirectives ReadRequestDirectives(const http::HeaderMap& headers);

// `targets`: lower-case names of the targeted fields that this cache obeys, the most specific one
// first. The first that is there, can be parsed and is not empty is obeyed in the place of
// Cache-Control.
ResponseDirectives ReadResponseDirectives(const http::HeaderMap& headers,
                                          absl::Span<const absl::string_view> targets);

// Calls member(absl::string_view), trimmed, for each one of a comma-separated list that is not
// empty; commas in quoted strings do not separate, but for one that does not end. False when it was
// told to stop, by false.
bool ForEachMember(absl::string_view list, absl::FunctionRef<bool(absl::string_view)> member);

// The value of delta-seconds, or not valid.
Seconds ReadSeconds(absl::string_view digits);

}  // namespace proxenos::cache
