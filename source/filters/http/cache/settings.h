// What a cache filter is configured with, and the store behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/cache/key.h"
#include "source/cache/response_policy.h"
#include "source/cache/stores.h"
#include "source/match/string_matcher.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::cache {

namespace store = ::proxenos::cache;

// envoy.extensions.filters.http.cache.v3.CacheConfig with the store that it names. Thread: any.
struct Settings {
  bool disabled = false;
  store::StoreHandle store;  // Null when disabled.
  store::KeyOptions key;
  // By which responses may vary. `any_vary`: by whatever they name.
  std::vector<match::StringMatcher> vary;
  bool any_vary = false;
  uint64_t max_body_bytes = UINT64_MAX;
  bool ignore_request_directives = false;

  std::vector<std::string> targets;  // Lower-case names of targeted fields.
  std::vector<std::string> tag_fields;
  int64_t stale_if_error = 0;  // Seconds, where responses do not say.
  int64_t stale_while_revalidate = 0;
  int64_t max_heuristic = 86400;
  std::string status_name = "proxenos";
  bool shows_status = true;
  bool collapses = true;
  bool fetches_whole = false;  // Where a part was asked for that is not stored.
  base::Nanos collapse_timeout = 5 * base::kSecond;

  // Views into `targets`; set once they do not move any more.
  std::vector<absl::string_view> target_views;
  store::PolicyOptions policy() const {
    return {target_views, stale_if_error, stale_while_revalidate, max_heuristic};
  }
};

// Scope: "http.PREFIX.cache.". One group a worker.
#define PX_CACHE_STATS(X)      \
  X(Counter, hit)              \
  X(Counter, miss)             \
  X(Counter, bypass)           \
  X(Counter, validated)        \
  X(Counter, replaced)         \
  X(Counter, stale_served)     \
  X(Counter, collapsed)        \
  X(Counter, collapse_timeout) \
  X(Counter, stored)           \
  X(Counter, not_stored)       \
  X(Counter, broken_fill)      \
  X(Counter, invalidated)      \
  X(Counter, background)
PX_STATS(CacheStats, PX_CACHE_STATS);

}  // namespace proxenos::filters::cache
