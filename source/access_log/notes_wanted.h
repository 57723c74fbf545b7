// Which configurations ask for a stream's notes (filter/log_notes.h).
#pragma once

#include "absl/strings/string_view.h"

namespace proxenos::access_log {

// Whether `text`, a format or a whole serialized configuration that has some, names an operator
// that only notes can answer. True for some texts that do not: those streams have notes for
// nothing.
bool AsksForNotes(absl::string_view text);

}  // namespace proxenos::access_log
