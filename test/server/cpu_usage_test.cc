// What the kernel's files tell of the processor.
#include "source/server/cpu_usage.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

namespace fs = std::filesystem;

TEST(CpuUsageTest, LinesOfTheHost) {
  const auto counts = HostCpu("cpu  10 20 30 40 50 60 0 0 0 0\ncpu0 1 2 3 4\n");
  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ(counts->used, 60);
  EXPECT_EQ(counts->whole, 100);
  for (const char* broken : {"", "cpu", "cpu  1 2 3", "cpu0 1 2 3 4", "cpu  1 x 3 4",
                             "cpu  1 -2 3 4", "cpu  nan 2 3 4"}) {
    EXPECT_FALSE(HostCpu(broken).has_value()) << broken;
  }
}

TEST(CpuUsageTest, LinesOfAContainer) {
  const base::MonoTime second = base::kSecond;
  const std::string stat = "usage_usec 500000\nuser_usec 1\n";
  EXPECT_EQ(ContainerCpu(stat, "max 100000\n", 4, second)->used, 500'000);
  EXPECT_EQ(ContainerCpu(stat, "max 100000\n", 4, second)->whole, 4'000'000);
  EXPECT_EQ(ContainerCpu(stat, "150000 100000\n", 4, second)->whole, 1'500'000);
  EXPECT_EQ(ContainerCpu(stat, "900000 100000\n", 4, second)->whole, 4'000'000);
  EXPECT_FALSE(ContainerCpu(stat, "1 0\n", 4, second).has_value());
  EXPECT_FALSE(ContainerCpu(stat, "max 1", 0, second).has_value());
  EXPECT_FALSE(ContainerCpu("user_usec 1\n", "max 1", 4, second).has_value());
  EXPECT_EQ(OldContainerCpu("7\n", "2048\n", second)->whole, 2e9);
  EXPECT_FALSE(OldContainerCpu("", "2048", second).has_value());
  EXPECT_FALSE(OldContainerCpu("7", "0", second).has_value());
}

TEST(CpuUsageTest, ListsOfProcessors) {
  EXPECT_EQ(CountProcessors("0-3,7\n"), 5u);
  EXPECT_EQ(CountProcessors("5"), 1u);
  for (const char* broken : {"", "a", "3-1", "1,", "1-x"}) {
    EXPECT_EQ(CountProcessors(broken), 0u) << broken;
  }
}

TEST(CpuUsageTest, FollowsSlowly) {
  const fs::path root = fs::path(::testing::TempDir()) / "cpu_usage";
  fs::create_directories(root / "proc");
  const auto write = [&root](const std::string& text) {
    std::ofstream(root / "proc/stat") << text;
  };
  CpuUsage usage(CpuUsage::Of::kHost, root.string());
  EXPECT_EQ(usage.Read(0), 0);  // There is no such file.
  write("cpu  0 0 0 100\n");
  EXPECT_EQ(usage.Read(0), 0);
  write("cpu  100 0 0 100\n");
  EXPECT_DOUBLE_EQ(usage.Read(0), CpuUsage::kWeight);
  EXPECT_DOUBLE_EQ(usage.Read(0), CpuUsage::kWeight);  // No time went by.
  write("nonsense");
  EXPECT_DOUBLE_EQ(usage.Read(0), CpuUsage::kWeight);
  write("cpu  100 0 0 200\n");
  EXPECT_LT(usage.Read(0), CpuUsage::kWeight);
  fs::remove_all(root);
}

}  // namespace
}  // namespace proxenos::server
