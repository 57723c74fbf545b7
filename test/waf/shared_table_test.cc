// One thing for equal keys, for as long as somebody holds it.
#include "source/waf/shared_table.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace proxenos::waf {
namespace {

struct Counted {
  explicit Counted(int* count) : alive(count) { ++*alive; }
  ~Counted() { --*alive; }
  int* const alive;
};

class SharedTableTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Counted> Get(const std::string& key) {
    return table_.FindOrMake(key, [this] {
      ++made_;
      return std::make_shared<const Counted>(&alive_);
    });
  }

  int made_ = 0;
  int alive_ = 0;
  SharedTable<std::string, Counted> table_;
};

TEST_F(SharedTableTest, EqualKeysShare) {
  const auto one = Get("a");
  EXPECT_EQ(one, Get("a"));
  EXPECT_NE(one, Get("b"));
  EXPECT_EQ(made_, 2);
}

TEST_F(SharedTableTest, WhatNobodyHoldsGoesWithTheNextQuestion) {
  Get("a");
  EXPECT_EQ(alive_, 1);  // Its last holder did not pay for its end.
  Get("a");
  EXPECT_EQ(made_, 1);  // And may have it again.
  const auto held = Get("b");
  EXPECT_EQ(alive_, 1);
  EXPECT_EQ(table_.size(), 1u);
  Get("c");
  EXPECT_EQ(alive_, 2);
}

TEST_F(SharedTableTest, NothingIsKeptOfWhatCouldNotBeMade) {
  EXPECT_EQ(table_.FindOrMake("a", [] { return nullptr; }), nullptr);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_NE(Get("a"), nullptr);
}

}  // namespace
}  // namespace proxenos::waf
