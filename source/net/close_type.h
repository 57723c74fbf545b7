// CloseType: how a connection ended, as a log tells of it.
#pragma once

#include <cstdint>

namespace proxenos::net {

// kNone: it has not ended.
enum class CloseType : uint8_t { kNone, kNormal, kLocalReset, kRemoteReset };

}  // namespace proxenos::net
