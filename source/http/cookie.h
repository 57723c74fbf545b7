// Cookies of a request (RFC 6265, section 5.4): `name=value` between "; ".
#pragma once

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::http {

// The value of the first cookie of that name, without quotes around it; false when there is none.
bool FindCookie(const HeaderMap& headers, absl::string_view name, absl::string_view* value);

}  // namespace proxenos::http
