// xxHash64: the fingerprint of resources and versions, and the hash that consistent hashing goes
// by. Envoy uses the same: its `version` gauges show the same number, and its hash tables send the
// same request to the same host.
//
// Not against an adversary: whoever compares by it also compares the bytes.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace proxenos::base {

uint64_t XxHash64(absl::string_view bytes, uint64_t seed = 0);

}  // namespace proxenos::base
