// Reading of SecLang: lines, directives, arguments, actions.
#include "source/waf/seclang.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace proxenos::waf {
namespace {

// Takes the next logical line off `rest`: physical lines as long as each ends in a backslash.
std::string TakeLine(absl::string_view& rest, uint32_t& lines) {
  std::string joined;
  lines = 0;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    absl::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
    ++lines;
    absl::ConsumeSuffix(&line, "\r");
    const bool goes_on = absl::ConsumeSuffix(&line, "\\");
    joined.append(line.data(), line.size());
    if (!goes_on) break;
  }
  return joined;
}

bool IsBlank(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

// Takes one word or one text in quotes. False: the quotes do not end.
bool TakeArgument(absl::string_view& rest, std::string& argument) {
  argument.clear();
  const char quote = rest[0] == '"' || rest[0] == '\'' ? rest[0] : '\0';
  size_t at = quote == '\0' ? 0 : 1;
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    if (quote == '\0' ? IsBlank(c) : c == quote) break;
    if (c == '\\' && quote != '\0' && at + 1 < rest.size() && rest[at + 1] == quote) ++at;
    argument.push_back(rest[at]);
  }
  const bool ends = quote == '\0' || at < rest.size();
  rest.remove_prefix(quote != '\0' && ends ? at + 1 : at);
  return ends;
}

}  // namespace

std::vector<Directive> ReadDirectives(const RuleText& text, std::vector<RuleError>& errors) {
  std::vector<Directive> directives;
  if (text.text.size() > kMaxRuleTextBytes) {
    errors.push_back({text.name, 0, "more bytes than a text of rules may have"});
    return directives;
  }
  absl::string_view rest = text.text;
  uint32_t next_line = 1;
  while (!rest.empty()) {
    const uint32_t line = next_line;
    uint32_t lines;
    // A comment has no second line, whatever it ends in: libmodsecurity reads it so.
    const absl::string_view begin =
        absl::StripLeadingAsciiWhitespace(rest.substr(0, rest.find('\n')));
    std::string joined;
    if (begin.empty() || begin[0] == '#') {
      const size_t end = rest.find('\n');
      rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
      lines = 1;
    } else {
      joined = TakeLine(rest, lines);
    }
    next_line += lines;
    absl::string_view left = absl::StripAsciiWhitespace(joined);
    if (left.empty()) continue;
    if (directives.size() == kMaxDirectives) {
      errors.push_back({text.name, line, "more directives than a text of rules may have"});
      return directives;
    }
    Directive directive;
    directive.line = line;
    const size_t name_end = left.find_first_of(" \t");
    directive.name = std::string(left.substr(0, name_end));
    left = name_end == absl::string_view::npos ? absl::string_view() : left.substr(name_end);
    for (left = absl::StripLeadingAsciiWhitespace(left); !left.empty();
         left = absl::StripLeadingAsciiWhitespace(left)) {
      std::string argument;
      directive.has_quotes |= left[0] == '"' || left[0] == '\'';
      if (!TakeArgument(left, argument)) {
        errors.push_back({text.name, line, "a quotation mark without its other half"});
        return directives;
      }
      directive.arguments.push_back(std::move(argument));
    }
    directives.push_back(std::move(directive));
  }
  return directives;
}

std::vector<Action> ReadActions(absl::string_view text) {
  std::vector<Action> actions;
  while (!text.empty()) {
    size_t end = 0;
    bool quoted = false;
    for (; end < text.size() && (quoted || text[end] != ','); ++end) {
      if (text[end] == '\\' && end + 1 < text.size()) {
        ++end;
      } else if (text[end] == '\'') {
        quoted = !quoted;
      }
    }
    end = end < text.size() ? end : text.size();
    const absl::string_view one = absl::StripAsciiWhitespace(text.substr(0, end));
    text.remove_prefix(end < text.size() ? end + 1 : end);
    if (one.empty()) continue;
    const size_t colon = one.find(':');
    Action action;
    action.name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(one.substr(0, colon)));
    if (colon != absl::string_view::npos) {
      absl::string_view value = absl::StripAsciiWhitespace(one.substr(colon + 1));
      if (value.size() >= 2 && value.front() == '\'' && value.back() == '\'') {
        value = value.substr(1, value.size() - 2);
      }
      action.value = std::string(value);
    }
    actions.push_back(std::move(action));
  }
  return actions;
}

}  // namespace proxenos::waf
