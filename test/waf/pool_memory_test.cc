// Memory of threads that inspect: what is freed is taken again, whoever made it, up to a limit.
#include "source/waf/pool_memory.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace proxenos::waf {
namespace {

// Sanitizers have their own operator new.
#if defined(PROXENOS_ASAN) || defined(PROXENOS_TSAN)
constexpr bool kReplaced = false;
#else
constexpr bool kReplaced = true;
#endif

TEST(PoolMemoryTest, KeepsWhatIsFreed) {
  if (!kReplaced) return;
  const PoolMemory memory;
  EXPECT_EQ(PoolMemory::kept_bytes(), 0u);
  for (const size_t size : {1u, 16u, 17u, 100u, 1008u}) {
    void* const first = operator new(size);
    const auto address = reinterpret_cast<uintptr_t>(first);
    std::memset(first, 0xff, size);
    const size_t before = PoolMemory::kept_bytes();
    operator delete(first);
    EXPECT_GE(PoolMemory::kept_bytes(), before + size) << size;
    void* const second = operator new(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(second), address) << size;
    EXPECT_EQ(PoolMemory::kept_bytes(), before);
    operator delete(second);
  }
  const size_t before = PoolMemory::kept_bytes();
  operator delete(operator new(100'000));
  EXPECT_EQ(PoolMemory::kept_bytes(), before) << "what is large is not kept";
}

TEST(PoolMemoryTest, OnlyWhereItIsWanted) {
  { const PoolMemory memory; }
  operator delete(operator new(100));
  EXPECT_EQ(PoolMemory::kept_bytes(), 0u);
}

TEST(PoolMemoryTest, KeepsNoMoreThanItMay) {
  const PoolMemory memory;
  std::vector<std::unique_ptr<char[]>> blocks;
  for (size_t bytes = 0; bytes < 2 * PoolMemory::kMaxKeptBytes; bytes += 1000) {
    blocks.push_back(std::make_unique<char[]>(1000));
  }
  blocks.clear();
  EXPECT_LE(PoolMemory::kept_bytes(), PoolMemory::kMaxKeptBytes);
}

// Blocks of all sizes go from thread to thread, with and without it, and keep what is in them.
TEST(PoolMemoryTest, BlocksOfOthers) {
  std::vector<std::string> texts;
  base::Random random(5);
  for (int round = 0; round < 20; ++round) {
    std::thread([&] {
      std::unique_ptr<PoolMemory> memory;
      if (round % 3 != 0) memory = std::make_unique<PoolMemory>();
      for (int i = 0; i < 20'000; ++i) {
        const size_t size = random.Below(1500);
        if (texts.size() < 500) {
          texts.emplace_back(size, static_cast<char>('a' + size % 26));
          continue;
        }
        std::string& one = texts[random.Below(texts.size())];
        ASSERT_EQ(one, std::string(one.size(), static_cast<char>('a' + one.size() % 26)));
        one = std::string(size, static_cast<char>('a' + size % 26));
        one.shrink_to_fit();
      }
    }).join();
  }
}

}  // namespace
}  // namespace proxenos::waf
