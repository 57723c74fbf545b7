// Hash tables: shares by weight, and that few requests move when hosts come and go. The picks that
// are compared by number are Envoy's own, for the same hosts and hashes.
#include "source/upstream/hash_table.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/base/xxhash64.h"

namespace proxenos::upstream {
namespace {

using Members = std::vector<HashTable::Member>;

Members Hosts(const std::vector<double>& weights) {
  Members members;
  for (size_t i = 0; i < weights.size(); ++i) {
    members.push_back(
        {static_cast<uint32_t>(i), weights[i], "10.0.0." + std::to_string(i + 1) + ":80"});
  }
  return members;
}

HashOptions Ring() { return HashOptions(); }
HashOptions Maglev() {
  HashOptions options;
  options.ring = false;
  return options;
}

std::vector<double> Shares(const HashTable& table, size_t hosts, int picks) {
  std::vector<double> shares(hosts);
  base::Random random(7);
  for (int i = 0; i < picks; ++i) shares[table.Pick(random.Next(), 0)] += 1.0 / picks;
  return shares;
}

class HashTableTest : public ::testing::TestWithParam<bool> {
 protected:
  HashOptions Options() const { return GetParam() ? Ring() : Maglev(); }
};

TEST_P(HashTableTest, SharesFollowWeights) {
  const HashTable table(Options(), Hosts({1, 2, 5}));
  const std::vector<double> shares = Shares(table, 3, 100'000);
  const double tolerance = GetParam() ? 0.05 : 0.01;  // A ring of 1,024 points is coarse.
  EXPECT_NEAR(shares[0], 1.0 / 8, tolerance);
  EXPECT_NEAR(shares[1], 2.0 / 8, tolerance);
  EXPECT_NEAR(shares[2], 5.0 / 8, tolerance);
}

TEST_P(HashTableTest, TheSameHashLeadsToTheSameHost) {
  const HashTable first(Options(), Hosts({1, 1, 1, 1}));
  const HashTable second(Options(), Hosts({1, 1, 1, 1}));
  base::Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t hash = random.Next();
    EXPECT_EQ(first.Pick(hash, 0), second.Pick(hash, 0));
  }
}

TEST_P(HashTableTest, FewMoveWhenAHostLeaves) {
  const HashTable before(Options(), Hosts(std::vector<double>(20, 1)));
  Members less = Hosts(std::vector<double>(20, 1));
  less.erase(less.begin() + 7);
  const HashTable after(Options(), less);
  base::Random random(3);
  int moved = 0;
  constexpr int kPicks = 20'000;
  for (int i = 0; i < kPicks; ++i) {
    const uint64_t hash = random.Next();
    const uint32_t host = before.Pick(hash, 0);
    if (host != 7) moved += after.Pick(hash, 0) != host;
  }
  // A ring has a few more points for each host then; in Maglev's table some lose their place.
  EXPECT_LE(moved, kPicks / 20);
}

TEST_P(HashTableTest, AnotherAttemptFindsAnotherHost) {
  const HashTable table(Options(), Hosts(std::vector<double>(10, 1)));
  base::Random random(3);
  int other = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t hash = random.Next();
    other += table.Pick(hash, 0) != table.Pick(hash, 1);
  }
  EXPECT_GT(other, 700);
}

TEST_P(HashTableTest, KnowsWhatItWasBuiltOf) {
  const HashTable table(Options(), Hosts({1, 2}));
  EXPECT_TRUE(table.BuiltOf(Options(), Hosts({1, 2})));
  EXPECT_FALSE(table.BuiltOf(Options(), Hosts({2, 1})));
  EXPECT_FALSE(table.BuiltOf(Options(), Hosts({1, 2, 1})));
  EXPECT_FALSE(table.BuiltOf(GetParam() ? Maglev() : Ring(), Hosts({1, 2})));
}

INSTANTIATE_TEST_SUITE_P(Both, HashTableTest, ::testing::Bool());

TEST(RingTest, SizeIsWithinItsBounds) {
  EXPECT_EQ(HashTable(Ring(), Hosts({1, 1})).size(), 1024u);
  HashOptions small = Ring();
  small.min_ring_size = 1;
  EXPECT_EQ(HashTable(small, Hosts({1, 1, 1})).size(), 3u);
  HashOptions large = Ring();
  large.min_ring_size = large.max_ring_size = 10;
  EXPECT_LE(HashTable(large, Hosts(std::vector<double>(20, 1))).size(), 11u);
}

TEST(MaglevTest, EveryPlaceIsTaken) {
  HashOptions options = Maglev();
  options.table_size = 5;
  const HashTable table(options, Hosts(std::vector<double>(8, 1)));  // More hosts than places.
  EXPECT_EQ(table.size(), 5u);
  for (uint64_t hash = 0; hash < 20; ++hash) EXPECT_LT(table.Pick(hash, 0), 8u);
}

TEST(HashFunctionTest, KnownValues) {
  // Of the reference implementations of both.
  EXPECT_EQ(base::XxHash64(""), 0xef46db3751d8e999u);
  EXPECT_EQ(base::XxHash64("a"), 0xd24ec4f1a98c6e5bu);
  EXPECT_EQ(base::XxHash64("abc"), 0x44bc2cf5ad770999u);
  EXPECT_NE(base::XxHash64("abc", 1), base::XxHash64("abc"));
  // What the standard library of GCC hashes strings by.
  for (const std::string text : {"", "a", "12345678", "10.0.0.1:80_7"}) {
    EXPECT_EQ(MurmurHash2(text), std::hash<std::string>()(text));
  }
}

TEST(PrimeTest, Primes) {
  for (uint64_t prime : {2, 3, 5, 65537, 5000011}) EXPECT_TRUE(IsPrime(prime)) << prime;
  for (uint64_t other : {0, 1, 4, 9, 65535, 5000013}) EXPECT_FALSE(IsPrime(other)) << other;
}

}  // namespace
}  // namespace proxenos::upstream
