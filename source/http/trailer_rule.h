// Which fields may stand in a trailer section (RFC 9110, 6.5.1): those that frame, route, modify or
// authenticate a message come too late there, and somebody who merges them into the head would
// believe them.
#pragma once

#include "source/http/header_id.h"

namespace proxenos::http {

enum class TrailerRule : uint8_t {
  kPass,
  kDrop,    // Meaningless here: taken out.
  kRefuse,  // Belongs to the connection or the framing: the message is wrong.
};

TrailerRule RuleOfTrailer(HeaderId id);

}  // namespace proxenos::http
