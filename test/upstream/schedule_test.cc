// Weighted turns: exact shares over a whole round, and an even spread within it.
#include "source/upstream/schedule.h"

#include <cmath>
#include <map>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace proxenos::upstream {
namespace {

std::vector<uint32_t> Turns(const Schedule& schedule, uint32_t cursor, uint32_t count) {
  std::vector<uint32_t> hosts;
  for (uint32_t i = 0; i < count; ++i) hosts.push_back(schedule.Turn(cursor));
  return hosts;
}

TEST(ScheduleTest, EqualWeightsArePlainRotation) {
  const Schedule schedule({{3, 7}, {4, 7}, {5, 7}});
  EXPECT_TRUE(schedule.uniform());
  EXPECT_EQ(schedule.total(), 3u);
  EXPECT_EQ(Turns(schedule, 0, 7), (std::vector<uint32_t>{3, 4, 5, 3, 4, 5, 3}));
}

TEST(ScheduleTest, MembersNeedNotBeInARow) {
  const Schedule schedule({{9, 1}, {2, 1}, {5, 1}});
  EXPECT_EQ(Turns(schedule, 1, 4), (std::vector<uint32_t>{2, 5, 9, 2}));
}

TEST(ScheduleTest, SmallWeightsAlternate) {
  const Schedule schedule({{0, 1}, {1, 2}});
  EXPECT_EQ(Turns(schedule, 0, 6), (std::vector<uint32_t>{0, 1, 1, 0, 1, 1}));
}

TEST(ScheduleTest, ACommonFactorOfTheWeightsIsTakenOut) {
  const Schedule schedule({{0, 1000}, {1, 3000}});
  EXPECT_EQ(schedule.total(), 4u);
}

TEST(ScheduleTest, OneHeavyMemberOfTheLargestSum) {
  const Schedule schedule({{0, UINT32_MAX - 1}, {1, 1}});
  EXPECT_EQ(schedule.total(), UINT32_MAX);
  uint32_t cursor = UINT32_MAX - 1;
  EXPECT_EQ(schedule.Turn(cursor), 1u);
  EXPECT_EQ(schedule.Turn(cursor), 0u);
  EXPECT_LT(cursor, schedule.total());
}

// Any total() turns in a row give each host its weight, and after any number of turns no host is
// far from its due: a few turns at most, however long the ring.
TEST(ScheduleTest, SharesAreExactAndEvenlySpread) {
  base::Random random(1);
  for (int round = 0; round < 200; ++round) {
    const uint32_t hosts = 2 + static_cast<uint32_t>(random.Below(20));
    std::vector<Schedule::Member> members;
    for (uint32_t i = 0; i < hosts; ++i) {
      members.push_back({i, 1 + static_cast<uint32_t>(random.Below(round < 100 ? 10 : 1000))});
    }
    const Schedule schedule(members);
    uint64_t sum = 0;
    for (const auto& member : members) sum += member.weight;

    uint32_t cursor = static_cast<uint32_t>(random.Below(schedule.total()));
    std::vector<uint32_t> count(hosts);
    for (uint32_t turn = 1; turn <= schedule.total(); ++turn) {
      ++count[schedule.Turn(cursor)];
      for (uint32_t i = 0; i < hosts; ++i) {
        const double due = static_cast<double>(turn) * members[i].weight / static_cast<double>(sum);
        ASSERT_LT(std::abs(count[i] - due), 4.0) << "round " << round << " turn " << turn;
      }
    }
    for (uint32_t i = 0; i < hosts; ++i) {
      EXPECT_EQ(uint64_t{count[i]} * sum, uint64_t{members[i].weight} * schedule.total());
    }
  }
}

TEST(ScheduleTest, DrawsFollowTheWeights) {
  const Schedule schedule({{0, 1}, {1, 2}, {2, 7}});
  base::Random random(2);
  std::map<uint32_t, int> drawn;
  std::map<uint32_t, int> uniform;
  for (int i = 0; i < 100000; ++i) {
    ++drawn[schedule.Draw(random)];
    ++uniform[schedule.DrawUniform(random)];
  }
  EXPECT_NEAR(drawn[0], 10000, 500);
  EXPECT_NEAR(drawn[1], 20000, 600);
  EXPECT_NEAR(drawn[2], 70000, 700);
  for (uint32_t host = 0; host < 3; ++host) EXPECT_NEAR(uniform[host], 33333, 700);
}

}  // namespace
}  // namespace proxenos::upstream
