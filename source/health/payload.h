// What an answer has to hold: HealthCheck.Payload. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::health {

// Whether `text` has all of `wanted`, one behind the other, with anything between.
inline bool ContainsInOrder(absl::string_view text, const std::vector<std::string>& wanted) {
  size_t from = 0;
  for (const std::string& each : wanted) {
    const size_t at = text.find(each, from);
    if (at == absl::string_view::npos) return false;
    from = at + each.size();
  }
  return true;
}

}  // namespace proxenos::health
