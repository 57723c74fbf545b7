// How a batch goes to the workers.
#include "source/server/publisher.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

std::shared_ptr<const upstream::PublishedCluster> MakeCluster(size_t i) {
  auto config = std::make_shared<upstream::ClusterConfig>();
  config->name = "c" + std::to_string(i);
  return std::make_shared<const upstream::PublishedCluster>(
      upstream::PublishedCluster{std::move(config), nullptr, nullptr});
}

Batch MakeBatch(size_t clusters, size_t hosts) {
  Batch batch;
  for (size_t i = 0; i < clusters; ++i) batch.clusters.push_back(MakeCluster(i));
  for (size_t i = 0; i < hosts; ++i) batch.hosts.push_back(MakeCluster(i));
  return batch;
}

TEST(PublisherTest, SmallBatchIsOne) {
  EXPECT_TRUE(InParts(Batch()).empty());
  Batch batch = MakeBatch(32, 32);
  batch.removed_clusters = {"gone"};
  const std::vector<Batch> parts = InParts(std::move(batch));
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].clusters.size(), 32u);
  EXPECT_EQ(parts[0].hosts.size(), 32u);
  EXPECT_EQ(parts[0].removed_clusters.size(), 1u);
}

TEST(PublisherTest, ManyClustersGoAheadInOrder) {
  Batch batch = MakeBatch(200, 130);
  batch.routes.push_back({"routes", nullptr});
  const std::vector<Batch> parts = InParts(std::move(batch));
  size_t clusters = 0;
  size_t hosts = 0;
  for (const Batch& part : parts) {
    EXPECT_LE(part.clusters.size(), 32u);
    EXPECT_LE(part.hosts.size(), 32u);
    EXPECT_FALSE(part.empty());
    for (const auto& cluster : part.clusters) {
      EXPECT_EQ(cluster->config->name, "c" + std::to_string(clusters++));
    }
    for (const auto& cluster : part.hosts) {
      EXPECT_EQ(clusters, 200u) << "each cluster is there before its new hosts";
      EXPECT_EQ(cluster->config->name, "c" + std::to_string(hosts++));
    }
    EXPECT_EQ(part.routes.empty(), &part != &parts.back()) << "what refers comes last";
  }
  EXPECT_EQ(clusters, 200u);
  EXPECT_EQ(hosts, 130u);
}

TEST(PublisherTest, OnlyAsManyPartsAsAreNeeded) {
  EXPECT_EQ(InParts(MakeBatch(64, 0)).size(), 2u);
  EXPECT_EQ(InParts(MakeBatch(65, 0)).size(), 3u);
  EXPECT_EQ(InParts(MakeBatch(0, 33)).size(), 2u);
}

}  // namespace
}  // namespace proxenos::server
