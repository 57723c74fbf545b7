// RuleSource: rules before they are compiled: texts in SecLang, in order, with the names by which
// errors speak of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace proxenos::waf {

// Who wrote a text decides what may stand in it.
enum class Origin : uint8_t {
  kOurs,        // Made from typed fields, or the rule set's own files.
  kConfigured,  // SecLang of a configuration.
};

struct RuleText {
  std::string name;  // A file's path, or the path of the field.
  std::string text;
  Origin origin = Origin::kConfigured;
};

struct RuleSource {
  std::vector<RuleText> texts;
};

// Something wrong with a rule: where, and what.
struct RuleError {
  std::string name;   // Of the text.
  uint32_t line = 0;  // From 1; 0: not known.
  std::string reason;
};

}  // namespace proxenos::waf
