// Loggers of Envoy's that have no part here to belong to. Deployment tools and operators name them
// without asking (misc:error, rbac:debug), so a level for one is no mistake, and changes nothing.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::base {

bool IsForeignLogger(absl::string_view name);

// Levels as --component-log-level and /logging?paths= take them.
struct ComponentLevels {
  std::string own;                   // As Log::SetComponentLevels takes them; what is wrong too.
  std::vector<std::string> foreign;  // NAME:LEVEL, with a level that there is.
};
ComponentLevels SplitComponentLevels(absl::string_view text);

}  // namespace proxenos::base
