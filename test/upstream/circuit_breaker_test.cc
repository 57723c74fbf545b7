// Circuit breaker counts: exact under contention, and the limit of the moment decides.
#include "source/upstream/circuit_breaker.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/worker_cluster.h"
#include "test/support/sim_clock.h"

namespace proxenos::upstream {
namespace {

TEST(ResourceCountTest, TakesUpToTheLimit) {
  ResourceCount count;
  EXPECT_TRUE(count.TryAcquire(2));
  EXPECT_FALSE(count.Full(2));
  EXPECT_TRUE(count.TryAcquire(2));
  EXPECT_TRUE(count.Full(2));
  EXPECT_FALSE(count.TryAcquire(2));
  EXPECT_EQ(count.Remaining(2), 0u);
  count.Release();
  EXPECT_EQ(count.Remaining(2), 1u);
  EXPECT_TRUE(count.TryAcquire(2));
}

TEST(ResourceCountTest, AZeroLimitRefusesAll) {
  ResourceCount count;
  EXPECT_FALSE(count.TryAcquire(0));
  EXPECT_TRUE(count.Full(0));
}

TEST(ResourceCountTest, ALowerLimitHoldsForWhatComesNext) {
  ResourceCount count;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(count.TryAcquire(10));
  EXPECT_FALSE(count.TryAcquire(5));
  EXPECT_EQ(count.Remaining(5), 0u);
  for (int i = 0; i < 6; ++i) count.Release();
  EXPECT_TRUE(count.TryAcquire(5));
  EXPECT_FALSE(count.TryAcquire(5));
}

TEST(ResourceCountTest, AcquireDisregardsTheLimit) {
  ResourceCount count;
  count.Acquire();
  EXPECT_FALSE(count.TryAcquire(1));
  EXPECT_EQ(count.count(), 1u);
}

TEST(CircuitBreakersTest, PrioritiesAreApartAndClustersDoNotShareALine) {
  const auto breakers = std::make_shared<const CircuitBreakers>();
  EXPECT_TRUE(breakers->of(RoutingPriority::kDefault).requests.TryAcquire(1));
  EXPECT_TRUE(breakers->of(RoutingPriority::kHigh).requests.TryAcquire(1));
  EXPECT_FALSE(breakers->of(RoutingPriority::kDefault).requests.TryAcquire(1));
  EXPECT_EQ(alignof(CircuitBreakers), 64u);
  EXPECT_EQ(sizeof(CircuitBreakers), 64u);
}

// More holders than the limit allows never are, and as many as it allows are never refused: with as
// many threads as the limit, each holding at most one, no attempt may fail.
TEST(CircuitBreakersTest, ExactUnderContention) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20000;
  for (const uint32_t limit : {3u, 8u}) {
    const auto breakers = std::make_shared<const CircuitBreakers>();
    std::atomic<int> holders{0};
    std::atomic<int> most{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&breakers, &holders, &most, &refused, limit] {
        const ResourceCount& count = breakers->of(RoutingPriority::kDefault).requests;
        for (int round = 0; round < kRounds; ++round) {
          if (!count.TryAcquire(limit)) {
            refused.fetch_add(1);
            continue;
          }
          const int now = holders.fetch_add(1) + 1;
          int seen = most.load();
          while (seen < now && !most.compare_exchange_weak(seen, now)) {
          }
          holders.fetch_sub(1);
          count.Release();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(most.load(), static_cast<int>(limit));
    if (limit == kThreads) {
      EXPECT_EQ(refused.load(), 0);
    }
    EXPECT_EQ(breakers->of(RoutingPriority::kDefault).requests.count(), 0u);
  }
}

// Each request is one of those under way from its beginning on, and counts once.
TEST(RetryBudgetTest, IsAShareOfTheRequestsWhetherTheyWaitOrNot) {
  testing::SimClock clock;
  event::EventLoop loop(clock);
  stats::Registry registry;
  auto config = std::make_shared<ClusterConfig>();
  config->name = "c";
  config->thresholds.Mutable()[0].retry_budget = RetryBudget{20, 1};
  const base::Rc<WorkerCluster> cluster(std::make_unique<WorkerCluster>(
      loop, registry,
      PublishedCluster{config, std::make_shared<const CircuitBreakers>(),
                       std::make_shared<const HostSet>()}));
  EXPECT_TRUE(cluster->TryAcquireRetry());
  EXPECT_FALSE(cluster->TryAcquireRetry()) << "min_concurrency";
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(cluster->TryAcquireRequest());
    EXPECT_TRUE(cluster->TryAcquirePending(RoutingPriority::kDefault));
  }
  for (int i = 1; i < 10; ++i) EXPECT_TRUE(cluster->TryAcquireRetry()) << i;
  EXPECT_FALSE(cluster->TryAcquireRetry());
}

}  // namespace
}  // namespace proxenos::upstream
