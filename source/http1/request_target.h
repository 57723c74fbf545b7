// The four forms of a request target (RFC 9112, 3.2).
#pragma once

#include "absl/strings/string_view.h"
#include "source/http/codec.h"
#include "source/http/message.h"

namespace proxenos::http1 {

// Takes `target` apart into path, authority and scheme of `head`, whose method is set. Any other
// form than the method allows is an error. The views lie in `target`, but for a path that has to
// be put together ("http://a?q" -> "/?q"), which lies in the arena.
// REQUIRES: target lies in a slab, holds target characters only and is not empty.
http::CodecError ParseTarget(absl::string_view target, bool allow_absolute_url,
                             http::RequestHead& head);

}  // namespace proxenos::http1
