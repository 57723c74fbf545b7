// Escapes, whole, broken and none.
#include "source/http/percent.h"

#include "gtest/gtest.h"

namespace proxenos::http {
namespace {

TEST(PercentTest, FindsTheByteOfAnEscape) {
  EXPECT_EQ(EscapedByte("%41", 0), 'A');
  EXPECT_EQ(EscapedByte("x%fF", 1), 0xff);
  for (const char* none : {"", "%", "%4", "%4g", "%g4", "A41"}) {
    EXPECT_EQ(EscapedByte(none, 0), -1) << none;
  }
  EXPECT_EQ(EscapedByte("%41", 1), -1);
}

TEST(PercentTest, DecodesEscapesAndNothingElse) {
  EXPECT_EQ(PercentDecoded("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(PercentDecoded("%4"), "%4");
  EXPECT_EQ(PercentDecoded("%zz%41%"), "%zzA%");
  EXPECT_EQ(PercentDecoded("%2541"), "%41");
}

TEST(PercentTest, APlusIsASpaceInForms) {
  EXPECT_EQ(PercentDecoded("a+b"), "a+b");
  EXPECT_EQ(PercentDecoded("a+b%2B", Plus::kIsSpace), "a b+");
}

TEST(PercentTest, WhatIsNotKeptIsEscaped) {
  EXPECT_EQ(PercentEncoded("aZ0-._~", IsUnreserved), "aZ0-._~");
  EXPECT_EQ(PercentEncoded("a b/\xff%", IsUnreserved), "a%20b%2F%FF%25");
  std::string out = "/";
  AppendPercentEncoded("a?b#c", IsTargetChar, out);
  EXPECT_EQ(out, "/a?b%23c");
  char room[6];
  EXPECT_EQ(WritePercentEncoded(room, absl::string_view("\0/", 2), IsTargetChar) - room, 4);
  EXPECT_EQ(absl::string_view(room, 4), "%00/");
}

}  // namespace
}  // namespace proxenos::http
