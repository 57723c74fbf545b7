// When an entry about a session of datagrams is written: more of LogType, which the UDP proxy alone
// has to know.
#pragma once

#include "source/access_log/value.h"

namespace proxenos::access_log {

// envoy.data.accesslog.v3.AccessLogType, as of LogType; value.cc has their names.
inline constexpr LogType kUdpPeriodic{12};
inline constexpr LogType kUdpSessionEnd{13};

}  // namespace proxenos::access_log
