// URLs of the origin in responses, made the client's: Location, Content-Location, Refresh, and the
// Domain of cookies. Only absolute URLs to one of the origin's authorities change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/filters/http/shield/name_set.h"
#include "source/http/header_map.h"
#include "source/net/address.h"

namespace proxenos::filters::shield {

// host [ ":" port ], taken apart: views into the text.
struct Authority {
  absl::string_view host;  // Without brackets and without a dot at its end; may be empty.
  uint16_t port = 0;       // 0: none is named.

  // Nothing where a port is named that is none. What is before an "@" does not count.
  static std::optional<Authority> Parse(absl::string_view text);
};

// A listed authority. Thread: any (immutable).
struct AuthorityPattern {
  std::string host;    // Lower case.
  bool below = false;  // All names below `host`, but not itself.
  uint16_t port = 0;   // 0: any.

  bool MatchesHost(absl::string_view other) const;
};

// What the client asked for, which URLs are to lead to.
struct ClientPlace {
  absl::string_view scheme;     // "http" or "https".
  absl::string_view authority;  // As it is sent; URLs stay when it is empty.
  absl::string_view path;       // With its query.
};

// What the origin goes by.
struct OriginPlace {
  absl::string_view sent;       // The authority that it was sent.
  absl::string_view host_name;  // Of the host that answered; may have a port.
  net::Address address;         // Its.
};

// Rewrites the URLs of one response. Thread: the stream's worker. Dies within the call.
class UrlRewriter {
 public:
  UrlRewriter(const ClientPlace& client, const OriginPlace& origin,
              absl::Span<const AuthorityPattern> listed);

  // The new URL; nothing where it stays.
  std::optional<std::string> Url(absl::string_view url) const;
  // The same of a field "5; url=URL" (HTML, "shared declarative refresh steps").
  std::optional<std::string> Refresh(absl::string_view value) const;
  // The same of a Set-Cookie, whose Domain becomes the client's host, or goes where that is no
  // name.
  std::optional<std::string> Cookie(absl::string_view value) const;

 private:
  bool IsOrigin(const Authority& authority, bool https) const;
  bool IsOriginHost(absl::string_view host) const;
  bool IsOriginPort(const Authority& authority, bool https) const;
  bool IsOriginDomain(absl::string_view domain) const;
  bool IsClient(const Authority& authority, bool https) const;

  const ClientPlace& client_;
  const OriginPlace& origin_;
  const absl::Span<const AuthorityPattern> listed_;
  const bool client_https_;
  Authority client_authority_;
  Authority sent_;
  Authority host_name_;
};

// Of OriginUrls. Thread: any (immutable).
struct OriginUrls {
  std::vector<AuthorityPattern> listed;
  bool cookies = false;

  // Whether there is anything that Apply would look at.
  bool Concerns(const http::HeaderMap& headers) const;
  void Apply(const ClientPlace& client, const OriginPlace& origin, http::HeaderMap& headers) const;
};

}  // namespace proxenos::filters::shield
