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

std::shared_ptr<const HostSet> Hosts(int64_t count, bool weighted) {
  std::vector<Endpoint> endpoints;
  for (int64_t i = 0; i < count; ++i) {
    endpoints.push_back(
        testing::At("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                    weighted ? static_cast<uint32_t>(1 + i % 17) : 1));
  }
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  return BuildHostSet(config, testing::Of(std::move(endpoints)), nullptr).hosts;
}

// Arguments: policy, hosts, weighted.
void Pick(benchmark::State& state) {
  const auto hosts = Hosts(state.range(1), state.range(2) != 0);
  std::vector<uint32_t> active(hosts->size());
  ClusterConfig config;
  config.lb_policy = static_cast<LbPolicy>(state.range(0));
  const auto balancer =
      MakeLoadBalancer(config, [&active](HostIndex host) { return active[host]; });
  base::Random random(1);
  balancer->Update(*hosts, random);
  for (auto _ : state) benchmark::DoNotOptimize(balancer->Pick(random));
}
BENCHMARK(Pick)->ArgsProduct({{0, 1, 2}, {1, 10, 10000}, {0, 1}});

void TakeOver(benchmark::State& state) {
  const auto hosts = Hosts(state.range(0), true);
  RoundRobin balancer;
  base::Random random(1);
  for (auto _ : state) balancer.Update(*hosts, random);
}
BENCHMARK(TakeOver)->Arg(1)->Arg(10000);

void Build(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Hosts(state.range(0), true));
}
BENCHMARK(Build)->Arg(1)->Arg(10000);

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
