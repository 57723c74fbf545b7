// nghttp2's callbacks, which find their SessionState and call it.
#pragma once

#include <nghttp2/nghttp2.h>

#include "source/http2/stream.h"

namespace proxenos::http2 {

// One set serves all sessions of both roles.
const nghttp2_session_callbacks& Callbacks();

// Where nghttp2 asks for what `stream` has to send.
nghttp2_data_provider BodyOf(Stream& stream);

}  // namespace proxenos::http2
