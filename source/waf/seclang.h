// SecLang as far as we read it ourselves: directives with their lines and arguments, and what is
// wrong with them that the engine would not say: libmodsecurity takes a broken expression, an
// operator that it does not know and a chain without an end for rules that never match.
//
// Total: whatever the text is, it ends with directives or with an error. Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "source/waf/rule_source.h"

namespace proxenos::waf {

// A text of rules may have this much, and as many directives. The whole Core Rule Set has 600 KiB
// and some 700.
inline constexpr size_t kMaxRuleTextBytes = 4 * 1024 * 1024;
inline constexpr size_t kMaxDirectives = 50'000;

struct Directive {
  uint32_t line = 0;                   // Where it begins, from 1.
  std::string name;                    // As written.
  std::vector<std::string> arguments;  // Without quotes and escapes of quotes.
  bool has_quotes = false;             // Some argument had them.
};

// One action of a rule, such as {"id", "42"} or {"deny", ""}.
struct Action {
  std::string name;  // Lower case.
  std::string value;
};

// The directives of a text. What cannot be split is an error and ends the reading.
std::vector<Directive> ReadDirectives(const RuleText& text, std::vector<RuleError>& errors);

// The actions of a rule's last argument: parted by commas outside of single quotes.
std::vector<Action> ReadActions(absl::string_view text);

// Rules that are made from typed fields have these ids.
inline constexpr int64_t kFirstOwnId = 990'000'000;
inline constexpr int64_t kLastOwnId = 990'999'999;

// What a check of several texts, one after another, has seen and found.
struct RuleCheck {
  std::vector<RuleError> errors;
  absl::flat_hash_map<int64_t, std::string> ids;  // With where they stand.
  absl::flat_hash_set<int64_t> drops;             // Rules that drop the connection.
  // Of rules with multiMatch, which the engine tells without them.
  absl::flat_hash_map<int64_t, std::vector<std::string>> tags;
  struct DataFile {
    std::string text_name;  // Of the text that names it.
    uint32_t line = 0;
    std::string name;  // As written.
  };
  std::vector<DataFile> data_files;
};

// Checks one text: each rule has an id of its own, operators exist, expressions compile, chains
// end, and what a configuration may not say is not said.
void CheckRules(const RuleText& text, RuleCheck& check);

// The check of all of them; null, with what is wrong, when something is.
std::shared_ptr<const RuleCheck> Check(const RuleSource& source, std::vector<RuleError>& errors);

}  // namespace proxenos::waf
