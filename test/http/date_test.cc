// Dates of HTTP.
#include "source/http/date.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::http {
namespace {

constexpr int64_t kNow = 1795320701;  // 2026-11-22
constexpr int64_t kThen = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(DateTest, ReadsThreeFormats) {
  EXPECT_EQ(ParseDate("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(ParseDate("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(ParseDate("Sun Nov  6 08:49:37 1994", kNow), kThen);
  EXPECT_EQ(ParseDate("Wed Nov 16 08:49:37 1994", kNow), kThen + 10 * 86400);
  EXPECT_EQ(ParseDate("THU, 18 AUG 2050 02:01:18 gMT", kNow), 2544400878);
  EXPECT_EQ(ParseDate("Thu, 01 Jan 1970 00:00:00 GMT", kNow), 0);
  EXPECT_EQ(ParseDate("Thu, 29 Feb 2024 23:59:60 GMT", kNow), 1709251200);
}

TEST(DateTest, TwoDigitsAreOfThisCenturyUnlessTooFarAhead) {
  EXPECT_EQ(ParseDate("Sunday, 06-Nov-76 00:00:00 GMT", kNow),
            ParseDate("Sun, 06 Nov 2076 00:00:00 GMT", kNow));
  EXPECT_EQ(ParseDate("Sunday, 06-Nov-77 00:00:00 GMT", kNow),
            ParseDate("Sun, 06 Nov 1977 00:00:00 GMT", kNow));
}

TEST(DateTest, WhatIsNoDate) {
  for (const char* bad : {"",
                          "0",
                          "-1",
                          "foo",
                          "Thu, 18 Aug 2050 02:01:18 UTC",
                          "Thu, 18 Aug 2050 02:01:18",
                          "Thu, 18 Aug 50 02:01:18 GMT",
                          "Thu 18 Aug 2050 02:01:18 GMT",
                          "Thu, 18  Aug  2050 02:01:18 GMT",
                          "Thu, 18-Aug-2050 02:01:18 GMT",
                          "Thu, 18 Aug 2050 02.01.18 GMT",
                          "Thu, 18 Aug 2050 2:01:18 GMT",
                          "Thu, 18 Aug 2050 24:01:18 GMT",
                          "Thu, 31 Feb 2050 02:01:18 GMT",
                          "Thu, 00 Aug 2050 02:01:18 GMT",
                          "Fri, 29 Feb 2023 00:00:00 GMT",
                          "Thu, 18 Aug 2050 02:01:18 GMT ",
                          " Thu, 18 Aug 2050 02:01:18 GMT",
                          "Xxx, 18 Aug 2050 02:01:18 GMT",
                          "Thu, 18 Xxx 2050 02:01:18 GMT"}) {
    EXPECT_EQ(ParseDate(bad, kNow), std::nullopt) << bad;
  }
}

TEST(DateTest, WritesWhatItReads) {
  char text[kDateSize];
  FormatDate(kThen, text);
  EXPECT_EQ(std::string(text, sizeof(text)), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (int64_t at = 0; at < int64_t{253402300800}; at += 86400 * 997 + 12345) {
    FormatDate(at, text);
    ASSERT_EQ(ParseDate(absl::string_view(text, sizeof(text)), kNow), at);
  }
}

}  // namespace
}  // namespace proxenos::http
