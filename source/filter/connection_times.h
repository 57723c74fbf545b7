// ConnectionTimes: when a connection with TLS came, and shook hands.
//
// Owner: the connection's parts. Connections without TLS have none: they stay as small as they are.
#pragma once

#include "source/base/clock.h"
#include "source/filter/find_part.h"
#include "source/filter/stream_info.h"

namespace proxenos::filter {

struct ConnectionTimes final : public ConnectionPart {
  static constexpr char kKeeper = 0;  // By its address.

  // Null where there are none.
  static const ConnectionTimes* Of(const ConnectionInfo& connection) {
    return FindPart<ConnectionTimes>(connection, &kKeeper);
  }

  base::MonoTime begin = 0;  // Accepted.
  base::MonoTime handshake_begin = 0;
  base::MonoTime handshake_end = 0;
};

}  // namespace proxenos::filter
