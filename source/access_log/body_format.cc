// Bodies by format.
#include "source/access_log/body_format.h"

#include <variant>

namespace proxenos::access_log {

std::string BodyFormat::Make(const FormatInput& input) const {
  std::string body;
  std::visit([&](const auto& each) { each.Format(input, body); }, format);
  return body;
}

}  // namespace proxenos::access_log
