// Max-Forwards (RFC 9110, section 7.6.2): how many more intermediaries an OPTIONS or a TRACE may
// pass.
#pragma once

#include "source/filter/stream_context.h"

namespace proxenos::filters::router {

// Counts this proxy. True: there may be none, so that it is the recipient, and has answered.
bool AnswerLastForward(filter::StreamContext& stream);

}  // namespace proxenos::filters::router
