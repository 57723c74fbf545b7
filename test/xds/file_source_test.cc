// Resources from a file, and the ways in which files change.
#include "source/xds/file_source.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "gtest/gtest.h"
#include "source/base/clock.h"
#include "source/xds/type_url.h"

namespace proxenos::xds {
namespace {

namespace fs = std::filesystem;

// What a cluster file with these names holds.
std::string ClustersYaml(const std::string& version, const std::vector<std::string>& names) {
  std::string text = "version_info: '" + version + "'\nresources:\n";
  for (const std::string& name : names) {
    text += "- '@type': " + std::string(kClusterType) + "\n  name: " + name + "\n";
  }
  return text;
}

void WriteFile(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void MoveInto(const fs::path& path, const std::string& text) {
  const fs::path next = path.string() + ".next";
  WriteFile(next, text);
  fs::rename(next, path);
}

class FileSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/file_source.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    source_.reset();
    fs::remove_all(folder_);
  }

  FileSource& Start(const fs::path& path, const std::string& watched = "",
                    base::Nanos poll_interval = 0, bool collection = false) {
    SubscriptionOptions options;
    options.type = *FindResourceType(kClusterType);
    source_.emplace(loop_, FileSourceOptions{path.string(), watched, poll_interval, collection},
                    options, [this](const TypeUpdate& update) {
                      updates_.push_back(update);
                      return refuse_;
                    });
    source_->subscription()->Want({{kAllNames}, {}});
    source_->Start();
    return *source_;
  }

  // Runs the loop until `updates` updates have come, or for ten seconds of turns without any event.
  bool RunUntilUpdates(size_t updates) {
    for (int i = 0; i < 100 && updates_.size() < updates; ++i) {
      loop_.RunOnce(100 * base::kMillisecond);
    }
    return updates_.size() >= updates;
  }

  base::RealClock clock_;
  event::EventLoop loop_{clock_};
  fs::path folder_;
  std::optional<FileSource> source_;
  std::vector<TypeUpdate> updates_;
  std::vector<ResourceError> refuse_;
};

TEST_F(FileSourceTest, ReadsAtStart) {
  const fs::path path = folder_ / "cds.yaml";
  WriteFile(path, ClustersYaml("v1", {"a", "b"}));
  Start(path);
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].version, "v1");
  ASSERT_EQ(updates_[0].resources.size(), 2u);
  EXPECT_EQ(updates_[0].resources[1].name, "b");
}

TEST_F(FileSourceTest, SeesWritesAndMoves) {
  const fs::path path = folder_ / "cds.yaml";
  WriteFile(path, ClustersYaml("v1", {"a"}));
  Start(path);
  WriteFile(path, ClustersYaml("v2", {"a", "written"}));
  ASSERT_TRUE(RunUntilUpdates(2));
  EXPECT_EQ(updates_.back().resources.at(0).name, "written");
  MoveInto(path, ClustersYaml("v3", {"a", "moved"}));
  ASSERT_TRUE(RunUntilUpdates(3));
  EXPECT_EQ(updates_.back().resources.at(0).name, "moved");
  EXPECT_EQ(updates_.back().removed, (std::vector<std::string>{"written"}));
}

TEST_F(FileSourceTest, NeighboursCostNothing) {
  const fs::path path = folder_ / "cds.yaml";
  WriteFile(path, ClustersYaml("v1", {"a"}));
  Start(path);
  const uint64_t attempts = source_->subscription()->stats().update_attempt;
  WriteFile(folder_ / "other.yaml", "nonsense");
  loop_.RunOnce(base::kSecond);  // The event for the neighbour.
  EXPECT_EQ(source_->subscription()->stats().update_attempt, attempts);
}

TEST_F(FileSourceTest, FileMayComeLater) {
  const fs::path path = folder_ / "cds.yaml";
  Start(path);
  EXPECT_EQ(source_->subscription()->stats().update_failure, 1u);
  EXPECT_FALSE(source_->last_error().empty());
  MoveInto(path, ClustersYaml("v1", {"a"}));
  ASSERT_TRUE(RunUntilUpdates(1));
  EXPECT_TRUE(source_->last_error().empty());
}

