// The fields of requests that Router.strict_check_headers may name, and what they must be like.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/http/header_map.h"

namespace proxenos::filters::router {

struct StrictFault {
  absl::string_view name;
  absl::string_view value;  // In the map.
};

// The first of these fields, in their order, whose value is not what the router reads from it:
// a number, or words of retry_on. Nothing where all are.
std::optional<StrictFault> FindStrictFault(absl::Span<const http::HeaderId> checked,
                                           const http::HeaderMap& headers);

}  // namespace proxenos::filters::router
