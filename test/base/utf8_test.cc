// What is a character, what is none, and what is put in its place.
#include "source/base/utf8.h"

#include "gtest/gtest.h"

namespace proxenos::base {
namespace {

TEST(Utf8Test, EveryCodePointIsOneCharacter) {
  for (uint32_t code = 0; code <= 0x10ffff; ++code) {
    if (code == 0xd800) code = 0xe000;  // Surrogates are none.
    std::string text;
    AppendUtf8(code, text);
    ASSERT_EQ(text.size(), code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4) << code;
    ASSERT_EQ(Utf8Size(text), text.size()) << code;
    for (size_t cut = 0; cut < text.size(); ++cut) {
      ASSERT_EQ(Utf8Size(absl::string_view(text).substr(0, cut)), 0) << code;
    }
  }
}

TEST(Utf8Test, WhatIsNoCharacter) {
  for (const absl::string_view bytes :
       {"", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xc3(", "\xe2\x82(", "\xf0\x9f\x98("}) {
    EXPECT_EQ(Utf8Size(bytes), 0) << bytes;
  }
}

TEST(Utf8Test, TextIsOfCharactersAlone) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT_FALSE(IsUtf8("a\xe4"));
  EXPECT_FALSE(IsUtf8("\xf0\x9f\x98"));
}

TEST(Utf8Test, EachByteThatIsNoneIsReplaced) {
  EXPECT_EQ(AsUtf8("a\xff\xc3\xa4\xe2\x82z", '?'), "a?\xc3\xa4??z");
  std::string out = "before ";
  AppendAsUtf8("\x80", '!', out);
  EXPECT_EQ(out, "before !");
  EXPECT_EQ(AsUtf8("", '!'), "");
}

}  // namespace
}  // namespace proxenos::base
