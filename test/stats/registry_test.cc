// Registry: sums over workers, lifetime of scopes, resets, intervals, and a reader beside writers.
#include "source/stats/registry.h"

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/http_stats.h"
#include "source/stats/listener_stats.h"
#include "source/stats/request_origin.h"
#include "source/stats/server_stats.h"

namespace proxenos::stats {
namespace {

#define PX_TEST_STATS(X) \
  X(Counter, hits)       \
  X(Gauge, active)       \
  X(Histogram, time)     \
  X(ResponseCodes, rq)   \
  X(TextReadout, version)
PX_STATS(TestStats, PX_TEST_STATS);

enum TestStat : uint32_t { kHits, kActive, kTime, kRq, kVersion };

const ScopeName kFoo = ClusterScope("foo");

// The values of cluster.foo's TestStats. REQUIRES: the scope exists.
StatValues ReadFoo(Registry& registry) {
  for (ScopeReading& reading : registry.Read()) {
    if (reading.name.prefix() == kFoo.prefix()) return std::move(reading.total);
  }
  ADD_FAILURE() << "no such scope";
  return StatValues(TestStats::schema());
}

TEST(RegistryTest, ReadsTheWantedScopesAlone) {
  Registry registry;
  const Group<TestStats> foo = registry.Open<TestStats>(kFoo);
  const Group<TestStats> bar = registry.Open<TestStats>(ClusterScope("bar"));
  const std::vector<ScopeReading> readings =
      registry.Read([](const ScopeName& scope, const Schema& schema) {
        return &schema == &TestStats::schema() && scope.prefix() == "cluster.bar.";
      });
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings[0].name.prefix(), "cluster.bar.");
}

TEST(CounterTest, GaugeKnowsWhetherItWasEverChanged) {
  Gauge gauge;
  EXPECT_FALSE(gauge.used());
  EXPECT_EQ(gauge.value(), 0u);
  gauge.Inc();
  gauge.Dec();
  EXPECT_TRUE(gauge.used());
  EXPECT_EQ(gauge.value(), 0u);
  gauge.Dec();
  EXPECT_EQ(gauge.value(), UINT64_MAX);
  gauge.Inc();
  gauge.Add(7);
  gauge.Sub(2);
  EXPECT_EQ(gauge.value(), 5u);
}

TEST(CounterTest, AStatCostsEightBytes) {
  EXPECT_EQ(sizeof(Counter), 8u);
  EXPECT_EQ(sizeof(Gauge), 8u);
  EXPECT_EQ(sizeof(Histogram), 8u);
  EXPECT_EQ(sizeof(ResponseCodes), 8u);
}

TEST(RegistryTest, SumsOverWorkers) {
  Registry registry;
  Group<TestStats> one = registry.Open<TestStats>(kFoo);
  Group<TestStats> two = registry.Open<TestStats>(kFoo);
  EXPECT_EQ(registry.scope_count(), 1u);
  one->hits.Add(3);
  two->hits.Add(4);
  one->active.Inc();
  two->active.Dec();  // counted up by one worker, down by another
  one->time.Record(5);
  two->time.Record(70);
  one->rq.Inc(503);
  one->rq.Inc(200);
  two->rq.Inc(503);
  one->version.Set("v7");
  const StatValues values = ReadFoo(registry);
  EXPECT_EQ(values.values[kHits], 7u);
  EXPECT_EQ(values.values[kActive], 0u);
  EXPECT_TRUE(values.used[kActive]);
  ASSERT_NE(values.Find(kTime), nullptr);
  EXPECT_EQ(values.Find(kTime)->count(), 2u);
  EXPECT_EQ(values.Find(kTime)->sum(), 75u);
  ASSERT_EQ(values.codes.size(), 2u);
  EXPECT_EQ(values.codes[0].status, 200u);
  EXPECT_EQ(values.codes[1].status, 503u);
  EXPECT_EQ(values.codes[1].count, 2u);
  ASSERT_EQ(values.texts.size(), 1u);
  EXPECT_EQ(values.texts[0].text, "v7");
}

TEST(RegistryTest, UnusedIsNotUsed) {
  Registry registry;
  const Group<TestStats> group = registry.Open<TestStats>(kFoo);
  const StatValues values = ReadFoo(registry);
  EXPECT_FALSE(values.used[kHits]);
  EXPECT_FALSE(values.used[kActive]);
  EXPECT_TRUE(values.histograms.empty());
  EXPECT_TRUE(values.codes.empty());
  EXPECT_TRUE(values.texts.empty());
}

TEST(RegistryTest, SchemasOfOneScopeAreApart) {
  Registry registry;
  const Group<TestStats> one = registry.Open<TestStats>(kFoo);
  const Group<ClusterManagerStats> other = registry.Open<ClusterManagerStats>(kFoo);
  EXPECT_EQ(registry.scope_count(), 2u);
}

TEST(RegistryTest, VanishesWithItsLastGroup) {
  Registry registry;
  {
    Group<TestStats> one = registry.Open<TestStats>(kFoo);
    Group<TestStats> two = registry.Open<TestStats>(kFoo);
    one = Group<TestStats>();
    EXPECT_FALSE(static_cast<bool>(one));
    EXPECT_EQ(registry.scope_count(), 1u);
  }
  EXPECT_EQ(registry.scope_count(), 0u);
  EXPECT_TRUE(registry.Read().empty());
}

TEST(RegistryTest, KeepsTheCountsOfDeadGroupsWhileAPinLives) {
  Registry registry;
  ScopePin pin = registry.Pin<TestStats>(kFoo);
  for (int i = 0; i < 3; ++i) {
    Group<TestStats> group = registry.Open<TestStats>(kFoo);
    group->hits.Inc();
    group->active.Inc();
    group->rq.Inc(404);
    group->time.Record(1000);
  }
  StatValues values = ReadFoo(registry);
  EXPECT_EQ(values.values[kHits], 3u);
  EXPECT_EQ(values.values[kActive], 0u) << "what a dead group gauged is gone";
  EXPECT_EQ(values.Find(kTime)->count(), 3u);
  ASSERT_EQ(values.codes.size(), 1u);
  EXPECT_EQ(values.codes[0].count, 3u);

  pin = ScopePin();
  EXPECT_EQ(registry.scope_count(), 0u);
  const Group<TestStats> again = registry.Open<TestStats>(kFoo);
  values = ReadFoo(registry);
  EXPECT_EQ(values.values[kHits], 0u) << "a scope that died begins anew";
}

TEST(RegistryTest, MovedGroupsAndPinsLeaveOnce) {
  Registry registry;
  Group<TestStats> one = registry.Open<TestStats>(kFoo);
  Group<TestStats> moved = std::move(one);
  ScopePin pin = registry.Pin<TestStats>(kFoo);
  ScopePin moved_pin = std::move(pin);
  moved = registry.Open<TestStats>(ClusterScope("bar"));
  EXPECT_EQ(registry.scope_count(), 2u);
  moved_pin = ScopePin();
  EXPECT_EQ(registry.scope_count(), 1u);
}

TEST(RegistryTest, ReadsByRisingPrefixOverManyHolds) {
  Registry registry;
  std::vector<ScopePin> pins;
  for (int i = 0; i < 1500; ++i) {
    pins.push_back(registry.Pin<TestStats>(ClusterScope(absl::StrCat("c", i))));
    pins.push_back(registry.Pin<ClusterManagerStats>(ClusterScope(absl::StrCat("c", i))));
  }
  const std::vector<ScopeReading> readings = registry.Read();
  ASSERT_EQ(readings.size(), 3000u);
  std::set<std::pair<std::string, const Schema*>> seen;
  for (size_t i = 0; i < readings.size(); ++i) {
    if (i > 0) {
      EXPECT_LE(readings[i - 1].name.prefix(), readings[i].name.prefix());
    }
    seen.emplace(readings[i].name.prefix(), readings[i].schema);
  }
  EXPECT_EQ(seen.size(), 3000u);
}

TEST(RegistryTest, ResetCountersLeavesGaugesAndHistograms) {
  Registry registry;
  ScopePin pin = registry.Pin<TestStats>(kFoo);
  Group<TestStats> group = registry.Open<TestStats>(kFoo);
  group->hits.Add(5);
  group->active.Set(9);
  group->rq.Inc(200);
  group->time.Record(3);
  registry.ResetCounters();
  StatValues values = ReadFoo(registry);
  EXPECT_EQ(values.values[kHits], 0u);
  EXPECT_TRUE(values.used[kHits]);
  EXPECT_EQ(values.values[kActive], 9u);
  EXPECT_EQ(values.Find(kTime)->count(), 1u);
  ASSERT_EQ(values.codes.size(), 1u);
  EXPECT_EQ(values.codes[0].count, 0u);

  group->hits.Inc();
  group->rq.Inc(200);
  group = Group<TestStats>();
  values = ReadFoo(registry);
  EXPECT_EQ(values.values[kHits], 1u) << "a group's death does not undo a reset";
  EXPECT_EQ(values.codes[0].count, 1u);
}

TEST(RegistryTest, IntervalsHoldWhatIsNewSinceTheFlushBefore) {
  Registry registry;
  Group<TestStats> group = registry.Open<TestStats>(kFoo);
  group->time.Record(1);
  EXPECT_TRUE(registry.Read()[0].intervals.empty());
  registry.FlushIntervals();
  group->time.Record(2);
  group->time.Record(2);
  ASSERT_EQ(registry.Read()[0].intervals.size(), 1u);
  EXPECT_EQ(registry.Read()[0].intervals[0].data.count(), 1u);
  registry.FlushIntervals();
  EXPECT_EQ(registry.Read()[0].intervals[0].data.count(), 2u);
  EXPECT_EQ(registry.Read()[0].intervals[0].data.Quantile(0), 2);
  registry.FlushIntervals();
  EXPECT_TRUE(registry.Read()[0].intervals[0].data.empty());
}

TEST(RegistryTest, HooksRunBeforeAReadingUntilTheyDie) {
  Registry registry;
  Group<TestStats> group = registry.Open<TestStats>(kFoo);
  int runs = 0;
  {
    const ReadHook hook = registry.BeforeRead([&runs, stats = &*group] {
      ++runs;
      stats->active.Set(42);
    });
    EXPECT_EQ(ReadFoo(registry).values[kActive], 42u);
  }
  ReadFoo(registry);
  EXPECT_EQ(runs, 1);
}

TEST(ResponseCodesTest, StatusesOutOfRangeShareOneCell) {
  ResponseCodes codes;
  for (uint32_t status = 100; status < 600; ++status) codes.Inc(status);
  for (const uint32_t status : {0u, 99u, 600u, 65535u, 4000000000u}) codes.Inc(status);
  codes.Inc(599);
  uint64_t other = 0;
  uint64_t of_599 = 0;
  const auto read = codes.Read();
  EXPECT_EQ(read.size(), 501u);
  for (const auto& [status, count] : read) {
    if (status == ResponseCodes::kOther) other = count;
    if (status == 599) of_599 = count;
  }
  EXPECT_EQ(other, 5u);
  EXPECT_EQ(of_599, 2u);
}

TEST(ResponseCodesTest, OriginsHaveCellsOfTheirOwn) {
  ResponseCodes codes;
  codes.Inc(StatusOf(RequestOrigin::kExternal, 200));
  codes.Inc(StatusOf(RequestOrigin::kInternal, 200));
  codes.Inc(StatusOf(RequestOrigin::kRetried, 200));
  codes.Inc(200);
  codes.Inc(StatusOf(RequestOrigin::kExternal, 99));
  codes.Inc(StatusOf(RequestOrigin::kExternal, 0) + 600);
  const auto read = codes.Read();
  ASSERT_EQ(read.size(), 5u);
  EXPECT_EQ(read[0].first, 1024u + 200);
  EXPECT_EQ(read[1].first, 2048u + 200);
  EXPECT_EQ(read[2].first, 3072u + 200);
  EXPECT_EQ(read[3].first, 200u);
  EXPECT_EQ(read[4].first, 1024u);
  EXPECT_EQ(read[4].second, 2u);
}

TEST(ScopeNameTest, TagsAreSanitizedPartsOfThePrefix) {
  const ScopeName name = ListenerHttpScope("127.0.0.1:80", "a.b");
  EXPECT_EQ(name.prefix(), "listener.127.0.0.1_80.http.a.b.");
  ASSERT_EQ(name.tag_count(), 2u);
  EXPECT_EQ(name.tag_value(0), "127.0.0.1_80");
  EXPECT_EQ(name.tag_value(1), "a.b");
  EXPECT_EQ(Sanitized("xds://a:/b:c\n\t\x7f"), "xds_a_b_c___");
  EXPECT_EQ(Sanitized(":"), "_");
  EXPECT_EQ(ScopeName(kServerScope, {}).prefix(), "server.");
}

// Workers count, open and close groups while the main thread reads: sums never go back, and at the
// end nothing is lost. Run under TSan it shows that the memory orders suffice.
TEST(RegistryTest, ReaderBesideWriters) {
  constexpr int kWorkers = 3;
  constexpr int kRounds = 400;
  constexpr int kPerRound = 50;
  Registry registry;
  ScopePin pin = registry.Pin<TestStats>(kFoo);
  std::atomic<int> running{kWorkers};
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&registry, &running] {
      for (int round = 0; round < kRounds; ++round) {
        Group<TestStats> group = registry.Open<TestStats>(kFoo);
        for (int i = 0; i < kPerRound; ++i) {
          group->hits.Inc();
          group->active.Inc();
          group->time.Record(static_cast<uint64_t>(1) << (i % 30));
          group->rq.Inc(static_cast<uint32_t>(200 + i));
          group->active.Dec();
        }
      }
      running.fetch_sub(1);
    });
  }
  uint64_t last_hits = 0;
  uint64_t last_recorded = 0;
  while (running.load() > 0) {
    const StatValues values = ReadFoo(registry);
    EXPECT_GE(values.values[kHits], last_hits);
    last_hits = values.values[kHits];
    const HistogramData* time = values.Find(kTime);
    if (time != nullptr) {
      EXPECT_GE(time->count(), last_recorded);
      last_recorded = time->count();
    }
    registry.FlushIntervals();
  }
  for (std::thread& worker : workers) worker.join();
  const StatValues values = ReadFoo(registry);
  EXPECT_EQ(values.values[kHits], uint64_t{kWorkers} * kRounds * kPerRound);
  EXPECT_EQ(values.Find(kTime)->count(), uint64_t{kWorkers} * kRounds * kPerRound);
  uint64_t responses = 0;
  for (const StatValues::Code& code : values.codes) responses += code.count;
  EXPECT_EQ(responses, uint64_t{kWorkers} * kRounds * kPerRound);
}

// Schemas that share a scope must not both have a stat of one name: the output would have it twice.
TEST(SchemasTest, NoNameTwiceInAScope) {
  const std::vector<std::vector<const Schema*>> scopes = {
      {&ClusterStats::schema(), &ClusterMembershipStats::schema(), &ClusterEdsStats::schema()},
      {&CircuitBreakerStats::schema(), &CircuitBreakerRemainingStats::schema()},
      {&SubscriptionStats::schema()},
      {&HttpStats::schema()},
      {&ListenerStats::schema()},
      {&ListenerManagerStats::schema()},
      {&ServerStats::schema(), &ConfigFieldStats::schema()},
  };
  for (const auto& schemas : scopes) {
    std::set<std::string> names;
    for (const Schema* schema : schemas) {
      for (const StatSpec& spec : schema->stats) {
        EXPECT_TRUE(names.emplace(spec.name).second) << spec.name;
      }
    }
  }
}

}  // namespace
}  // namespace proxenos::stats
