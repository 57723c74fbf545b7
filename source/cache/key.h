// Key: what one stored URL is found by: scheme, host, path with query; beside them the cluster that
// answers, as routes may lead requests for one URL to several, the host as it was written where
// that is not its usual form, and the fields that origins build links from although they are no
// part of the URL.
//
// The text is exact: nothing is decoded, sorted or dropped, so that no two URLs that an origin may
// tell apart are one here. (Paths are in canonical form already where the connection manager
// normalizes them.)
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/message.h"

namespace proxenos::cache {

// KeyCreatorParams of Envoy's CacheConfig.
struct KeyOptions {
  bool without_scheme = false;
  bool without_host = false;
};

class Key {
 public:
  Key() = default;
  // Of a request for what its path names. `cluster`: that its route leads to; empty: none.
  Key(const http::RequestHead& head, absl::string_view cluster, const KeyOptions& options);
  explicit Key(std::string url);

  const std::string& url() const { return url_; }
  // What is beside the URL, one "name:value" a line, the cluster first.
  const std::string& extra() const { return extra_; }
  uint64_t hash() const { return hash_; }  // Of the URL.

 private:
  std::string url_;
  std::string extra_;
  uint64_t hash_ = 0;
};

// Whether fields of a client are in a key's `extra`.
bool HasClientFields(absl::string_view extra);

// The URL as keys have it: "http://host/path?query"; the host in lower case, without the
// scheme's own port.
std::string UrlText(absl::string_view scheme, absl::string_view authority, absl::string_view path,
                    const KeyOptions& options);

// The URL that `reference` (of Location or Content-Location) means in an answer to `head`, in the
// form of UrlText, where it has the same origin; else empty (RFC 9111, section 4.4).
std::string ResolveSameOrigin(const http::RequestHead& head, absl::string_view reference,
                              const KeyOptions& options);

// Whether the request carries a field by which an origin may take it for another method or path:
// then nothing is looked up and nothing stored.
bool DisguisesItself(const http::HeaderMap& headers);

}  // namespace proxenos::cache
