// Regex and RegexSet.
#include "source/match/regex.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/route/regex_set.h"

namespace proxenos::route {
namespace {

using match::Regex;

Regex Of(const std::string& pattern) {
  absl::StatusOr<Regex> regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status();
  return *std::move(regex);
}

TEST(RegexTest, MatchesTheWholeText) {
  EXPECT_TRUE(Of("/a/[0-9]+").FullMatch("/a/12"));
  EXPECT_FALSE(Of("/a/[0-9]+").FullMatch("/a/12/"));
  EXPECT_FALSE(Of("/a/[0-9]+").FullMatch("x/a/12"));
  EXPECT_TRUE(Of("a|ab").FullMatch("ab"));
  EXPECT_TRUE(Of(".*").FullMatch(""));
}

TEST(RegexTest, RefusesBadAndHugePatterns) {
  EXPECT_FALSE(Regex::Compile("a(").ok());
  EXPECT_FALSE(Regex::Compile("(?=a)").ok());
  EXPECT_FALSE(Regex::Compile("((a{100}){100}){2}").ok());
}

TEST(RegexTest, ReplacesEveryMatch) {
  const struct {
    const char *pattern, *substitution, *text, *result;
  } cases[] = {
      {"one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"},
      {"^(.*?)one(.*)$", "\\1two\\2", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/one/zzz"},
      {"^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api",
       "/v1/api/instance/foo"},
      {"(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb"},
      {"b*", "-", "abc", "-a-c-"},
      {"", "-", "ab", "-a-b-"},
      {"x", "y", "abc", "abc"},
      {"a", "\\\\", "a", "\\"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Of(c.pattern).ReplaceAll(c.text, c.substitution).value_or("none"), c.result)
        << c.pattern;
  }
}

TEST(RegexTest, ReplacementIsBounded) {
  const std::string substitution(1000, 'x');
  EXPECT_TRUE(Of("a").ReplaceAll(std::string(60, 'a'), substitution).has_value());
  EXPECT_FALSE(Of("a").ReplaceAll(std::string(60'000, 'a'), substitution).has_value());
}

TEST(RegexTest, ChecksSubstitutions) {
  EXPECT_TRUE(Of("(a)").CheckSubstitution("\\0\\1").ok());
  EXPECT_FALSE(Of("(a)").CheckSubstitution("\\2").ok());
  EXPECT_FALSE(Of("(a)").CheckSubstitution("\\x").ok());
}

// A byte that belongs to no character must not take a text out of reach.
TEST(RegexTest, BytesAndCharacters) {
  using match::Regex;
  EXPECT_TRUE(Of(".*bad.*").FullMatch("\xff.bad\x80"));
  EXPECT_TRUE(Of("[^/]+").FullMatch("\xc3"));
  EXPECT_TRUE(Of("..").FullMatch("\xc3\xa9"));
  EXPECT_TRUE(Regex::Compile(".", Regex::Unit::kUtf8)->FullMatch("\xc3\xa9"));
  EXPECT_FALSE(Regex::Compile(".*", Regex::Unit::kUtf8)->FullMatch("\xff"));
}

std::vector<uint32_t> MatchesOf(const RegexSet& set, absl::string_view text, uint32_t end) {
  std::vector<uint32_t> found;
  set.ForEachMatch(text, end, [&](uint32_t i) {
    found.push_back(i);
    return false;
  });
  return found;
}

RegexSet SetOf(int count, int64_t max_memory) {
  RegexSet set;
  for (int i = 0; i < count; ++i) {
    set.Add(Of(absl::StrCat("/s", i, "/[^/]+/.*|/all/.*")));
  }
  set.Build(max_memory);
  return set;
}

TEST(RegexSetTest, FindsAllInOrder) {
  const RegexSet set = SetOf(50, 0);
  EXPECT_TRUE(set.has_automaton());
  EXPECT_EQ(MatchesOf(set, "/s7/x/y", 50), (std::vector<uint32_t>{7}));
  EXPECT_EQ(MatchesOf(set, "/s7/\xff/\x80y", 50), (std::vector<uint32_t>{7}));
  EXPECT_EQ(MatchesOf(set, "/all/y", 3), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(MatchesOf(set, "/none", 50), (std::vector<uint32_t>{}));
}

// Too little memory to build the automaton at all, or just enough to build but not to run it.
TEST(RegexSetTest, FindsTheSameWithoutMemory) {
  for (const int64_t memory : {1'000, 40'000, 80'000, 120'000, 200'000}) {
    const RegexSet set = SetOf(50, memory);
    EXPECT_EQ(MatchesOf(set, "/s7/x/y", 50), (std::vector<uint32_t>{7})) << memory;
    EXPECT_EQ(MatchesOf(set, "/all/y", 3), (std::vector<uint32_t>{0, 1, 2})) << memory;
    EXPECT_EQ(MatchesOf(set, "/none", 50), (std::vector<uint32_t>{})) << memory;
  }
  EXPECT_FALSE(SetOf(50, 1'000).has_automaton());
}

TEST(RegexSetTest, StopsWhenTold) {
  for (const int count : {3, 50}) {
    const RegexSet set = SetOf(count, 0);
    int calls = 0;
    set.ForEachMatch("/all/", 3, [&](uint32_t) { return ++calls == 2; });
    EXPECT_EQ(calls, 2);
  }
}

}  // namespace
}  // namespace proxenos::route
