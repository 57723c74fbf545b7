// Memory that goes round among the objects of a family, by their size.
#include "source/base/recycled_by_size.h"

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

struct Base : public RecycledBySize<Base> {
  virtual ~Base() = default;
};

template <size_t kBytes>
struct Sized final : public Base {
  Sized() { std::memset(bytes, 'x', kBytes); }  // A sanitizer would see too small a block.
  char bytes[kBytes];
};

TEST(RecycledBySize, TheNextOfLikeSizeTakesThePlaceOfTheLast) {
  std::unique_ptr<Base> first = std::make_unique<Sized<100>>();
  const void* const place = first.get();
  first.reset();
  if (!kKeeps) return;
  const auto other = std::make_unique<Sized<200>>();
  const auto like = std::make_unique<Sized<104>>();
  EXPECT_NE(static_cast<const void*>(other.get()), place);
  EXPECT_EQ(static_cast<const void*>(like.get()), place);
}

TEST(RecycledBySize, SizesAtTheEdgesOfListsFit) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Base>> family;
    family.push_back(std::make_unique<Sized<1>>());
    family.push_back(std::make_unique<Sized<56>>());
    family.push_back(std::make_unique<Sized<57>>());
    family.push_back(std::make_unique<Sized<2040>>());
    family.push_back(std::make_unique<Sized<2041>>());
    family.push_back(std::make_unique<Sized<100000>>());
  }
}

TEST(RecycledBySize, KeepsABoundedAmountAndNothingPastItsThread) {
  std::thread([] {
    std::vector<std::unique_ptr<Base>> burst;
    for (int i = 0; i < 10000; ++i) burst.push_back(std::make_unique<Sized<1000>>());
    EXPECT_EQ(Base::kept_bytes(), 0u);
    burst.clear();
    EXPECT_GE(Base::kept_bytes(), kKeeps ? 512u * 1024 : 0u);
    EXPECT_LE(Base::kept_bytes(), kKeeps ? 514u * 1024 : 0u);
    for (int i = 0; i < 10000; ++i) burst.push_back(std::make_unique<Sized<1000>>());
    EXPECT_EQ(Base::kept_bytes(), 0u);
  }).join();
}

}  // namespace
}  // namespace proxenos::base
