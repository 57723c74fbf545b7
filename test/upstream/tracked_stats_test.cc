// Stats of single hosts: as many groups as there are hosts, and not as many as there have been.
#include "source/upstream/tracked_stats.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/stats/registry.h"

namespace proxenos::upstream {
namespace {

std::unique_ptr<const Host> HostNumber(uint32_t number) {
  const std::string ip =
      absl::StrCat("10.", number >> 16 & 255, ".", number >> 8 & 255, ".", number & 255);
  HostIdentity identity;
  identity.address = *net::Address::FromIp(ip, 80);
  return std::make_unique<const Host>(NextHostId(), std::move(identity));
}

// As a host is used that nobody uses again.
void UseOnce(TrackedStats& stats, uint32_t number) {
  const std::unique_ptr<const Host> host = HostNumber(number);
  stats.CountConnection(*host);
  stats.CountRequest(*host);
  stats.CountAnswer(*host, true);
  stats.CountRequestEnd(*host);
  stats.CountConnectionEnd(*host);
}

class TrackedStatsTest : public ::testing::Test {
 protected:
  TrackedStatsTest() {
    config_.name = "c";
    config_.track_endpoints = true;
  }

  stats::Registry registry_;
  ClusterConfig config_;
};

TEST_F(TrackedStatsTest, HostsThatRequestsMakeUpDoNotAddUp) {
  config_.original_dst = std::make_shared<const OriginalDstSettings>();
  TrackedStats stats(registry_, config_, nullptr);
  const std::unique_ptr<const Host> busy = HostNumber(100'000);
  stats.CountConnection(*busy);
  for (uint32_t i = 0; i < 10'000; ++i) UseOnce(stats, i);
  EXPECT_LE(registry_.scope_count(), 1024u);
  // What is in use is still counted where it was.
  stats.CountRequest(*busy);
  uint64_t connections = 0;
  for (const stats::ScopeReading& reading : registry_.Read()) {
    connections += reading.name.prefix() == "cluster.c.endpoint.10.1.134.160_80.";
  }
  EXPECT_EQ(connections, 1u);
}

TEST_F(TrackedStatsTest, HostsOfASnapshotAreKeptUntilTheyLeave) {
  TrackedStats stats(registry_, config_, nullptr);
  for (uint32_t i = 0; i < 3000; ++i) UseOnce(stats, i);
  EXPECT_EQ(registry_.scope_count(), 3000u);
  stats.Keep({});
  EXPECT_EQ(registry_.scope_count(), 0u);
}

}  // namespace
}  // namespace proxenos::upstream
