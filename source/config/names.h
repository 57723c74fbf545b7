// Names in error messages: the nearest known spelling, lists of choices, and the UTF-8 check that
// every string field needs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace proxenos::config {

// The known name that `name` most likely meant, by edit distance; empty where none is near.
std::string_view NearestName(std::string_view name, const std::vector<std::string_view>& known);

// "A, B or C"; a long list is cut.
std::string JoinNames(const std::vector<std::string_view>& names);

bool IsValidUtf8(std::string_view text);

}  // namespace proxenos::config
