// What a match costs: from one route to ten thousand, from one domain to a hundred thousand. And
// the cost of building and holding such tables.
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "source/http/path.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

enum class Kind { kPrefix, kExact, kRegex, kMixed };

v3::Route MakeRoute(Kind kind, int64_t i) {
  v3::Route route;
  route.set_name(absl::StrCat("r", i));
  route.mutable_route()->set_cluster(absl::StrCat("cluster-", i % 100));
  const std::string path = absl::StrCat("/api/v1/service-", i, "/items");
  const Kind which = kind == Kind::kMixed ? static_cast<Kind>(i % 3) : kind;
  if (which == Kind::kPrefix) route.mutable_match()->set_prefix(path + "/");
  if (which == Kind::kExact) route.mutable_match()->set_path(path);
  if (which == Kind::kRegex) {
    route.mutable_match()->mutable_safe_regex()->set_regex(path + "/[0-9]+/[^/]*");
  }
  return route;
}

std::string PathOf(Kind kind, int64_t i) {
  const std::string path = absl::StrCat("/api/v1/service-", i, "/items");
  const Kind which = kind == Kind::kMixed ? static_cast<Kind>(i % 3) : kind;
  return which == Kind::kExact ? path + "?page=2" : path + "/12/name?page=2";
}

v3::RouteConfiguration ManyRoutes(Kind kind, int64_t count) {
  v3::RouteConfiguration config;
  v3::VirtualHost& host = *config.add_virtual_hosts();
  host.set_name("v");
  host.add_domains("*");
  for (int64_t i = 0; i < count; ++i) *host.add_routes() = MakeRoute(kind, i);
  return config;
}

v3::RouteConfiguration ManyDomains(int64_t count) {
  v3::RouteConfiguration config;
  for (int64_t i = 0; i < count; ++i) {
    v3::VirtualHost& host = *config.add_virtual_hosts();
    host.set_name(absl::StrCat("v", i));
    host.add_domains(i % 2 == 0 ? absl::StrCat("www.tenant-", i, ".example.com")
                                : absl::StrCat("*.tenant-", i, ".example.com"));
    v3::Route& route = *host.add_routes();
    route.mutable_match()->set_prefix("/");
    route.mutable_route()->set_cluster("c");
  }
  return config;
}

void MatchAll(benchmark::State& state, const RouteTable& table,
              const std::vector<std::unique_ptr<Request>>& requests) {
  size_t next = 0;
  for (auto _ : state) {
    const Route* route = table.Match(requests[next]->Input());
    benchmark::DoNotOptimize(route);
    if (route == nullptr) state.SkipWithError("no route");
    if (++next == requests.size()) next = 0;
  }
}

void BM_OneRoute(benchmark::State& state) {
  const auto table = Compile(
      "virtual_hosts { name: 'v' domains: '*' routes { match { prefix: '/' } route { cluster: 'c' "
      "} } }");
  std::vector<std::unique_ptr<Request>> requests;
  requests.push_back(std::make_unique<Request>("/index.html", "localhost:8080"));
  MatchAll(state, *table, requests);
}
BENCHMARK(BM_OneRoute);

void BM_Routes(benchmark::State& state, Kind kind) {
  const int64_t count = state.range(0);
  const auto table = Compile(ManyRoutes(kind, count));
  std::vector<std::unique_ptr<Request>> requests;
  for (int64_t i = 0; i < 64; ++i) {
    requests.push_back(std::make_unique<Request>(PathOf(kind, i * 7919 % count), "host.com"));
  }
  MatchAll(state, *table, requests);
}
BENCHMARK_CAPTURE(BM_Routes, prefix, Kind::kPrefix)->Arg(1)->Arg(4)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK_CAPTURE(BM_Routes, exact, Kind::kExact)->Arg(1)->Arg(4)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK_CAPTURE(BM_Routes, regex, Kind::kRegex)->Arg(1)->Arg(4)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK_CAPTURE(BM_Routes, mixed, Kind::kMixed)->Arg(10)->Arg(1000)->Arg(10000);

void BM_Domains(benchmark::State& state) {
  const int64_t count = state.range(0);
  const auto table = Compile(ManyDomains(count));
  std::vector<std::unique_ptr<Request>> requests;
  for (int64_t i = 0; i < 64; ++i) {
    const int64_t tenant = i * 7919 % count;
    requests.push_back(
        std::make_unique<Request>("/", absl::StrCat("www.tenant-", tenant, ".example.com")));
  }
  MatchAll(state, *table, requests);
}
BENCHMARK(BM_Domains)->Arg(10)->Arg(1000)->Arg(100000);

template <typename Make>
void MeasureBuild(benchmark::State& state, const Make& make) {
  const v3::RouteConfiguration config = make(state.range(0));
  size_t bytes = 0;
  for (auto _ : state) {
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    const auto table = Compile(config);
    bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    benchmark::DoNotOptimize(table);
  }
  state.counters["bytes_each"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}

void BM_BuildRoutes(benchmark::State& state, Kind kind) {
  MeasureBuild(state, [kind](int64_t count) { return ManyRoutes(kind, count); });
}
BENCHMARK_CAPTURE(BM_BuildRoutes, prefix, Kind::kPrefix)->Arg(10000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_BuildRoutes, regex, Kind::kRegex)->Arg(10000)->Unit(benchmark::kMillisecond);

void BM_BuildDomains(benchmark::State& state) { MeasureBuild(state, ManyDomains); }
BENCHMARK(BM_BuildDomains)->Arg(100000)->Unit(benchmark::kMillisecond);

void BM_NormalizePath(benchmark::State& state, const char* path) {
  http::PathOptions options;
  options.normalize = true;
  options.merge_slashes = true;
  options.escaped_slashes = http::EscapedSlashes::kUnescapeAndForward;
  for (auto _ : state) {
    buffer::Arena arena;
    benchmark::DoNotOptimize(http::NormalizePath(path, options, arena));
  }
}
BENCHMARK_CAPTURE(BM_NormalizePath, clean_short, "/index.html");
BENCHMARK_CAPTURE(BM_NormalizePath, clean_long,
                  "/api/v1/namespaces/default/services/frontend/endpoints/12345?page=2&size=10");
BENCHMARK_CAPTURE(BM_NormalizePath, dirty, "/api/./v1/../v2//%61%2f/x?y");

}  // namespace
}  // namespace proxenos::route

BENCHMARK_MAIN();
