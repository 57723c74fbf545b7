// Dates of HTTP (RFC 9110, section 5.6.7): the three formats that are read, and the one that is
// written, whatever the locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace proxenos::http {

inline constexpr size_t kDateSize = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes `seconds` since the Unix epoch as IMF-fixdate to `out` of kDateSize bytes.
// REQUIRES: 0 <= seconds < 253402300800 (the year 10000).
void FormatDate(int64_t seconds, char* out);

// Seconds since the Unix epoch. Names match in any case, as RFC 9111, section 4.2 asks of caches;
// any other zone than GMT is no date. `now` says which century a year of two digits is in.
// Total on hostile bytes.
std::optional<int64_t> ParseDate(absl::string_view text, int64_t now);

}  // namespace proxenos::http
