// How much of a resource is in use, by the files that tell.
#include "source/server/resource_pressure.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

TEST(ContainerMemoryTest, TheLesserLimitCounts) {
  EXPECT_EQ(ContainerMemory("500\n", "1000\n", 0), 0.5);
  EXPECT_EQ(ContainerMemory("500", "1000", 2000), 0.5);
  EXPECT_EQ(ContainerMemory("500", "1000", 625), 0.8);
  EXPECT_EQ(ContainerMemory("500", "max", 625), 0.8);
  EXPECT_EQ(ContainerMemory("500", "-1", 625), 0.8);
  EXPECT_EQ(ContainerMemory("500", "max", 0), 0);
  EXPECT_EQ(ContainerMemory("500", "0", 0), 1);
}

TEST(ContainerMemoryTest, WhatIsNoNumberTellsNothing) {
  EXPECT_EQ(ContainerMemory("", "1000", 0), std::nullopt);
  EXPECT_EQ(ContainerMemory("500", "", 0), std::nullopt);
  EXPECT_EQ(ContainerMemory("-5", "1000", 0), std::nullopt);
}

class ResourcePressureTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  std::optional<double> Read(OverloadMonitor monitor) {
    return ResourcePressure(root_).Read(monitor, 0);
  }

  const std::string root_ = ::testing::TempDir() + "pressure." +
                            ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ResourcePressureTest, BothVersionsOfCgroups) {
  const OverloadMonitor memory{"", OverloadMonitor::Kind::kContainerMemory};
  EXPECT_EQ(Read(memory), std::nullopt);
  Write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "30");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "40");
  EXPECT_EQ(Read(memory), 0.75);
  Write("/sys/fs/cgroup/memory.current", "10");
  Write("/sys/fs/cgroup/memory.max", "40");
  EXPECT_EQ(Read(memory), 0.25);
}

TEST_F(ResourcePressureTest, AFileThatSomebodyWrites) {
  const OverloadMonitor file{"", OverloadMonitor::Kind::kFile, 0, root_ + "/pressure"};
  EXPECT_EQ(Read(file), std::nullopt);
  Write("/pressure", "0.75\n");
  EXPECT_EQ(Read(file), 0.75);
  for (const char* wrong : {"", "much", "1.5", "-1", "nan"}) {
    Write("/pressure", wrong);
    EXPECT_EQ(Read(file), std::nullopt) << wrong;
  }
}

TEST_F(ResourcePressureTest, TheHeap) {
  EXPECT_GT(Read(OverloadMonitor{"", OverloadMonitor::Kind::kHeap, 1}), 1);
}

}  // namespace
}  // namespace proxenos::server
