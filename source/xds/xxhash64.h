// xxHash64 (seed 0): the fingerprint of resources and versions. Envoy reports the same number in
// its `version` gauges, so dashboards that compare control plane and proxy keep working.
//
// Not against an adversary: whoever compares by it also compares the bytes.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace proxenos::xds {

uint64_t XxHash64(absl::string_view bytes);

}  // namespace proxenos::xds