TEST_F(FileSourceTest, DirectoryMayComeLater) {
  const fs::path path = folder_ / "later" / "cds.yaml";
  Start(path);
  fs::create_directory(folder_ / "later");
  WriteFile(path, ClustersYaml("v1", {"a"}));
  ASSERT_TRUE(RunUntilUpdates(1));
}

TEST_F(FileSourceTest, BadFileKeepsTheLastGood) {
  const fs::path path = folder_ / "cds.yaml";
  WriteFile(path, ClustersYaml("v1", {"a"}));
  Start(path);
  const uint64_t failures = source_->subscription()->stats().update_failure;
  MoveInto(path, "resources: [ {");
  while (source_->subscription()->stats().update_failure == failures) {
    loop_.RunOnce(100 * base::kMillisecond);
  }
  EXPECT_EQ(updates_.size(), 1u);
  EXPECT_NE(source_->last_error().find("cds.yaml"), std::string::npos) << source_->last_error();
  MoveInto(path, ClustersYaml("v3", {"a", "b"}));
  ASSERT_TRUE(RunUntilUpdates(2));
  EXPECT_EQ(updates_.back().unchanged, 1u);
  EXPECT_TRUE(source_->last_error().empty());
}

TEST_F(FileSourceTest, RefusedResourceIsReported) {
  const fs::path path = folder_ / "cds.yaml";
  WriteFile(path, ClustersYaml("v1", {"a"}));
  refuse_ = {{"a", "no good"}};
  Start(path);
  EXPECT_EQ(source_->last_error(), "a: no good");
  EXPECT_EQ(source_->subscription()->stats().update_rejected, 1u);
}

