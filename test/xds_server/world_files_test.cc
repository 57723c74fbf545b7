// A folder of files as a state of the world.
#include "tools/xds_server/world_files.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "source/xds/type_url.h"

namespace proxenos::xds_server {
namespace {

namespace fs = std::filesystem;

class WorldFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/world_files.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  // A line of a resources list.
  static std::string Cluster(const std::string& name) {
    return std::string("- {'@type': ") + xds::kClusterType + ", name: " + name + "}\n";
  }

  fs::path folder_;
};

TEST_F(WorldFilesTest, GathersAllFilesByType) {
  Write("1.yaml", "resources:\n" + Cluster("a"));
  Write("2.json", std::string(R"({"resources": [{"@type": ")") + xds::kEndpointType +
                      R"(", "clusterName": "a"}]})");
  Write(".hidden.yaml", "nonsense: [");
  Write("notes.txt", "nonsense: [");
  const absl::StatusOr<WorldState> world = LoadWorld(folder_);
  ASSERT_TRUE(world.ok()) << world.status();
  EXPECT_EQ(world->size(), 4u) << "all four types are there, if only empty";
  EXPECT_EQ(NameOf(world->at(xds::kClusterType).resources.at(0)), "a");
  EXPECT_EQ(NameOf(world->at(xds::kEndpointType).resources.at(0)), "a");
  EXPECT_TRUE(world->at(xds::kRouteType).resources.empty());
}

TEST_F(WorldFilesTest, VersionsFollowTheContentOfTheirType) {
  Write("1.yaml", "resources:\n" + Cluster("a"));
  const WorldState before = LoadWorld(folder_).value();
  EXPECT_EQ(LoadWorld(folder_).value(), before);
  Write("2.yaml", "resources:\n" + Cluster("b"));
  const WorldState after = LoadWorld(folder_).value();
  EXPECT_NE(after.at(xds::kClusterType).version, before.at(xds::kClusterType).version);
  EXPECT_EQ(after.at(xds::kListenerType).version, before.at(xds::kListenerType).version);
}

TEST_F(WorldFilesTest, AllErrorsComeAtOnceWithTheirFiles) {
  Write("1.yaml", "resources:\n" + Cluster("a"));
  Write("2.yaml", "resources:\n" + Cluster("a") + Cluster("''"));
  Write("3.yaml", "resources: [");
  const absl::Status status = LoadWorld(folder_).status();
  const std::string message(status.message());
  EXPECT_TRUE(absl::StrContains(message, "2.yaml: resources[0]: a resource named a")) << message;
  EXPECT_TRUE(absl::StrContains(message, "2.yaml: resources[1] has no name")) << message;
  EXPECT_TRUE(absl::StrContains(message, "3.yaml")) << message;
}

TEST_F(WorldFilesTest, NoFolderIsAnError) { EXPECT_FALSE(LoadWorld(folder_ / "none").ok()); }

TEST(Sample, IsWellFormed) {
  const absl::StatusOr<WorldState> world = LoadWorld("tools/sample/xds");
  ASSERT_TRUE(world.ok()) << world.status();
  for (const auto& [type, state] : *world) EXPECT_FALSE(state.resources.empty()) << type;
}

}  // namespace
}  // namespace proxenos::xds_server
