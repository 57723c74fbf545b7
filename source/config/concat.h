// Joins text and whole numbers into one string. Debian's abseil has a string_view of its own, apart
// from std::string_view, so absl::StrCat does not take the views that this project passes around.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

namespace proxenos::config {

template <typename... Parts>
void Append(std::string& out, const Parts&... parts) {
  const auto add = [&out](const auto& part) {
    using Part = std::decay_t<decltype(part)>;
    if constexpr (std::is_same_v<Part, char>) {
      out += part;
    } else if constexpr (std::is_integral_v<Part>) {
      out += std::to_string(part);
    } else {
      out += std::string_view(part);
    }
  };
  (add(parts), ...);
}

template <typename... Parts>
std::string Concat(const Parts&... parts) {
  std::string out;
  Append(out, parts...);
  return out;
}

}  // namespace proxenos::config
