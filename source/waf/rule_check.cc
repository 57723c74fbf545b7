// What may stand in rules, and what is wrong with them though the engine would take it.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "source/waf/seclang.h"

namespace proxenos::waf {
namespace {

// Of libmodsecurity 3.0.9, in lower case.
constexpr absl::string_view kOperators[] = {
    "beginswith",
    "contains",
    "containsword",
    "detectsqli",
    "detectxss",
    "endswith",
    "eq",
    "ge",
    "gt",
    "ipmatch",
    "ipmatchf",
    "ipmatchfromfile",
    "le",
    "lt",
    "nomatch",
    "pm",
    "pmf",
    "pmfromfile",
    "rsub",
    "rx",
    "rxglobal",
    "streq",
    "strmatch",
    "unconditionalmatch",
    "validatebyterange",
    "validatedtd",
    "validatehash",
    "validateschema",
    "validateurlencoding",
    "validateutf8encoding",
    "verifycc",
    "verifycpf",
    "verifyssn",
    "verifysvnr",
    "within",
};

struct Hint {
  absl::string_view name;  // Lower case.
  absl::string_view hint;
};

constexpr absl::string_view kDirectives[] = {
    "secaction",
    "seccomponentsignature",
    "secdefaultaction",
    "secmarker",
    "secrule",
    "secruleremovebyid",
    "secruleremovebymsg",
    "secruleremovebytag",
    "secruleupdateactionbyid",
    "secruleupdatetargetbyid",
    "secruleupdatetargetbymsg",
    "secruleupdatetargetbytag",
};

constexpr Hint kRefusedDirectives[] = {
    {"secruleengine", "write mode"},
    {"secrequestbodyaccess", "write request.ignore_body"},
    {"secresponsebodyaccess", "write response.ignore_body"},
    {"secrequestbodylimit", "write request.body_limit_bytes"},
    {"secrequestbodylimitaction", "write request.over_limit"},
    {"secresponsebodylimit", "write response.body_limit_bytes"},
    {"secresponsebodylimitaction", "write response.over_limit"},
    {"secresponsebodymimetype", "write response.body_content_types"},
    {"secauditengine", "write audit_log"},
    {"secauditlog", "write audit_log.path"},
    {"include", "list the file under rules"},
    {"secremoterules", "list a file under rules"},
    {"secrulescript", "scripts are not run"},
};

constexpr Hint kRefusedOperators[] = {
    {"inspectfile", "programs are not run"},
    {"rbl", "no names are resolved while a message waits"},
    {"gsblookup", "no database is read while a message waits"},
    {"geolookup", "there is no database of places"},
    {"fuzzyhash", "no file is read while a message waits"},
};

constexpr Hint kRefusedActions[] = {
    {"exec", "programs are not run"},
    {"initcol",
     "a collection would grow with each client; the local_ratelimit filter counts clients"},
    {"setsid", "a collection would grow with each client"},
    {"setuid", "a collection would grow with each client"},
    {"setrsc", "a collection would grow with each client"},
    {"append", "bodies are not changed"},
    {"prepend", "bodies are not changed"},
};

template <typename Range>
bool Has(const Range& names, absl::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

template <typename Range>
const Hint* FindHint(const Range& hints, absl::string_view name) {
  const auto it = std::find_if(std::begin(hints), std::end(hints),
                               [name](const Hint& hint) { return hint.name == name; });
  return it == std::end(hints) ? nullptr : &*it;
}

// With the flags that libmodsecurity compiles it with. Empty: it compiles.
std::string WrongWithExpression(absl::string_view expression) {
  int code;
  PCRE2_SIZE offset;
  const std::unique_ptr<pcre2_code, void (*)(pcre2_code*)> compiled(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                    PCRE2_DOTALL | PCRE2_MULTILINE, &code, &offset, nullptr),
      pcre2_code_free);
  if (compiled != nullptr) return std::string();
  char message[256] = {};
  pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(message), sizeof(message));
  return absl::StrCat("regular expression: ", message, " at character ", offset);
}

class TextCheck {
 public:
  TextCheck(const RuleText& text, RuleCheck& check) : text_(text), check_(check) {}

  void Run() {
    for (const Directive& directive : ReadDirectives(text_, check_.errors)) Check(directive);
    if (chain_line_ != 0) Add(chain_line_, "a chain without a rule that ends it");
  }

 private:
  bool configured() const { return text_.origin == Origin::kConfigured; }
  void Add(uint32_t line, std::string reason) {
    check_.errors.push_back({text_.name, line, std::move(reason)});
  }

  void Check(const Directive& directive) {
    const std::string name = absl::AsciiStrToLower(directive.name);
    if (configured() && !Has(kDirectives, name)) {
      const Hint* hint = FindHint(kRefusedDirectives, name);
      return Add(directive.line, hint == nullptr
                                     ? absl::StrCat(directive.name, " is not implemented")
                                     : absl::StrCat(directive.name, ": ", hint->hint));
    }
    if (name == "secruleremovebyid") CheckIds(directive);
    const bool rule = name == "secrule";
    if (!rule && name != "secaction") {
      if (chain_line_ != 0) Add(chain_line_, "a chain without a rule that ends it");
      chain_line_ = 0;
      return;
    }
    const size_t wanted = rule ? 2 : 1;
    if (directive.arguments.size() < wanted || directive.arguments.size() > (rule ? 3u : 1u)) {
      return Add(directive.line, rule ? "expected SecRule VARIABLES \"OPERATOR\" \"ACTIONS\""
                                      : "expected SecAction \"ACTIONS\"");
    }
    if (rule) CheckOperator(directive);
    const bool has_actions = !rule || directive.arguments.size() == 3;
    CheckActions(directive.line, has_actions ? directive.arguments.back() : std::string());
  }

