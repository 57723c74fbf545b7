// Whether text is an authority as requests may name one: what Host, :authority and CONNECT hold.
//
// The functions may read up to 15 bytes behind `text` (see chars.h).
#pragma once

#include "absl/strings/string_view.h"

namespace proxenos::http {

// host [ ":" port ]; no userinfo (RFC 9110, 4.2.4; RFC 3986, 3.2).
bool IsAuthority(absl::string_view text);
// authority-form: a host and a port, both there (RFC 9112, 3.2.3).
bool IsHostAndPort(absl::string_view text);

}  // namespace proxenos::http
