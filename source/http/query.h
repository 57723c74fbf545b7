// The parameters of a path's query: `name=value` between "&". Values are not decoded; names are
// compared decoded.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace proxenos::http {

// Calls visit with the value of each parameter of that name.
void ForEachQueryParameter(absl::string_view path, absl::string_view name,
                           absl::FunctionRef<void(absl::string_view)> visit);
// The path without any parameter of that name; without "?" when none is left.
std::string RemoveQueryParameter(absl::string_view path, absl::string_view name);
// The path with this one parameter of that name, in the place of the first there was, else last.
std::string SetQueryParameter(absl::string_view path, absl::string_view name,
                              absl::string_view value);

}  // namespace proxenos::http
