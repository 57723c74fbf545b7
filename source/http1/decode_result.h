// What a call of a decoder came to.
#pragma once

#include <cstdint>

namespace proxenos::http1 {

enum class DecodeResult : uint8_t {
  kNeedMore,         // All was used, but for the beginning of an incomplete element.
  kMessageComplete,  // A message ended; what follows it was not looked at.
  kError,            // See error(). Final.
};

}  // namespace proxenos::http1
