// Envoy's documented examples of priority spill-over and panic, and what must hold for any input.
#include "source/upstream/priority_load.h"

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace proxenos::upstream {
namespace {

using Health = std::vector<PriorityHealth>;

struct Expected {
  std::vector<uint32_t> healthy;
  std::vector<uint32_t> degraded;
  std::vector<bool> panic;
};

void ExpectLoads(const Health& health, const Expected& expected, uint32_t panic_threshold = 50) {
  const std::vector<PriorityLoad> loads = SharePriorityLoad(health, 140, panic_threshold);
  ASSERT_EQ(loads.size(), health.size());
  for (size_t i = 0; i < loads.size(); ++i) {
    EXPECT_EQ(loads[i].healthy_percent, expected.healthy[i]) << "priority " << i;
    EXPECT_EQ(loads[i].degraded_percent, expected.degraded[i]) << "priority " << i;
    EXPECT_EQ(loads[i].panic, expected.panic[i]) << "priority " << i;
  }
}

TEST(PriorityLoadTest, AHealthyPriorityTakesAll) {
  ExpectLoads({{100, 100, 0}}, {{100}, {0}, {false}});
  ExpectLoads({{100, 100, 0}, {100, 100, 0}}, {{100, 0}, {0, 0}, {false, false}});
}

// The tables of Envoy's documentation on priority levels (overprovisioning factor 1.4).
TEST(PriorityLoadTest, SpillsOverAsTheDocumentationSays) {
  ExpectLoads({{100, 72, 0}, {100, 72, 0}}, {{100, 0}, {0, 0}, {false, false}});
  ExpectLoads({{100, 71, 0}, {100, 71, 0}}, {{99, 1}, {0, 0}, {false, false}});
  ExpectLoads({{100, 50, 0}, {100, 60, 0}}, {{70, 30}, {0, 0}, {false, false}});
  ExpectLoads({{100, 25, 0}, {100, 100, 0}}, {{35, 65}, {0, 0}, {false, false}});
  ExpectLoads({{100, 0, 0}, {100, 100, 0}}, {{0, 100}, {0, 0}, {false, false}});
  ExpectLoads({{100, 5, 0}, {100, 0, 0}, {100, 95, 0}},
              {{7, 0, 93}, {0, 0, 0}, {false, false, false}});
}

// Availability that adds up to less than all is scaled up, and small priorities panic.
TEST(PriorityLoadTest, TooLittleHealthIsScaledAndPanics) {
  ExpectLoads({{100, 25, 0}, {100, 25, 0}}, {{50, 50}, {0, 0}, {true, true}});
  ExpectLoads({{100, 55, 0}, {100, 10, 0}}, {{85, 15}, {0, 0}, {false, true}});
}

TEST(PriorityLoadTest, InTotalPanicTheNumberOfHostsDecides) {
  ExpectLoads({{30, 0, 0}, {70, 0, 0}}, {{30, 70}, {0, 0}, {true, true}});
  ExpectLoads({{0, 0, 0}, {1, 0, 0}, {2, 0, 0}}, {{0, 34, 66}, {0, 0, 0}, {true, true, true}});
}

TEST(PriorityLoadTest, DegradedHostsComeAfterHealthyOnes) {
  // 25 % healthy counts for 35, 75 % degraded for 105, cut to 100; over 100 in sum.
  ExpectLoads({{100, 25, 75}}, {{35}, {65}, {false}});
  ExpectLoads({{100, 25, 50}, {100, 60, 0}}, {{35, 65}, {0, 0}, {false, false}});
  ExpectLoads({{100, 0, 100}}, {{0}, {100}, {false}});
}

TEST(PriorityLoadTest, WeightsDecideOnAvailabilityButNotOnPanic) {
  // Half of the hosts, but nine tenths of the weight.
  ExpectLoads({{2, 1, 0, 100, 90, 0}, {2, 2, 0, 2, 2, 0}}, {{100, 0}, {0, 0}, {false, false}});
  // A tenth of the weight, by numbers half of them: no panic.
  ExpectLoads({{2, 1, 0, 100, 10, 0}, {2, 2, 0, 2, 2, 0}}, {{14, 86}, {0, 0}, {false, false}});
  constexpr uint64_t kMany = uint64_t{1} << 52;
  ExpectLoads({{2, 1, 0, 2 * kMany, kMany, 0}, {2, 2, 0, 2, 2, 0}},
              {{70, 30}, {0, 0}, {false, false}});
}

TEST(PriorityLoadTest, AThresholdOfZeroNeverPanics) {
  ExpectLoads({{10, 0, 0}}, {{0}, {0}, {false}}, 0);
  ExpectLoads({{10, 1, 0}}, {{100}, {0}, {false}}, 0);
}

TEST(PriorityLoadTest, NoHostsNoLoad) { ExpectLoads({{0, 0, 0}}, {{0}, {0}, {false}}, 50); }

TEST(PriorityLoadTest, EmptyFirstPrioritySpillsToTheNext) {
  ExpectLoads({{0, 0, 0}, {2, 2, 0}}, {{0, 100}, {0, 0}, {false, false}});
}

TEST(PriorityLoadTest, SharesAddUpAndGoOnlyWhereHostsAre) {
  base::Random random(3);
  for (int round = 0; round < 20000; ++round) {
    Health health(1 + random.Below(5));
    bool any_host = false;
    bool any_available = false;
    for (PriorityHealth& priority : health) {
      priority.hosts = static_cast<uint32_t>(random.Below(12));
      priority.healthy = static_cast<uint32_t>(random.Below(priority.hosts + 1));
      priority.degraded =
          static_cast<uint32_t>(random.Below(priority.hosts - priority.healthy + 1));
      any_host = any_host || priority.hosts > 0;
      any_available = any_available || priority.healthy + priority.degraded > 0;
    }
    const uint32_t threshold = static_cast<uint32_t>(random.Below(101));
    const uint32_t overprovisioning = 100 + static_cast<uint32_t>(random.Below(100));
    const auto loads = SharePriorityLoad(health, overprovisioning, threshold);
    uint32_t sum = 0;
    for (size_t i = 0; i < loads.size(); ++i) {
      sum += loads[i].healthy_percent + loads[i].degraded_percent;
      if (loads[i].panic) {
        EXPECT_TRUE(health[i].hosts > 0 || loads[i].healthy_percent == 0);
      } else {
        EXPECT_TRUE(health[i].healthy > 0 || loads[i].healthy_percent == 0);
        EXPECT_TRUE(health[i].degraded > 0 || loads[i].degraded_percent == 0);
      }
    }
    const bool servable = any_available || (any_host && threshold > 0);
    EXPECT_EQ(sum, servable ? 100u : 0u) << "round " << round;
  }
}

}  // namespace
}  // namespace proxenos::upstream
