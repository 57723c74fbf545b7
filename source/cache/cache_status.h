// Cache-Status (RFC 9211): how a cache dealt with a request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::cache {

// Why a request went on to the origin (section 2.2).
enum class Forwarded : uint8_t { kNo, kBypass, kMethod, kUriMiss, kVaryMiss, kRequest, kStale };

struct CacheStatus {
  Forwarded forwarded = Forwarded::kNo;  // kNo: a hit.
  bool hit = false;
  std::optional<uint16_t> forward_status;
  std::optional<int64_t> ttl;
  bool stored = false;
  bool collapsed = false;
  absl::string_view detail;  // A token; empty: none.
};

// The list member that says so; `name` is a token or is put in quotes.
std::string Render(absl::string_view name, const CacheStatus& status);

// Appends it to what caches before this one said, as one field.
void AppendCacheStatus(absl::string_view member, http::HeaderMap& headers);

}  // namespace proxenos::cache
