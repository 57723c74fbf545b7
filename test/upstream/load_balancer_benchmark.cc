// What a pick costs, by balancer and number of hosts, with equal and with differing weights; and
// what it costs to take over a new snapshot.
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "source/upstream/circuit_breaker.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/load_balancer.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

Assignment Endpoints(int64_t count, bool weighted) {
  std::vector<Endpoint> endpoints;
  for (int64_t i = 0; i < count; ++i) {
    endpoints.push_back(testing::At("10." + std::to_string(i / 62500) + "." +
                                        std::to_string(i / 250 % 250) + "." +
                                        std::to_string(i % 250),
                                    weighted ? static_cast<uint32_t>(1 + i % 17) : 1));
  }
  return testing::Of(std::move(endpoints));
}

std::shared_ptr<const HostSet> Hosts(int64_t count, bool weighted,
                                     LbPolicy policy = LbPolicy::kRoundRobin) {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  config.lb_policy = policy;
  return BuildHostSet(config, Endpoints(count, weighted), nullptr).hosts;
}

// Arguments: policy, hosts, weighted.
void Pick(benchmark::State& state) {
  const auto hosts =
      Hosts(state.range(1), state.range(2) != 0, static_cast<LbPolicy>(state.range(0)));
  std::vector<uint32_t> active(hosts->size());
  ClusterConfig config;
  config.lb_policy = static_cast<LbPolicy>(state.range(0));
  const auto balancer =
      MakeLoadBalancer(config, [&active](HostIndex host) { return active[host]; });
  base::Random random(1);
  balancer->Update(*hosts, random);
  for (auto _ : state) benchmark::DoNotOptimize(balancer->Pick(random));
}
BENCHMARK(Pick)->ArgsProduct({{0, 1, 2, 3, 4}, {10, 1000, 100000}, {0, 1}});

void TakeOver(benchmark::State& state) {
  const auto hosts = Hosts(state.range(0), true);
  RoundRobin balancer;
  base::Random random(1);
  for (auto _ : state) balancer.Update(*hosts, random);
}
BENCHMARK(TakeOver)->Arg(1)->Arg(1000)->Arg(10000)->Arg(100000);

void Build(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Hosts(state.range(0), true));
}
BENCHMARK(Build)->Arg(1)->Arg(1000)->Arg(10000)->Arg(100000);

// One endpoint of so many has changed its weight.
void UpdateOne(benchmark::State& state) {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  const Assignment before = Endpoints(state.range(0), true);
  Assignment after = Endpoints(state.range(0), true);
  after.localities[0].endpoints.back().weight = 100;
  auto hosts = BuildHostSet(config, before, nullptr).hosts;
  bool changed = false;
  for (auto _ : state) {
    changed = !changed;
    hosts = BuildHostSet(config, changed ? after : before, hosts).hosts;
  }
}
BENCHMARK(UpdateOne)->Arg(1000)->Arg(10000)->Arg(100000)->Unit(benchmark::kMicrosecond);

void AcquireAndRelease(benchmark::State& state) {
  static const CircuitBreakers breakers;
  const ResourceCount& requests = breakers.of(RoutingPriority::kDefault).requests;
  for (auto _ : state) {
    benchmark::DoNotOptimize(requests.TryAcquire(1024));
    requests.Release();
  }
}
BENCHMARK(AcquireAndRelease)->Threads(1)->Threads(2);

}  // namespace
}  // namespace proxenos::upstream

BENCHMARK_MAIN();
