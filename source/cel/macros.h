// The macros of the language: calls that stand for loops.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/cel/syntax.h"

namespace proxenos::cel {

// What `target.function(arguments)` stands for; nothing: it is no macro. Error: it is one, and is
// used wrongly. Takes its arguments only where it gives something.
absl::StatusOr<std::optional<Syntax>> ExpandMacro(const std::string& function, Syntax& target,
                                                  std::vector<Syntax>& arguments);

// has(argument). Error: the argument is no selection.
absl::StatusOr<Syntax> ExpandHas(std::vector<Syntax> arguments);

}  // namespace proxenos::cel
