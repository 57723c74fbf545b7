// Names as words and as their peer wrote them: never anything but the same name.
#include "source/http/name_spellings.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::http {
namespace {

std::string AsWords(std::string name) {
  WriteAsWords(name.data(), name.size());
  return name;
}

std::string Written(const NameSpellings& spellings, std::string name) {
  spellings.Write(name.data(), name.size());
  return name;
}

TEST(NameSpellings, Words) {
  for (const auto& [name, words] : {std::pair("content-type", "Content-Type"),
                                    {"foo$b#$are", "Foo$B#$Are"},
                                    {"te", "Te"},
                                    {"x-b3-traceid", "X-B3-Traceid"},
                                    {"x_1a-2b", "X_1a-2b"},
                                    {"-a--b", "-A--B"},
                                    {"", ""}}) {
    EXPECT_EQ(AsWords(name), words);
  }
}

TEST(NameSpellings, AsThePeerWroteThem) {
  buffer::Arena arena;
  const NameSpellings* spellings = NameSpellings::Make(NameStyle::kPreserve, arena);
  spellings->Keep("X-fOO", arena);
  spellings->Keep("ETag", arena);
  EXPECT_EQ(Written(*spellings, "x-foo"), "X-fOO");
  EXPECT_EQ(Written(*spellings, "etag"), "ETag");
  EXPECT_EQ(Written(*spellings, "x-fo"), "x-fo");
  EXPECT_EQ(Written(*spellings, "x-added"), "x-added");
}

TEST(NameSpellings, OthersAsWords) {
  buffer::Arena arena;
  const NameSpellings* spellings = NameSpellings::Make(NameStyle::kPreserveOrWords, arena);
  spellings->Keep("x-lower", arena);
  EXPECT_EQ(Written(*spellings, "x-lower"), "x-lower");
  EXPECT_EQ(Written(*spellings, "x-added"), "X-Added");
}

TEST(NameSpellings, TheFirstOfSeveralCounts) {
  buffer::Arena arena;
  const NameSpellings* spellings = NameSpellings::Make(NameStyle::kPreserve, arena);
  spellings->Keep("Foo", arena);
  spellings->Keep("foo", arena);
  spellings->Keep("FOO", arena);
  EXPECT_EQ(Written(*spellings, "foo"), "Foo");
}

TEST(NameSpellings, ManyAndLongNames) {
  buffer::Arena arena;
  const NameSpellings* spellings = NameSpellings::Make(NameStyle::kPreserve, arena);
  const std::string front(1000, 'A');
  for (int i = 0; i < 500; ++i) {
    spellings->Keep(absl::StrCat("X-", i, "-Name"), arena);
    spellings->Keep(absl::StrCat(front, i, i % 2 == 0 ? "z" : "Z"), arena);
  }
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(Written(*spellings, absl::StrCat("x-", i, "-name")), absl::StrCat("X-", i, "-Name"));
    const std::string tail = absl::StrCat(i, i % 2 == 0 ? "z" : "Z");
    EXPECT_EQ(Written(*spellings, absl::AsciiStrToLower(absl::StrCat(front, tail))),
              absl::StrCat(front, tail));
  }
}

}  // namespace
}  // namespace proxenos::http
