// Numbers in header fields, as the router reads and writes them.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/numbers.h"
#include "source/base/clock.h"
#include "source/http/header_map.h"

namespace proxenos::filters::router {

inline void SetNumber(http::HeaderMap& headers, http::HeaderId id, uint64_t value) {
  char digits[absl::numbers_internal::kFastToBufferSize];
  const char* end = absl::numbers_internal::FastIntToBuffer(value, digits);
  headers.Set(id, absl::string_view(digits, static_cast<size_t>(end - digits)));
}

// A field of milliseconds; nothing when there is none or it is no number.
std::optional<base::Nanos> ReadMs(const http::HeaderMap& headers, http::HeaderId id);
// The same, and takes it out.
std::optional<base::Nanos> TakeMs(http::HeaderMap& headers, http::HeaderId id);

}  // namespace proxenos::filters::router
