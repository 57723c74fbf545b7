// SecLang as it is read and checked: lines, quotes, actions, and each thing that is refused.
#include "source/waf/seclang.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::waf {
namespace {

std::vector<Directive> Read(const std::string& text) {
  std::vector<RuleError> errors;
  auto directives = ReadDirectives(RuleText{"t", text}, errors);
  EXPECT_TRUE(errors.empty()) << errors[0].reason;
  return directives;
}

// "line: reason" of the first error; empty without one.
std::string Wrong(const std::string& text, Origin origin = Origin::kConfigured) {
  RuleCheck check;
  CheckRules(RuleText{"t", text, origin}, check);
  return check.errors.empty() ? ""
                              : absl::StrCat(check.errors[0].line, ": ", check.errors[0].reason);
}

TEST(SecLangTest, LinesAndQuotes) {
  const auto read = Read(
      "# a comment \\\n"
      "\n"
      "SecRule ARGS \"@rx a\\\"b\" \\\n"
      "   \"id:1,\\\n"
      "    deny\"\r\n"
      "  SecMarker END\n"
      "SecAction 'id:2'");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].line, 3u);
  EXPECT_EQ(read[0].name, "SecRule");
  EXPECT_EQ(read[0].arguments, (std::vector<std::string>{"ARGS", "@rx a\"b", "id:1,    deny"}));
  EXPECT_EQ(read[1].line, 6u);
  EXPECT_EQ(read[1].arguments, (std::vector<std::string>{"END"}));
  EXPECT_EQ(read[2].arguments, (std::vector<std::string>{"id:2"}));
}

TEST(SecLangTest, Actions) {
  const auto actions = ReadActions("ID:1, msg:'one, \\'two\\'',setvar:'tx.a=1',Deny ,");
  ASSERT_EQ(actions.size(), 4u);
  EXPECT_EQ(actions[0].name, "id");
  EXPECT_EQ(actions[0].value, "1");
  EXPECT_EQ(actions[1].value, "one, \\'two\\'");
  EXPECT_EQ(actions[2].value, "tx.a=1");
  EXPECT_EQ(actions[3].name, "deny");
}

TEST(SecLangTest, WhatIsWrongIsTold) {
  EXPECT_EQ(Wrong("SecRule ARGS \"@rx a\" \"id:1,deny\"\n"), "");
  const std::pair<const char*, const char*> cases[] = {
      {"\nSecRule ARGS \"@rx (\" \"id:1\"",
       "2: regular expression: missing closing parenthesis at character 1"},
      {"SecRule ARGS \"(\" \"id:1\"",
       "1: regular expression: missing closing parenthesis at character 1"},
      {"SecRule ARGS \"!@rx [\" \"id:1\"",
       "1: regular expression: missing terminating ] for character class at character 1"},
      {"SecRule ARGS \"@foo x\" \"id:1\"", "1: @foo is no operator"},
      {"SecRule ARGS \"@rx a\" \"deny\"", "1: a rule without an id"},
      {"SecRule ARGS \"@rx a\"", "1: a rule without an id"},
      {"SecRule ARGS \"@rx a\" \"id:x\"", "1: id 'x' is no number"},
      {"SecRule ARGS \"@rx a\" \"id:1\"\n\nSecRule ARGS \"@rx a\" \"id:1\"",
       "3: id 1 is that of a rule at t:1"},
      {"SecRule ARGS \"@rx a\" \"id:1,chain\"", "1: a chain without a rule that ends it"},
      {"SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecMarker A",
       "1: a chain without a rule that ends it"},
      {"SecRule ARGS \"@rx a", "1: a quotation mark without its other half"},
      {"SecRule ARGS", "1: expected SecRule VARIABLES \"OPERATOR\" \"ACTIONS\""},
      {"SecRule ARGS \"@rx a\" \"id:990000000\"",
       "1: id 990000000: the filter's own rules have it"},
      {"SecRuleRemoveById \"1\"", "1: expected ids and ranges of ids, without quotation marks"},
      {"SecRuleEngine On", "1: SecRuleEngine: write mode"},
      {"SecFoo On", "1: SecFoo is not implemented"},
      {"Include /etc/passwd", "1: Include: list the file under rules"},
      {"SecRule ARGS \"@inspectFile /x\" \"id:1\"", "1: @inspectfile: programs are not run"},
      {"SecRule ARGS \"@pmFromFile https://x/y\" \"id:1\"", "1: files are not fetched"},
      {"SecAction \"id:1,exec:/bin/sh\"", "1: exec: programs are not run"},
      {"SecAction \"id:1,ctl:ruleEngine=On\"", "1: ctl:ruleEngine=On: write mode"},
  };
  for (const auto& [text, reason] : cases) EXPECT_EQ(Wrong(text), reason) << text;
  EXPECT_EQ(Wrong(std::string("SecMarker\0A", 11)), "0: a zero byte in rules");
}

TEST(SecLangTest, ChainsHaveOneId) {
  EXPECT_EQ(Wrong("SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecRule ARGS \"@rx b\"\n"), "");
  EXPECT_EQ(Wrong("SecRule ARGS \"@rx a\" \"id:1,chain\"\nSecRule ARGS \"@rx b\" \"t:none\"\n"),
            "");
}

TEST(SecLangTest, OwnTextsMayMore) {
  EXPECT_EQ(Wrong("SecRuleEngine On\nSecAction \"id:990000001,initcol:ip=x\"", Origin::kOurs), "");
}

TEST(SecLangTest, WhatElseACheckFinds) {
  RuleCheck check;
  CheckRules(RuleText{"/a/b.conf",
                      "SecRule ARGS \"@pmFromFile words.data\" \"id:1,drop\"\n"
                      "SecRule ARGS \"@rx %{tx.x}(\" \"id:2,deny\"\n"},
             check);
  EXPECT_TRUE(check.errors.empty());
  ASSERT_EQ(check.data_files.size(), 1u);
  EXPECT_EQ(check.data_files[0].name, "words.data");
  EXPECT_EQ(check.data_files[0].text_name, "/a/b.conf");
  EXPECT_TRUE(check.drops.contains(1));
  EXPECT_FALSE(check.drops.contains(2));
}

}  // namespace
}  // namespace proxenos::waf
