// What recording costs a worker, and what a scrape costs the main thread.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/registry.h"
#include "source/stats/render.h"

namespace proxenos::stats {
namespace {

void BM_CounterInc(benchmark::State& state) {
  Counter counter;
  for (auto _ : state) {
    counter.Inc();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_CounterInc);

void BM_GaugeIncDec(benchmark::State& state) {
  Gauge gauge;
  for (auto _ : state) {
    gauge.Inc();
    gauge.Dec();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_GaugeIncDec);

// Values spread evenly below the argument.
void BM_HistogramRecord(benchmark::State& state) {
  Histogram histogram;
  const auto range = static_cast<uint64_t>(state.range(0));
  uint64_t value = 0;
  for (auto _ : state) {
    histogram.Record(value);
    value = value + 7 < range ? value + 7 : value + 7 - range;
  }
}
BENCHMARK(BM_HistogramRecord)->Arg(10)->Arg(100)->Arg(5000)->Arg(10'000'000);

void BM_ResponseCodeInc(benchmark::State& state) {
  ResponseCodes codes;
  for (uint32_t status = 200; status < 200 + state.range(0); ++status) codes.Inc(status);
  const auto last = static_cast<uint32_t>(200 + state.range(0) - 1);
  for (auto _ : state) codes.Inc(last);
}
BENCHMARK(BM_ResponseCodeInc)->Arg(1)->Arg(5)->Arg(20);

void BM_OpenAndCloseGroup(benchmark::State& state) {
  Registry registry;
  const ScopeName name = ClusterScope("a");
  const ScopePin pin = registry.Pin<ClusterStats>(name);
  for (auto _ : state) {
    const Group<ClusterStats> group = registry.Open<ClusterStats>(name);
    benchmark::DoNotOptimize(&*group);
  }
}
BENCHMARK(BM_OpenAndCloseGroup);

// `range(0)` clusters, each with traffic on two workers.
class Clusters : public benchmark::Fixture {
 public:
  void SetUp(benchmark::State& state) override {
    for (int i = 0; i < state.range(0); ++i) {
      const ScopeName name = ClusterScope(absl::StrCat("cluster-", i));
      for (int worker = 0; worker < 2; ++worker) {
        groups_.push_back(registry_.Open<ClusterStats>(name));
        groups_.back()->upstream_rq.Inc(200);
        groups_.back()->upstream_rq_time.Record(static_cast<uint64_t>(i));
      }
    }
  }
  void TearDown(benchmark::State&) override { groups_.clear(); }

 protected:
  Registry registry_;
  std::vector<Group<ClusterStats>> groups_;
};

BENCHMARK_DEFINE_F(Clusters, Read)(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(registry_.Read());
}
BENCHMARK_REGISTER_F(Clusters, Read)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

BENCHMARK_DEFINE_F(Clusters, Text)(benchmark::State& state) {
  const std::vector<ScopeReading> readings = registry_.Read();
  for (auto _ : state) benchmark::DoNotOptimize(RenderText(readings, {}));
}
BENCHMARK_REGISTER_F(Clusters, Text)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

BENCHMARK_DEFINE_F(Clusters, Prometheus)(benchmark::State& state) {
  const std::vector<ScopeReading> readings = registry_.Read();
  for (auto _ : state) benchmark::DoNotOptimize(RenderPrometheus(readings, {}));
}
BENCHMARK_REGISTER_F(Clusters, Prometheus)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace proxenos::stats

BENCHMARK_MAIN();
