// URLs to which browsers are sent, and text that is put into them.
//
// Every function is total on hostile bytes. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::filters::oauth2 {

// All but unreserved characters as %XX (RFC 3986, section 2).
std::string EncodeComponent(absl::string_view text);

struct Url {
  absl::string_view host;  // Without port and brackets.
  absl::string_view path;  // With its query; empty: none.
};
// An absolute URL of http or https with a host, without userinfo, fragment, blanks, backslashes or
// control characters: what every browser reads as we do. Views into `text`.
std::optional<Url> ParseUrl(absl::string_view text);

// The host of an authority, without port and brackets.
absl::string_view HostOf(absl::string_view authority);

// allowed_redirect_domains: a name, or "*." and what every name below has in common.
bool IsOneOf(absl::string_view host, const std::vector<std::string>& domains);
// Whether cookies of this domain come to the host (RFC 6265, section 5.1.3).
bool IsWithin(absl::string_view host, absl::string_view cookie_domain);

}  // namespace proxenos::filters::oauth2
