// Cookies of a request (RFC 6265, section 5.4): `name=value` between "; ".
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::http {

// Calls visit with the value of each cookie of that name, without quotes around it, until it says
// false.
void ForEachCookie(const HeaderMap& headers, absl::string_view name,
                   absl::FunctionRef<bool(absl::string_view)> visit);
// The value of the first cookie of that name, without quotes around it; false when there is none.
bool FindCookie(const HeaderMap& headers, absl::string_view name, absl::string_view* value);

}  // namespace proxenos::http
