// The seam between codecs and connections: bytes in, visitor calls out. A codec knows no socket,
// no loop and no clock.
//
// Legal sequences, per message:  OnHead (OnBody)* (OnTrailers)? OnComplete
// with, on the client side, any number of OnInformational before OnHead. A tunnel has
// OnHead (OnBody)* and ends when its connection does. After an error nothing more is called.
// Visitors only deposit what they are given; they destroy nothing and feed no codec meanwhile.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/buffer/slab.h"
#include "source/http/message.h"

namespace proxenos::http {

// Why bytes were refused. The downstream side answers with StatusOf(error), the upstream side with
// 502; Detail names it in the access log (%RESPONSE_CODE_DETAILS%).
enum class CodecError : uint8_t {
  kNone,
  kBadStartLine,         // 400
  kBadMethod,            // 400: not a token
  kBadTarget,            // 400
  kBadVersion,           // 505 for a well-formed other version, else kBadStartLine
  kHttp10Refused,        // 426: HTTP/1.0 while accept_http_10 is off (Envoy's answer)
  kBadHeaderName,        // 400
  kBadHeaderValue,       // 400
  kBareLineFeed,         // 400
  kBareCarriageReturn,   // 400
  kObsoleteFold,         // 400
  kUnderscoreInName,     // 400, when so configured
  kBadHost,              // 400: missing, several or malformed
  kBadContentLength,     // 400: malformed, several, or overflowing
  kLengthAndChunked,     // 400
  kBadTransferEncoding,  // 501 when unknown, see kUnknownTransferEncoding; 400 when not final etc.
  kUnknownTransferEncoding,  // 501
  kBadConnectionHeader,      // 400
  kBadUpgrade,               // 400
  kBadExpect,                // 417
  kBadChunk,                 // 400
  kBadTrailer,               // 400
  kHeadTooLarge,             // 431
  kTooManyHeaders,           // 431
  kTargetTooLong,            // 414
  kTrailersTooLarge,         // 431
  kUnexpectedEnd,            // the connection ended inside a message
  kUnexpectedResponse,       // client side: bytes without a request
  kBadStatus,                // client side
};

uint16_t StatusOf(CodecError error);
// A short stable name such as "http1.codec_error.bare_line_feed".
absl::string_view Detail(CodecError error);

}  // namespace proxenos::http
