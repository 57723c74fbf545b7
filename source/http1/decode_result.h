// What a call of a decoder came to, and what it is to do with doubtful names.
#pragma once

#include <cstdint>

namespace proxenos::http1 {

enum class DecodeResult : uint8_t {
  kNeedMore,         // All was used, but for the beginning of an incomplete element.
  kMessageComplete,  // A message ended; what follows it was not looked at.
  kError,            // See error(). Final.
};

// What to do with a request whose field names, those of trailers included, hold an underscore:
// several origins treat it like a dash (HttpProtocolOptions.headers_with_underscores_action).
enum class Underscores : uint8_t { kAllow, kRejectRequest, kDropHeader };

}  // namespace proxenos::http1
