// The stats of a secret that is discovered or watched. Names are Envoy's. Rule: a line stands here
// only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: SecretScope. Thread: main. update_failure: the source was lost or could not be read.
// key_rotation_failed: files that changed and cannot be used.
#define PX_SECRET_STATS(X)        \
  X(Counter, update_attempt)      \
  X(Counter, update_success)      \
  X(Counter, update_failure)      \
  X(Counter, update_rejected)     \
  X(Counter, init_fetch_timeout)  \
  X(Counter, key_rotation_failed) \
  X(Gauge, version)               \
  X(TextReadout, version_text)
PX_STATS(SecretStats, PX_SECRET_STATS);

}  // namespace proxenos::stats
