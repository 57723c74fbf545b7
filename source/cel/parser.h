// From the text of an expression to its Syntax: the grammar of the CEL specification, with its
// macros (has, all, exists, exists_one, map, filter) already written out.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/cel/syntax.h"

namespace proxenos::cel {

// Longer texts are mistakes or attacks.
inline constexpr size_t kMaxTextBytes = size_t{16} * 1024;

// Error: what is wrong, and at which byte.
absl::StatusOr<Syntax> ParseExpression(absl::string_view text);

}  // namespace proxenos::cel
