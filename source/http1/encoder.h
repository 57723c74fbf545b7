// The HTTP/1.1 encoder: heads, chunks and trailers into a Buffer.
//
// Invariant: what it writes has exactly one framing, and no field, path or phrase can end a line,
// whatever a filter put there: controls in a value (CR, LF, NUL among them) become spaces; what may
// not stand in a request target is percent-encoded. Fields that belong to the connection
// (Connection, Host, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade) are written from
// the typed parts of the head only; if a header map holds one, it is left out.
#pragma once

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/http/message.h"
#include "source/http/name_spellings.h"

namespace proxenos::http1 {

// What a server answers to `Expect: 100-continue` (the decoder takes that field out; a connection
// that would rather have it travel adds it again).
inline constexpr absl::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

struct RequestOptions {
  http::NameStyle names = http::NameStyle::kLowerCase;
  bool absolute_form = false;  // "http://host/path", as for a proxy (RFC 9112, 3.2.2).
};

// Appends a request head. Returns how its body goes on the wire:
//   kNone     nothing follows;
//   kLength   exactly framing.length bytes (a Content-Length is written if no field says the same);
//   kChunked  AppendChunk and AppendLastChunk;
//   kTunnel   bytes as they come.
// Names are written as `head.spellings` say, where they are kept, else in the style of the options.
http::Framing::Kind EncodeRequestHead(const http::RequestHead& head, buffer::Buffer& out,
                                      const RequestOptions& options = {});

struct ResponseOptions {
  bool close = false;      // The connection closes after this response.
  bool to_http10 = false;  // The request was HTTP/1.0: no chunks, keep-alive said aloud.
  bool to_head = false;    // The request was HEAD: no body, Content-Length kept as it is.
  http::NameStyle names = http::NameStyle::kLowerCase;  // As of a request.
};

// Appends a response head, informational ones too. Returns how its body goes on the wire: as above,
// and kUntilClose (an HTTP/1.0 peer and no length): then the connection must close after it,
// whatever options.close says. A body that came until-close goes to HTTP/1.1 peers in chunks.
http::Framing::Kind EncodeResponseHead(const http::ResponseHead& head,
                                       const ResponseOptions& options, buffer::Buffer& out);

// Moves all of `from` to `out` as one chunk. REQUIRES: !from.empty().
void AppendChunk(buffer::Buffer& from, buffer::Buffer& out);
// Ends a chunked body; `trailers` may be nullptr.
void AppendLastChunk(const http::HeaderMap* trailers, buffer::Buffer& out);

}  // namespace proxenos::http1
