// Patterns of log lines: each flag, widths, and what is none.
#include "source/base/log_pattern.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::base {
namespace {

// 2018-03-27 15:25:06.008789123, a Tuesday.
LogLine Line() {
  LogLine line;
  line.component = "upstream";
  line.level = "info";
  line.file = "source/base/log.cc";
  line.line = 123;
  line.message = "say \"hi\"\nforged";
  line.now.tv_sec = 1522164306;
  line.now.tv_nsec = 8789123;
  gmtime_r(&line.now.tv_sec, &line.utc);
  return line;
}

std::string Render(absl::string_view pattern, const LogLine& line = Line()) {
  EXPECT_TRUE(CheckLogPattern(pattern).ok()) << CheckLogPattern(pattern);
  std::string text = RenderLogLine(pattern, line);
  EXPECT_EQ(text.back(), '\n');
  text.pop_back();
  return text;
}

TEST(LogPatternTest, Times) {
  EXPECT_EQ(Render("[%Y-%m-%d %T.%e]"), "[2018-03-27 15:25:06.008]");
  EXPECT_EQ(Render("%a %A %b %B"), "Tue Tuesday Mar March");
  EXPECT_EQ(Render("%c|%C|%D|%x"), "Tue Mar 27 15:25:06 2018|18|03/27/18|03/27/18");
  EXPECT_EQ(Render("%H %I %M %S %p"), "15 03 25 06 PM");
  EXPECT_EQ(Render("%e %f %F %E"), "008 008789 008789123 1522164306");
  EXPECT_EQ(Render("%r|%R|%X|%z"), "03:25:06 PM|15:25|15:25:06|+00:00");
}

TEST(LogPatternTest, MidnightAndNoonAreTwelve) {
  LogLine line = Line();
  line.utc.tm_hour = 0;
  EXPECT_EQ(Render("%I %p", line), "12 AM");
  line.utc.tm_hour = 12;
  EXPECT_EQ(Render("%I %p", line), "12 PM");
}

TEST(LogPatternTest, TheLineItself) {
  EXPECT_EQ(Render("%n %l %L %s:%# %g %@"),
            "upstream info I log.cc:123 source/base/log.cc source/base/log.cc:123");
  EXPECT_EQ(Render("%v"), "say \"hi\"\nforged");
  EXPECT_EQ(Render("%_"), "say \"hi\"\\nforged");
  EXPECT_EQ(Render("{\"m\": \"%j\"}"), "{\"m\": \"say \\\"hi\\\"\\u000aforged\"}");
  EXPECT_EQ(Render("%P"), absl::StrCat(getpid()));
  EXPECT_EQ(Render("100%% %^%l%$"), "100% info") << "colours are of terminals";
}

TEST(LogPatternTest, Widths) {
  EXPECT_EQ(Render("[%8l] [%-8l] [%=7l]"), "[    info] [info    ] [ info  ]");
  EXPECT_EQ(Render("[%2l] [%2!l] [%-6!n]"), "[info] [in] [upstre]");
  EXPECT_EQ(Render("[%0l]"), "[info]");
  EXPECT_EQ(Render("%99999999999999999999l").size(), 64u);
}

TEST(LogPatternTest, WhatIsNoFlagIsRefused) {
  for (const char* wrong : {"%", "a%", "%y", "%q", "%!", "%-l", "%=", "%8", "%8!", "%*", "%o"}) {
    EXPECT_FALSE(CheckLogPattern(wrong).ok()) << wrong;
  }
  EXPECT_EQ(CheckLogPattern("%l %q").message(), "log format '%l %q': unknown flag at position 4");
}

}  // namespace
}  // namespace proxenos::base
