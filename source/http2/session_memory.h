// What nghttp2 allocates for a session, and what of it stays.
//
// A session's largest block by far is the buffer that it packs one frame in: 16 KiB. It is empty
// but while frames are taken out, which happens to one session of a thread at a time, so all
// sessions of a thread share one.
#pragma once

#include <nghttp2/nghttp2.h>

#include "source/http2/options.h"

namespace proxenos::http2 {

// A new session whose memory is as told above. REQUIRES of the caller: between two calls of
// nghttp2_session_mem_send whose results hang together (until it returns 0) no other session of
// this thread packs frames, and what the first gave is taken before the next.
nghttp2_session* NewSession(const nghttp2_session_callbacks& callbacks, const Options& options,
                            bool server, void* user_data);

}  // namespace proxenos::http2
