// Folders of files as a layer.
#include "source/runtime/disk_layer.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::runtime {
namespace {

namespace fs = std::filesystem;

class DiskLayerTest : public ::testing::Test {
 protected:
  DiskLayerTest()
      : root_(fs::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~DiskLayerTest() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& content) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << content;
  }
  // "key=value" of each, in order; or the error.
  std::string Read() {
    const auto layer = ReadDiskLayer("disk", root_.string());
    if (!layer.ok()) return absl::StrCat("error: ", layer.status().message());
    std::string text;
    for (const auto& [key, value] : (*layer)->values)
      absl::StrAppend(&text, key, "=", value.text, ";");
    return text;
  }

  const fs::path root_;
};

TEST_F(DiskLayerTest, NamesAndValues) {
  Write("health/min", "# at least so many\n10\n\n");
  Write("health/deep/er", "hello  \n");
  Write("empty", "");
  Write(".hidden", "1");
  EXPECT_EQ(Read(), ".hidden=1;empty=;health.deep.er=hello;health.min=10;");
}

TEST_F(DiskLayerTest, WhatCannotBe) {
  EXPECT_EQ(Read(), "");
  Write("large", std::string(65 * 1024, 'x'));
  EXPECT_TRUE(absl::StrContains(Read(), "more than 65536 bytes")) << Read();
  fs::remove(root_ / "large");
  fs::create_directory_symlink(root_, root_ / "again");
  EXPECT_TRUE(absl::StrContains(Read(), "folders too deep")) << Read();
  fs::remove(root_ / "again");
  fs::remove_all(root_);
  EXPECT_TRUE(absl::StartsWith(Read(), "error: cannot read ")) << Read();
}

}  // namespace
}  // namespace proxenos::runtime
