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
  Batch batch = MakeBatch(8, 8);
  batch.removed_clusters = {"gone"};
  const std::vector<Batch> parts = InParts(std::move(batch));
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].clusters.size(), 8u);
  EXPECT_EQ(parts[0].hosts.size(), 8u);
  EXPECT_EQ(parts[0].removed_clusters.size(), 1u);
}

TEST(PublisherTest, ManyClustersGoAheadInOrder) {
  Batch batch = MakeBatch(200, 130);
  batch.routes.push_back({"routes", nullptr});
  const std::vector<Batch> parts = InParts(std::move(batch));
  size_t clusters = 0;
  size_t hosts = 0;
  for (const Batch& part : parts) {
    EXPECT_LE(part.clusters.size() + part.hosts.size(), 8u);
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
  EXPECT_EQ(InParts(MakeBatch(16, 0)).size(), 2u);
  EXPECT_EQ(InParts(MakeBatch(17, 0)).size(), 3u);
  EXPECT_EQ(InParts(MakeBatch(0, 9)).size(), 2u);
}

// Ten thousand clusters that go, or as many rotated secrets, are as much work as those that come.
TEST(PublisherTest, WhateverThereIsManyOfIsInPieces) {
  Batch batch;
  batch.runtime = std::make_shared<const runtime::Snapshot>(
      std::vector<std::shared_ptr<const runtime::Layer>>());
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::to_string(i);
    batch.routes.push_back({name, nullptr});
    batch.listeners.emplace_back();
    batch.cluster_tls.push_back({name, 0, nullptr});
    batch.listener_tls.push_back({name, 0, nullptr});
    batch.listener_filters.push_back({name, 0, nullptr});
    batch.listener_scopes.push_back({name, 0, nullptr});
    batch.removed_listeners.push_back(name);
    batch.removed_routes.push_back(name);
    batch.removed_clusters.push_back(name);
    batch.answers.emplace_back();
  }
  const std::vector<Batch> parts = InParts(std::move(batch));
  EXPECT_NE(parts.front().runtime, nullptr);
  size_t removed = 0;
  size_t all = 0;
  for (const Batch& part : parts) {
    const size_t listeners =
        part.listeners.size() + part.listener_scopes.size() + part.removed_listeners.size();
    const size_t others = part.routes.size() + part.cluster_tls.size() + part.listener_tls.size() +
                          part.listener_filters.size() + part.removed_routes.size() +
                          part.removed_clusters.size() + part.answers.size();
    EXPECT_LE(listeners, 1u);
    EXPECT_LE(others, 8u);
    EXPECT_TRUE(listeners == 0 || others == 0);
    all += listeners + others;
    for (const std::string& name : part.removed_clusters) {
      EXPECT_EQ(name, std::to_string(removed++));
      EXPECT_GT(all, 800u) << "what goes goes last, but for the answers";
    }
  }
  EXPECT_EQ(all, 1000u);
  EXPECT_EQ(removed, 100u);
}

}  // namespace
}  // namespace proxenos::server
