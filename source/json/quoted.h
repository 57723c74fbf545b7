// A text as JSON has it: for who writes objects by hand, field by field.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::json {

// With its quotes. What is no UTF-8 is written as U+FFFD.
void AppendQuoted(absl::string_view text, std::string& out);

}  // namespace proxenos::json