// What Kubernetes does with a ConfigMap: the file is a link through ..data, and ..data is swapped.
TEST_F(FileSourceTest, FollowsASwappedLink) {
  fs::create_directory(folder_ / "..1");
  WriteFile(folder_ / "..1" / "cds.yaml", ClustersYaml("v1", {"a"}));
  fs::create_directory_symlink("..1", folder_ / "..data");
  fs::create_symlink("..data/cds.yaml", folder_ / "cds.yaml");
  Start(folder_ / "cds.yaml", folder_.string());
  ASSERT_EQ(updates_.size(), 1u);

  fs::create_directory(folder_ / "..2");
  WriteFile(folder_ / "..2" / "cds.yaml", ClustersYaml("v2", {"a", "b"}));
  fs::create_directory_symlink("..2", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  ASSERT_TRUE(RunUntilUpdates(2));
  EXPECT_EQ(updates_.back().version, "v2");
  EXPECT_EQ(updates_.back().resources.at(0).name, "b");
}

TEST_F(FileSourceTest, NamesWantedLaterAreFoundInTheFile) {
  const fs::path path = folder_ / "cds.yaml";
  WriteFile(path, ClustersYaml("v1", {"a", "b"}));
  Start(path);
  source_->subscription()->Want({{"a"}, {kAllNames}});
  loop_.RunOnce(0);
  source_->subscription()->Want({{"b"}, {}});
  ASSERT_TRUE(RunUntilUpdates(3));
  EXPECT_EQ(updates_.back().resources.at(0).name, "b");
  EXPECT_EQ(updates_.back().unchanged, 1u);
}

TEST_F(FileSourceTest, PolledFileIsLookedAtAgain) {
  const fs::path path = folder_ / "cds.yaml";
  WriteFile(path, ClustersYaml("v1", {"a"}));
  Start(path, "", 5 * base::kMillisecond);
  ASSERT_EQ(updates_.size(), 1u);
  MoveInto(path, ClustersYaml("v2", {"a", "b"}));
  ASSERT_TRUE(RunUntilUpdates(2));
  EXPECT_EQ(updates_.back().resources.at(0).name, "b");
}

// A file of a list collection with these entries.
std::string CollectionYaml(const std::string& version, const std::string& entries,
                           const std::string& type = "listener.v3.ListenerCollection") {
  return "version: '" + version + "'\nresource:\n  '@type': type.googleapis.com/envoy.config." +
         type + "\n  entries:\n" + entries;
}

std::string EntryYaml(const std::string& version, const std::string& name,
                      const std::string& type = kClusterType) {
  return "  - inline_entry: {name: e, version: '" + version + "', resource: {'@type': " + type +
         ", name: " + name + "}}\n";
}

TEST_F(FileSourceTest, ListCollectionHoldsItsResources) {
  const fs::path path = folder_ / "clusters.yaml";
  WriteFile(path, CollectionYaml("v1", EntryYaml("7", "a") + EntryYaml("", "b")));
  Start(path, "", 0, /*collection=*/true);
  ASSERT_EQ(updates_.size(), 1u);
  EXPECT_EQ(updates_[0].version, "v1");
  ASSERT_EQ(updates_[0].resources.size(), 2u);
  EXPECT_EQ(updates_[0].resources[0].name, "a");
  EXPECT_EQ(updates_[0].resources[0].version, "7");
  EXPECT_EQ(updates_[0].resources[1].version, "v1");
  // It is all that there is.
  MoveInto(path, CollectionYaml("v2", EntryYaml("8", "b")));
  ASSERT_TRUE(RunUntilUpdates(2));
  EXPECT_EQ(updates_.back().removed, (std::vector<std::string>{"a"}));
  EXPECT_EQ(updates_.back().unchanged, 1u);
  EXPECT_EQ(source_->subscription()->version(), "v2");
}

// The API has room for one entry there.
TEST_F(FileSourceTest, CollectionOfOneCluster) {
  const fs::path path = folder_ / "clusters.yaml";
  WriteFile(path, CollectionYaml("v1",
                                 "    inline_entry: {resource: {'@type': " +
                                     std::string(kClusterType) + ", name: a}}\n",
                                 "cluster.v3.ClusterCollection"));
  Start(path, "", 0, /*collection=*/true);
  ASSERT_EQ(updates_.size(), 1u) << source_->last_error();
  EXPECT_EQ(updates_[0].resources.at(0).name, "a");
}

TEST_F(FileSourceTest, EntriesThatAreNoResourcesHere) {
  const fs::path path = folder_ / "clusters.yaml";
  WriteFile(path, CollectionYaml("v1", EntryYaml("1", "a")));
  Start(path, "", 0, /*collection=*/true);
  MoveInto(path,
           CollectionYaml("v2", EntryYaml("1", "b") + EntryYaml("1", "l", kListenerType) +
                                    "  - locator: {id: x, resource_type: t, exact_context: {}}\n"));
  ASSERT_TRUE(RunUntilUpdates(2));
  EXPECT_EQ(updates_.back().resources.at(0).name, "b");
  EXPECT_EQ(updates_.back().removed.size(), 0u) << "what the locator stands for is not known";
  const std::string& error = source_->last_error();
  EXPECT_NE(error.find("resources[1]: type " + std::string(kListenerType)), std::string::npos)
      << error;
  EXPECT_NE(error.find("resources[2]: type type.googleapis.com/xds.core.v3.ResourceLocator"),
            std::string::npos)
      << error;
  EXPECT_EQ(source_->subscription()->stats().update_rejected, 1u);
}

TEST_F(FileSourceTest, WhatIsNoListCollectionChangesNothing) {
  const fs::path path = folder_ / "clusters.yaml";
  WriteFile(path, CollectionYaml("v1", EntryYaml("1", "a")));
  Start(path, "", 0, /*collection=*/true);
  const std::string texts[] = {
      ClustersYaml("v2", {"a"}),
      "version: v2\n",
      "resource: {'@type': " + std::string(kClusterType) + ", name: a}\n",
      CollectionYaml("v2", EntryYaml("1", "b")) + "ttl: 5s\n",
  };
  for (const std::string& text : texts) {
    const uint64_t failures = source_->subscription()->stats().update_failure;
    MoveInto(path, text);
    while (source_->subscription()->stats().update_failure == failures) {
      loop_.RunOnce(100 * base::kMillisecond);
    }
    EXPECT_NE(source_->last_error(), "");
  }
  EXPECT_NE(source_->last_error().find("ttl: has no meaning"), std::string::npos);
  EXPECT_EQ(updates_.size(), 1u);
}

}  // namespace
}  // namespace proxenos::xds
