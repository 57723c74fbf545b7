// Rules that nobody meant to be any: reading and checking them ends, with directives or errors, and
// says of each error where it is.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "source/base/check.h"
#include "source/waf/seclang.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos::waf;
  const RuleText text{"fuzz", std::string(reinterpret_cast<const char*>(data), size),
                      Origin::kConfigured};
  std::vector<RuleError> errors;
  uint32_t line = 0;
  for (const Directive& directive : ReadDirectives(text, errors)) {
    CHECK(directive.line > line);
    line = directive.line;
    CHECK(!directive.name.empty());
    for (const std::string& argument : directive.arguments) (void)ReadActions(argument);
  }
  CHECK(errors.size() <= 1);
  RuleCheck check;
  CheckRules(text, check);
  for (const RuleError& error : check.errors) CHECK(!error.reason.empty());
  return 0;
}
