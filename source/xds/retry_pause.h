// How long to wait before a stream that ended is opened again.
#pragma once

#include <algorithm>

#include "source/base/back_off.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/xds/grpc_target.h"

namespace proxenos::xds {

// From the target's base on, doubled for each of `failures` in a row; the random part keeps a fleet
// from coming back in step after its control plane restarts.
inline base::Nanos RetryPause(const GrpcTarget& target, int failures, base::Random& random) {
  const base::Nanos ceiling =
      base::Doubled(2 * target.backoff_base, static_cast<uint32_t>(failures), target.backoff_max);
  const base::Nanos half = std::max<base::Nanos>(ceiling / 2, 1);
  return half + static_cast<base::Nanos>(random.Below(static_cast<uint64_t>(half) + 1));
}

}  // namespace proxenos::xds
