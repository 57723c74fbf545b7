// Ranges of addresses that lead somewhere: the narrowest first, and trees by them.
#include "source/match/ip_ranges.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/config/text.h"
#include "source/match/ip_range.h"
#include "source/match/ip_set.h"
#include "source/match/tree_config.h"

namespace proxenos::match {
namespace {

std::vector<uint32_t> All(const IpRanges& ranges, const std::string& ip) {
  std::vector<uint32_t> numbers;
  ranges.Visit(*ParseIp(ip), [&numbers](uint32_t number) {
    numbers.push_back(number);
    return true;
  });
  return numbers;
}

TEST(IpRangesTest, TheNarrowestComesFirst) {
  IpRanges ranges;
  EXPECT_TRUE(ranges.Add("10.0.0.0", 8, 0));
  EXPECT_TRUE(ranges.Add("10.1.2.3", 32, 1));
  EXPECT_TRUE(ranges.Add("10.1.0.0", 16, 2));
  EXPECT_TRUE(ranges.Add("0.0.0.0", 0, 3));
  EXPECT_TRUE(ranges.Add("10.1.9.9", 16, 4));  // The same range as 2.
  EXPECT_TRUE(ranges.Add("::", 0, 5));
  EXPECT_EQ(All(ranges, "10.1.2.3"), (std::vector<uint32_t>{1, 2, 4, 0, 3}));
  EXPECT_EQ(All(ranges, "10.2.0.1"), (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(All(ranges, "11.0.0.1"), (std::vector<uint32_t>{3}));
  EXPECT_EQ(All(ranges, "2001:db8::1"), (std::vector<uint32_t>{5}));
  EXPECT_FALSE(ranges.Add("10.0.0.0", 33, 6));
  EXPECT_FALSE(ranges.Add("host", 8, 6));
}

// Property: as a walk over all ranges, sorted by length.
TEST(IpRangesTest, FindsWhatAWalkFinds) {
  base::Random random(3);
  const auto address = [&random] {
    return absl::StrCat("10.", random.Below(2), ".", random.Below(3), ".", random.Below(4));
  };
  for (int round = 0; round < 200; ++round) {
    IpRanges ranges;
    std::vector<std::tuple<int, uint32_t, IpRange>> walk;
    for (uint32_t number = 0; number < 12; ++number) {
      const std::string ip = address();
      const auto bits = static_cast<uint32_t>(random.Below(33));
      ASSERT_TRUE(ranges.Add(ip, bits, number));
      walk.emplace_back(-static_cast<int>(bits), number, *IpRange::Parse(ip, bits));
    }
    std::sort(walk.begin(), walk.end(), [](const auto& a, const auto& b) {
      return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
    });
    for (int i = 0; i < 20; ++i) {
      const std::string ip = address();
      std::vector<uint32_t> wanted;
      for (const auto& [bits, number, range] : walk) {
        if (range.Contains(*ParseIp(ip))) wanted.push_back(number);
      }
      ASSERT_EQ(All(ranges, ip), wanted) << ip;
    }
  }
}

// Trees whose actions are numbers and whose one input is the text of an address.
class IpTreeTest : public ::testing::Test {
 protected:
  static std::string Leads(int action) {
    return absl::StrCat("{action: {name: a, typed_config: {'@type': ",
                        "type.googleapis.com/google.protobuf.UInt32Value, value: ", action, "}}}");
  }
  static std::string Tree(const std::string& matchers, const std::string& more = "") {
    return absl::StrCat(
        "matcher_tree: {input: {name: i}, custom_match: {name: ip, typed_config: {'@type': ",
        "type.googleapis.com/xds.type.matcher.v3.IPMatcher, range_matchers: [", matchers, "]}}}\n",
        more);
  }
  static std::string Range(const std::string& ip, int bits) {
    return absl::StrCat("{address_prefix: '", ip, "', prefix_len: ", bits, "}");
  }
  std::string Compile(const std::string& yaml) {
    config::Errors errors;
    xds::type::matcher::v3::Matcher proto;
    config::ParseYaml(yaml, proto, errors);
    tree_ = CompileMatchTree(
        proto,
        [](const xds::core::v3::TypedExtensionConfig&, const config::Path&) {
          return std::make_optional(CompiledInput{});
        },
        [](const google::protobuf::Any& any, const config::Path&) {
          google::protobuf::UInt32Value number;
          any.UnpackTo(&number);
          return std::make_optional(number.value());
        },
        config::Path("m"), errors);
    return std::string(errors.ToStatus().message());
  }
  // The action for that text; "-": none.
  std::string Find(const std::string& text) {
    const Found found = tree_->Find([&text](uint32_t, Reading& reading) {
      if (text == "later") {
        reading.state = Reading::State::kLater;
      } else if (!text.empty()) {
        reading.Show(text);
      }
    });
    if (found.state == Found::State::kLater) return "later";
    return found.state == Found::State::kAction ? absl::StrCat(found.action) : "-";
  }

  std::optional<MatchTree> tree_;
};

TEST_F(IpTreeTest, TheNarrowestRangeDecides) {
  ASSERT_EQ(
      Compile(Tree(absl::StrCat("{ranges: [", Range("10.0.0.0", 8), ", ", Range("2001:db8::", 32),
                                "], on_match: ", Leads(1), "}, {ranges: [", Range("10.1.0.0", 16),
                                "], on_match: ", Leads(2), "}"))),
      "");
  EXPECT_EQ(Find("10.2.3.4"), "1");
  EXPECT_EQ(Find("10.1.3.4"), "2");
  EXPECT_EQ(Find("2001:db8::7"), "1");
  for (const char* other : {"11.0.0.1", "::1", "", "a name", "10.1.3.4:80"}) {
    EXPECT_EQ(Find(other), "-") << other;
  }
  EXPECT_EQ(Find("later"), "later");
}

TEST_F(IpTreeTest, WhereTheNarrowestDecidesNothingTheNextDoesUnlessItIsExclusive) {
  // Of the narrowest range nothing comes: its tree has no way out.
  const std::string nothing = absl::StrCat(
      "{matcher: {", "matcher_tree: {input: {name: i}, exact_match_map: {map: {x: ", Leads(9),
      "}}}}}");
  const auto tree = [&](const std::string& exclusive) {
    return Tree(
        absl::StrCat("{ranges: [", Range("10.1.0.0", 16), "], on_match: ", nothing, "}, {ranges: [",
                     Range("10.0.0.0", 8), "], on_match: ", Leads(1), exclusive, "}, {ranges: [",
                     Range("0.0.0.0", 0), "], on_match: ", Leads(2), "}"),
        "on_no_match: " + Leads(3));
  };
  ASSERT_EQ(Compile(tree("")), "");
  EXPECT_EQ(Find("10.1.0.1"), "1");
  ASSERT_EQ(Compile(tree(", exclusive: true")), "");
  EXPECT_EQ(Find("10.1.0.1"), "2");
  EXPECT_EQ(Find("10.2.0.1"), "1");  // Here it is the narrowest.
  EXPECT_EQ(Find("::1"), "3");
}

TEST_F(IpTreeTest, RefusesWhatIsNoRange) {
  EXPECT_NE(Compile(Tree("")).find("range_matchers"), std::string::npos);
  EXPECT_NE(Compile(Tree("{on_match: " + Leads(1) + "}")).find("ranges: expected at least one"),
            std::string::npos);
  EXPECT_NE(Compile(Tree(absl::StrCat("{ranges: [", Range("10.0.0.0", 40),
                                      "], on_match: ", Leads(1), "}")))
                .find("ranges[0]"),
            std::string::npos);
  EXPECT_NE(Compile(Tree("{ranges: [" + Range("::", 0) + "]}")).find("on_match"),
            std::string::npos);
}

}  // namespace
}  // namespace proxenos::match
