// Reading whole files that a configuration names: bounded, and with a reason when it fails.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace proxenos::config {

// What a file that holds one value (a certificate, a key, a body, a format) may weigh at most.
inline constexpr size_t kMaxValueFileBytes = size_t{16} << 20;

// The content of a file of at most `max_bytes`. Error: one line without the name of the file.
absl::StatusOr<std::string> ReadFile(const std::string& name, size_t max_bytes);

}  // namespace proxenos::config
