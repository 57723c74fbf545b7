// The response fields that tell what an origin is made of, and their removal.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/filters/http/shield/name_set.h"

namespace proxenos::filters::shield {

// What is removed where nothing else is said: names in lower case; one that ends in "*" stands for
// all that begin so.
absl::Span<const absl::string_view> BuiltinOriginFields();
// The request fields that hold addresses of clients.
absl::Span<const absl::string_view> BuiltinClientFields();

}  // namespace proxenos::filters::shield
