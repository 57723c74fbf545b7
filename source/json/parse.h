// JSON text of a peer to a Value (RFC 8259), strictly: no comments, no trailing commas, valid
// UTF-8, and no name twice in one object, since two readers could see different values of it.
//
// (config/json_reader.cc reads configuration, which is more forgiving and has lines to point at.)
#pragma once

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "source/json/value.h"

namespace proxenos::json {

inline constexpr int kMaxDepth = 32;  // Of lists and objects in each other.

// Nothing when the text is not JSON or nested too deeply. Costs memory in proportion to the text.
std::optional<Value> Parse(absl::string_view text);
// The same, of an object.
std::optional<Object> ParseObject(absl::string_view text);

}  // namespace proxenos::json
