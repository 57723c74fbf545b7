// Settings: what of a session and of its connection comes from
// envoy.config.core.v3.Http2ProtocolOptions. options_config.h makes it.
#pragma once

#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/http2/options.h"

namespace proxenos::http2 {

// KeepaliveSettings: when a connection is tested with PINGs.
struct Keepalive {
  base::Nanos interval = 0;       // Between PINGs; 0: none at intervals.
  base::Nanos timeout = 0;        // For an answer; any frame of the peer extends it.
  double jitter_percent = 15;     // Of `interval`, at most, added to each.
  base::Nanos idle_interval = 0;  // A PING before a new stream after that long idle; 0: none.

  // How long to wait before the next PING: connections made together are not tested together.
  base::Nanos UntilPing(base::Random& random) const {
    const auto most = static_cast<uint64_t>(static_cast<double>(interval) * jitter_percent / 100);
    return interval + (most == 0 ? 0 : static_cast<base::Nanos>(random.Below(most)));
  }
};

struct Settings {
  Options options;
  Keepalive keepalive;
};

}  // namespace proxenos::http2
