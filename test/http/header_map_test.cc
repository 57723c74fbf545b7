// Header names by number, and the map of fields.
#include "source/http/header_map.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/buffer/arena.h"
#include "source/http/message.h"

namespace proxenos::http {
namespace {

constexpr int kIds = static_cast<int>(HeaderId::kCount);

// As the decoder has them: bytes with room to be read behind.
HeaderId LookUp(const std::string& name) {
  std::string padded = name + std::string(64, '\0');
  return LookUpHeader(padded.data(), name.size());
}

TEST(HeaderId, EveryNameIsFoundUnderItsOwnNumber) {
  for (int i = 1; i < kIds; ++i) {
    const HeaderId id = static_cast<HeaderId>(i);
    const std::string name(HeaderName(id));
    EXPECT_EQ(LookUp(name), id) << name;
  }
}

TEST(HeaderId, NothingElseIsFound) {
  EXPECT_EQ(LookUp(""), HeaderId::kUnknown);
  EXPECT_EQ(LookUp("x"), HeaderId::kUnknown);
  EXPECT_EQ(LookUp(std::string(300, 'x')), HeaderId::kUnknown);
  base::Random random(1);
  for (int i = 1; i < kIds; ++i) {
    const std::string name(HeaderName(static_cast<HeaderId>(i)));
    // One letter more, one less, and any one letter changed.
    EXPECT_EQ(LookUp(name + "x"), HeaderId::kUnknown);
    for (size_t at = 0; at < name.size(); ++at) {
      std::string changed = name;
      changed[at] = static_cast<char>('a' + random.Below(26));
      if (changed == name) continue;
      const HeaderId found = LookUp(changed);
      if (found != HeaderId::kUnknown) {
        EXPECT_EQ(HeaderName(found), changed);
      }
      std::string shorter = name;
      shorter.erase(at, 1);
      const HeaderId other = LookUp(shorter);
      if (other != HeaderId::kUnknown) {
        EXPECT_EQ(HeaderName(other), shorter);
      }
    }
  }
  for (int i = 0; i < 200000; ++i) {
    std::string name(1 + random.Below(40), 'x');
    for (char& c : name) c = "abcdefghijklmnopqrstuvwxyz0123456789-_"[random.Below(38)];
    const HeaderId found = LookUp(name);
    if (found != HeaderId::kUnknown) {
      EXPECT_EQ(HeaderName(found), name);
    }
  }
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields All(const HeaderMap& map) {
  Fields fields;
  for (const Header& header : map) {
    fields.emplace_back(std::string(header.name()), std::string(header.value()));
  }
  return fields;
}

TEST(HeaderMap, DuplicatesStayApartAndInOrder) {
  buffer::Arena arena;
  HeaderMap map(arena);
  map.Add("a", "1");
  map.Add(HeaderId::kCookie, "2");
  map.Add("a", "3");
  map.Add("cookie", "4");
  EXPECT_EQ(All(map), (Fields{{"a", "1"}, {"cookie", "2"}, {"a", "3"}, {"cookie", "4"}}));
  EXPECT_EQ(map.Get(HeaderId::kCookie), "2");
  EXPECT_EQ(map.Count(HeaderId::kCookie), 2u);
  EXPECT_EQ(map.Find("a")->value(), "1");
  EXPECT_EQ(map.Find("cookie")->value(), "2");
  EXPECT_EQ(map.ByteSize(), 2u + 7u + 2u + 7u);
  EXPECT_EQ(map.Remove("a"), 2u);
  EXPECT_EQ(map.Remove(HeaderId::kCookie), 2u);
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.Get(HeaderId::kCookie), "");
  EXPECT_FALSE(map.Has(HeaderId::kCookie));
}

TEST(HeaderMap, SetMayUseTheValueItReplaces) {
  buffer::Arena arena;
  HeaderMap map(arena);
  map.Add("x-mine", "old");
  map.Set("x-mine", map.Find("x-mine")->value());
  EXPECT_EQ(All(map), (Fields{{"x-mine", "old"}}));
  map.Add(HeaderId::kVia, "a");
  map.Add(HeaderId::kVia, "b");
  map.Set(HeaderId::kVia, map.Find(HeaderId::kVia)->value());
  EXPECT_EQ(All(map), (Fields{{"x-mine", "old"}, {"via", "a"}}));
}

TEST(HeaderMap, GrowsFarBeyondItsFirstRoom) {
  buffer::Arena arena;
  HeaderMap map(arena);
  Fields expected;
  for (int i = 0; i < 1000; ++i) {
    expected.emplace_back("n" + std::to_string(i), std::to_string(i));
    map.Add(expected.back().first, expected.back().second);
  }
  EXPECT_EQ(All(map), expected);
  EXPECT_EQ(map.RemoveIf([](const Header& h) { return h.value().back() != '7'; }), 900u);
  EXPECT_EQ(map.size(), 100u);
}

// What was removed or cleared may come again, and what never came is not there.
TEST(HeaderMap, LookUpsAgreeWithAWalkOverTheFields) {
  buffer::Arena arena;
  HeaderMap map(arena);
  base::Random random(7);
  for (int step = 0; step < 20000; ++step) {
    const HeaderId id = static_cast<HeaderId>(1 + random.Below(kIds - 1));
    switch (random.Below(8)) {
      case 0:
        map.Remove(id);
        break;
      case 1:
        map.Set(id, "set");
        break;
      case 2:
        map.RemoveIf([id](const Header& field) { return field.id >= id; });
        break;
      case 3:
        if (random.Below(50) == 0) map.Clear();
        break;
      default:
        map.Add(id, "added");
    }
    const HeaderId asked = static_cast<HeaderId>(1 + random.Below(kIds - 1));
    const auto found = std::find_if(map.begin(), map.end(),
                                    [asked](const Header& field) { return field.id == asked; });
    ASSERT_EQ(map.Find(asked), found == map.end() ? nullptr : found);
    ASSERT_EQ(map.Get(asked), found == map.end() ? "" : found->value());
  }
}

TEST(HeaderMap, RebaseMovesOnlyWhatPointsIntoTheOldBytes) {
  buffer::Arena arena;
  HeaderMap map(arena);
  char old_bytes[] = "name: value";
  char new_bytes[] = "name: value";
  map.AddView(HeaderId::kUnknown, absl::string_view(old_bytes, 4),
              absl::string_view(old_bytes + 6, 5));
  map.AddView(HeaderId::kUnknown, absl::string_view(old_bytes, 4),
              absl::string_view(old_bytes + 11, 0));
  map.Add("arena", "kept");
  map.Rebase(old_bytes, sizeof(old_bytes) - 1, new_bytes);
  std::memset(old_bytes, '!', sizeof(old_bytes));
  EXPECT_EQ(All(map), (Fields{{"name", "value"}, {"name", ""}, {"arena", "kept"}}));
}

TEST(Message, MethodsAndPhrases) {
  for (const char* text :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}) {
    EXPECT_NE(ParseMethod(text), Method::kOther) << text;
  }
  for (const char* text : {"get", "", "GETT", "BREW", "HEADER", "PATC"}) {
    EXPECT_EQ(ParseMethod(text), Method::kOther) << text;
    EXPECT_FALSE(IsIdempotent(ParseMethod(text)));
  }
  for (const char* text : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    EXPECT_TRUE(IsIdempotent(ParseMethod(text))) << text;
  }
  for (const char* text : {"POST", "PATCH", "CONNECT"}) {
    EXPECT_FALSE(IsIdempotent(ParseMethod(text))) << text;
  }
  EXPECT_EQ(ReasonPhrase(404), "Not Found");
  EXPECT_EQ(ReasonPhrase(299), "Unknown");
}

}  // namespace
}  // namespace proxenos::http
