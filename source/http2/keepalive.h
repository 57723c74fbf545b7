// When a connection is to be tested with PINGs: envoy.config.core.v3.KeepaliveSettings.
#pragma once

#include "source/base/clock.h"

namespace proxenos::http2 {

struct Keepalive {
  base::Nanos interval = 0;       // Between PINGs; 0: none at intervals.
  base::Nanos timeout = 0;        // For an answer; any frame of the peer extends it.
  double jitter_percent = 15;     // Of `interval`, at most, added to each.
  base::Nanos idle_interval = 0;  // A PING before a new stream after that long idle; 0: none.
};

}  // namespace proxenos::http2
