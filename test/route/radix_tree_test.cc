// The radix tree against a plain search.
#include "source/route/radix_tree.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace proxenos::route {
namespace {

using Found = std::vector<std::pair<uint32_t, size_t>>;

Found PrefixesOf(const RadixTree& tree, const std::string& text) {
  Found found;
  tree.ForEachPrefixOf(text, [&](uint32_t value, size_t size) { found.emplace_back(value, size); });
  return found;
}

TEST(RadixTreeTest, FindsAllPrefixesShortestFirst) {
  RadixTree tree;
  tree.Add("/a/b", 2);
  tree.Add("", 0);
  tree.Add("/a", 1);
  tree.Add("/abc", 3);
  tree.Build();
  EXPECT_EQ(PrefixesOf(tree, "/a/b/c"), (Found{{0, 0}, {1, 2}, {2, 4}}));
  EXPECT_EQ(PrefixesOf(tree, "/abcd"), (Found{{0, 0}, {1, 2}, {3, 4}}));
  EXPECT_EQ(PrefixesOf(tree, "/ab"), (Found{{0, 0}, {1, 2}}));
  EXPECT_EQ(PrefixesOf(tree, ""), (Found{{0, 0}}));
}

TEST(RadixTreeTest, EmptyTreeFindsNothing) {
  RadixTree tree;
  tree.Build();
  EXPECT_TRUE(tree.empty());
  EXPECT_TRUE(PrefixesOf(tree, "/a").empty());
}

TEST(RadixTreeTest, AgreesWithAList) {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    const auto text = [&](uint64_t max_size) {
      std::string result;
      const uint64_t size = random.Below(max_size);
      for (uint64_t i = 0; i < size; ++i) result.push_back("ab\xff\0"[random.Below(4)]);
      return result;
    };
    std::map<std::string, uint32_t> keys;
    RadixTree tree;
    for (uint32_t i = 0; i < 40; ++i) {
      const std::string key = text(6);
      if (keys.emplace(key, i).second) tree.Add(key, i);
    }
    tree.Build();
    for (int i = 0; i < 40; ++i) {
      const std::string wanted = text(10);
      Found expected;
      for (size_t size = 0; size <= wanted.size(); ++size) {
        const auto key = keys.find(wanted.substr(0, size));
        if (key != keys.end()) expected.emplace_back(key->second, size);
      }
      ASSERT_EQ(PrefixesOf(tree, wanted), expected) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace proxenos::route