  // In quotation marks libmodsecurity would not have them, and would say so on standard output.
  void CheckIds(const Directive& directive) {
    const bool numbers = std::all_of(
        directive.arguments.begin(), directive.arguments.end(),
        [](const auto& ids) { return ids.find_first_not_of("0123456789-") == std::string::npos; });
    if (directive.has_quotes || directive.arguments.empty() || !numbers) {
      Add(directive.line, "expected ids and ranges of ids, without quotation marks");
    }
  }

  void CheckOperator(const Directive& directive) {
    absl::string_view text = absl::StripLeadingAsciiWhitespace(directive.arguments[1]);
    if (absl::ConsumePrefix(&text, "!")) text = absl::StripLeadingAsciiWhitespace(text);
    std::string name = "rx";
    if (absl::ConsumePrefix(&text, "@")) {
      const size_t end = text.find_first_of(" \t");
      name = absl::AsciiStrToLower(text.substr(0, end));
      text = end == absl::string_view::npos ? absl::string_view() : text.substr(end);
      text = absl::StripLeadingAsciiWhitespace(text);
    }
    const Hint* hint = FindHint(kRefusedOperators, name);
    if (hint != nullptr) {
      if (configured()) Add(directive.line, absl::StrCat("@", name, ": ", hint->hint));
      return;
    }
    if (!Has(kOperators, name)) {
      return Add(directive.line, absl::StrCat("@", name, " is no operator"));
    }
    const bool remote = text.substr(0, 7) == "http://" || text.substr(0, 8) == "https://";
    if (name == "pmf" || name == "pmfromfile" || name == "ipmatchf" || name == "ipmatchfromfile") {
      if (remote) return Add(directive.line, "files are not fetched");
      check_.data_files.push_back({text_.name, directive.line, std::string(text)});
    }
    // One with a macro is compiled for each transaction.
    if ((name == "rx" || name == "rxglobal") && text.find("%{") == absl::string_view::npos) {
      std::string wrong = WrongWithExpression(text);
      if (!wrong.empty()) Add(directive.line, std::move(wrong));
    }
  }

  void CheckActions(uint32_t line, const std::string& text) {
    const bool chained = std::exchange(chain_line_, 0u) != 0;
    int64_t id = 0;
    bool drops = false;
    bool multi = false;
    std::vector<std::string> tags;
    for (const Action& action : ReadActions(text)) {
      const Hint* hint = FindHint(kRefusedActions, action.name);
      if (hint != nullptr && configured()) {
        Add(line, absl::StrCat(action.name, ": ", hint->hint));
      } else if (action.name == "chain") {
        chain_line_ = line;
      } else if (action.name == "drop") {
        drops = true;
      } else if (action.name == "multimatch") {
        multi = true;
      } else if (action.name == "tag") {
        tags.push_back(action.value);
      } else if (action.name == "id" && !absl::SimpleAtoi(action.value, &id)) {
        return Add(line, absl::StrCat("id '", action.value, "' is no number"));
      } else if (action.name == "ctl" && configured() &&
                 absl::AsciiStrToLower(action.value) == "ruleengine=on") {
        Add(line, "ctl:ruleEngine=On: write mode");
      }
    }
    if (drops) check_.drops.insert(id);
    if (multi) check_.tags.emplace(id, std::move(tags));
    if (chained) return;
    if (id <= 0) return Add(line, "a rule without an id");
    if (configured() && id >= kFirstOwnId && id <= kLastOwnId) {
      return Add(line, absl::StrCat("id ", id, ": the filter's own rules have it"));
    }
    const auto [known, is_new] = check_.ids.emplace(id, absl::StrCat(text_.name, ":", line));
    if (!is_new) Add(line, absl::StrCat("id ", id, " is that of a rule at ", known->second));
  }

  const RuleText& text_;
  RuleCheck& check_;
  uint32_t chain_line_ = 0;  // Of a rule whose chain the next one goes on with; 0: none.
};

}  // namespace

void CheckRules(const RuleText& text, RuleCheck& check) {
  if (text.text.find('\0') != std::string::npos) {
    check.errors.push_back({text.name, 0, "a zero byte in rules"});
    return;
  }
  TextCheck(text, check).Run();
}

std::shared_ptr<const RuleCheck> Check(const RuleSource& source, std::vector<RuleError>& errors) {
  auto check = std::make_unique<RuleCheck>();
  for (const RuleText& text : source.texts) CheckRules(text, *check);
  if (check->errors.empty()) return check;
  errors.insert(errors.end(), check->errors.begin(), check->errors.end());
  return nullptr;
}

}  // namespace proxenos::waf
