// Memory that goes round among the objects of one class.
#include "source/base/recycled.h"

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::base {
namespace {

#if defined(PROXENOS_ASAN) || defined(PROXENOS_TSAN)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

struct Base {
  virtual ~Base() = default;
};

struct Small : public Base, public Recycled<Small> {
  char bytes[2000];
};

struct Large final : public Small {
  char more[2000];
};

TEST(Recycled, TheNextOfTheClassTakesThePlaceOfTheLast) {
  auto first = std::make_unique<Small>();
  auto second = std::make_unique<Small>();
  const void* const places[] = {first.get(), second.get()};
  first.reset();
  std::unique_ptr<Base>(std::move(second)).reset();
  if (!kKeeps) return;
  const auto third = std::make_unique<Small>();
  const auto fourth = std::make_unique<Small>();
  EXPECT_EQ(third.get(), places[1]);
  EXPECT_EQ(fourth.get(), places[0]);
}

// The size of what goes decides, not the class that recycles.
TEST(Recycled, DerivedClassesOfOtherSizeAreNotMixedIn) {
  std::make_unique<Small>().reset();
  auto large = std::make_unique<Large>();
  std::memset(large->more, 'x', sizeof(large->more));  // A sanitizer would see too small a block.
  std::unique_ptr<Base>(std::move(large)).reset();
  auto small = std::make_unique<Small>();
  std::memset(small->bytes, 'y', sizeof(small->bytes));
}

TEST(Recycled, KeepsABoundedNumberAndNothingPastItsThread) {
  std::thread([] {
    std::vector<std::unique_ptr<Small>> burst;
    for (int i = 0; i < 1000; ++i) burst.push_back(std::make_unique<Small>());
    burst.clear();
    EXPECT_EQ(Small::kept(), kKeeps ? 256u : 0u);
  }).join();
}

}  // namespace
}  // namespace proxenos::base
