// The heads of an HTTP message as every layer above the codecs sees them: version-neutral, with
// the control data (method, target, authority, status) in typed fields and never among the headers.
//
// What a codec takes out of the header section: Host (→ authority), Connection and the fields it
// names, Keep-Alive, Proxy-Connection, Transfer-Encoding, TE other than `trailers`, Upgrade
// (→ upgrade), HTTP2-Settings. Content-Length stays as a field and is also parsed into `framing`.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::http {

enum class Method : uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther,
};

enum class Version : uint8_t { kHttp10, kHttp11, kHttp2 };

// How the length of a body is known (RFC 9112, section 6.3).
struct Framing {
  enum Kind : uint8_t {
    kNone,        // No body at all.
    kLength,      // Exactly `length` bytes.
    kChunked,     // Self-delimiting; trailers may follow.
    kUntilClose,  // A response that ends with its connection.
    kTunnel,      // After CONNECT or an upgrade: bytes, both ways, until either side ends.
  };
  Kind kind = kNone;
  uint64_t length = 0;
};

class NameSpellings;

// A request head. All views live in the head's bytes or in the arena of `headers`.
struct RequestHead {
  explicit RequestHead(buffer::Arena& arena) : headers(arena) {}

  Method method = Method::kGet;
  Version version = Version::kHttp11;
  bool keep_alive = true;  // What the peer's version and Connection say.
  bool expects_continue = false;
  bool te_trailers = false;  // TE: trailers was sent.
  absl::string_view method_text;
  // Origin form with query ("/a?b"), "*" for OPTIONS, empty for CONNECT.
  absl::string_view path;
  absl::string_view authority;  // Empty only for HTTP/1.0 without Host.
  absl::string_view scheme;     // "http" or "https"; set by the connection, or by absolute form.
  absl::string_view upgrade;    // Protocol asked for by Upgrade (with Connection: upgrade).
  Framing framing;
  // How the peer wrote the names of its fields, where that is kept; null: in lower case. In the
  // arena of `headers`.
  const NameSpellings* spellings = nullptr;
  HeaderMap headers;
};

// A response head.
struct ResponseHead {
  explicit ResponseHead(buffer::Arena& arena) : headers(arena) {}

  uint16_t status = 0;
  Version version = Version::kHttp11;
  bool keep_alive = true;
  absl::string_view reason;   // As received; the codec writes the standard phrase when empty.
  absl::string_view upgrade;  // On 101.
  Framing framing;
  const NameSpellings* spellings = nullptr;  // As of a request.
  HeaderMap headers;
};

Method ParseMethod(absl::string_view text);  // kOther for any other token.
// Doing it again does no more than doing it once (RFC 9110, section 9.2.2). kOther is taken for one
// that is not.
bool IsIdempotent(Method method);
// The standard reason phrase (RFC 9110 and registered ones), "Unknown" for others.
absl::string_view ReasonPhrase(uint16_t status);
absl::string_view VersionText(Version version);  // "HTTP/1.1"

}  // namespace proxenos::http
