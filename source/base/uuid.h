// FormatUuid: random bits as a UUID of version 4 (RFC 9562, section 5.4).
#pragma once

#include <cstddef>
#include <cstdint>

namespace proxenos::base {

inline constexpr size_t kUuidSize = 36;

// Writes kUuidSize characters to `out`.
void FormatUuid(const uint64_t random[2], char* out);

}  // namespace proxenos::base
