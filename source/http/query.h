// Changing the query of a path: parameters are `name=value` between "&", not decoded.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::http {

// The path without any parameter of that name; without "?" when none is left.
std::string RemoveQueryParameter(absl::string_view path, absl::string_view name);
// The path with this one parameter of that name, in the place of the first there was, else last.
std::string SetQueryParameter(absl::string_view path, absl::string_view name,
                              absl::string_view value);

}  // namespace proxenos::http
