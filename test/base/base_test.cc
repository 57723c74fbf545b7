// Intrusive lists, links, plain-count pointers and the random generator.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/intrusive_list.h"
#include "source/base/link.h"
#include "source/base/random.h"
#include "source/base/rc.h"

namespace proxenos::base {
namespace {

struct Item : ListNode<> {
  explicit Item(int n) : number(n) {}
  int number;
};

std::vector<int> Numbers(IntrusiveList<Item>& list) {
  std::vector<int> numbers;
  for (Item* item = list.front(); item != nullptr; item = list.Next(item)) {
    numbers.push_back(item->number);
  }
  return numbers;
}

TEST(IntrusiveList, KeepsOrderAndForgetsWhatDies) {
  IntrusiveList<Item> list;
  Item one(1);
  Item three(3);
  {
    Item two(2);
    list.PushBack(&two);
    list.PushBack(&three);
    list.PushFront(&one);
    EXPECT_EQ(Numbers(list), (std::vector<int>{1, 2, 3}));
  }
  EXPECT_EQ(Numbers(list), (std::vector<int>{1, 3}));
  EXPECT_EQ(list.back(), &three);
  IntrusiveList<Item>::Remove(&one);
  IntrusiveList<Item>::Remove(&one);  // Twice does no harm.
  EXPECT_FALSE(one.linked());
  EXPECT_EQ(list.PopFront(), &three);
  EXPECT_EQ(list.PopFront(), nullptr);
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, SpliceMovesAllToTheEnd) {
  IntrusiveList<Item> list;
  IntrusiveList<Item> other;
  Item one(1), two(2), three(3);
  list.Splice(other);
  EXPECT_TRUE(list.empty());
  list.PushBack(&one);
  other.PushBack(&two);
  other.PushBack(&three);
  list.Splice(other);
  EXPECT_EQ(Numbers(list), (std::vector<int>{1, 2, 3}));
  EXPECT_TRUE(other.empty());
  other.PushBack(list.PopFront());
  EXPECT_EQ(Numbers(other), (std::vector<int>{1}));
}

TEST(IntrusiveList, ElementsOutliveTheirList) {
  Item one(1);
  {
    IntrusiveList<Item> list;
    list.PushBack(&one);
  }
  EXPECT_FALSE(one.linked());
}

struct Right;
struct Left {
  Link<Left, Right> link{this};
};
struct Right {
  Link<Right, Left> link{this};
};

TEST(Link, EitherEndsDeathFreesTheOther) {
  Left left;
  {
    Right right;
    left.link.Connect(right.link);
    EXPECT_EQ(left.link.get(), &right);
    EXPECT_EQ(right.link.get(), &left);
  }
  EXPECT_EQ(left.link.get(), nullptr);
  Right again;
  {
    Left dying;
    dying.link.Connect(again.link);
  }
  EXPECT_FALSE(again.link);
  left.link.Connect(again.link);
  again.link.Clear();
  EXPECT_FALSE(left.link);
}

struct Counted final : RefCounted {
  explicit Counted(int* counter) : alive(counter) { ++*alive; }
  ~Counted() { --*alive; }
  int* alive;
};

TEST(Rc, LastOneDestroys) {
  int alive = 0;
  Rc<Counted> first(std::make_unique<Counted>(&alive));
  {
    Rc<Counted> second = first;
    Rc<Counted> third = std::move(second);
    EXPECT_FALSE(second);
    first.reset();
    EXPECT_EQ(alive, 1);
    third = Rc<Counted>(third);  // From itself.
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Rc, HeldPinsTheSharedObjectOnce) {
  auto object = std::make_shared<const int>(7);
  Held<int> held = Hold<int>(object);
  const Held<int> copy = held;
  EXPECT_EQ(object.use_count(), 2);
  held.reset();
  EXPECT_EQ(**copy, 7);
}

TEST(Random, SameSeedSameSequenceWithinBounds) {
  Random a(42);
  Random b(42);
  std::vector<int> seen(10, 0);
  for (int i = 0; i < 10000; ++i) {
    const uint64_t drawn = a.Below(10);
    EXPECT_EQ(drawn, b.Below(10));
    ASSERT_LT(drawn, 10u);
    ++seen[drawn];
  }
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 850);
}

}  // namespace
}  // namespace proxenos::base
