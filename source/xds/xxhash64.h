// The fingerprint of resources and versions: base/xxhash64.h.
#pragma once

#include "source/base/xxhash64.h"

namespace proxenos::xds {

using base::XxHash64;

}  // namespace proxenos::xds
