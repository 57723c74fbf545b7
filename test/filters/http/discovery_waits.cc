// Filters that wait for a virtual host, a cluster, or the address of a name.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.pb.h"
#include "envoy/extensions/filters/http/on_demand/v3/on_demand.pb.h"
#include "source/upstream/dns_cache_keeper.h"
#include "test/filters/http/questions.h"
#include "test/filters/http/waiting.h"
#include "test/support/scripted_dns_resolver.h"

namespace proxenos::filters {
namespace {

namespace f = envoy::extensions::filters::http;

// A table called "rc" that knows `domain` and discovers others.
std::shared_ptr<const route::RouteTable> Table(const std::string& domain) {
  auto routes = RouteToOrigin();
  routes.set_name("rc");
  routes.mutable_vhds()->mutable_config_source()->mutable_ads();
  routes.mutable_virtual_hosts(0)->set_domains(0, domain);
  return MakeRoutes(routes);
}

class OnDemandWaiting final : public Waiting {
 public:
  OnDemandWaiting(const std::string& config, const std::string& domain)
      : Waiting(Phase::kRequestHead), table_(Table(domain)) {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<f::on_demand::v3::OnDemand>(config))},
        [this](filter::StreamContext& stream) {
          FillRequest({}, stream.request, stream.arena);
          Route(stream);
        },
        &questions_);
    stream_->on_afresh = [this](filter::StreamContext& stream) { Route(stream); };
  }
  ~OnDemandWaiting() override { stream_.reset(); }
  bool Asked() override { return !questions_.asked.empty(); }
  void Answer() override {
    if (former_ == nullptr) former_ = std::exchange(table_, Table("host"));
    questions_.Answer(filter::OnDemand::Outcome::kFound);
  }
  void ExpectNothingLeft() override { EXPECT_EQ(questions_.waiting, 0u); }

 private:
  void Route(filter::StreamContext& stream) {
    stream.routes = table_.get();
    stream.route = table_->Match(route::MatchInput{stream.request});
  }
  Questions questions_;
  std::shared_ptr<const route::RouteTable> table_;
  std::shared_ptr<const route::RouteTable> former_;  // Streams pin theirs.
};

class NameWaiting final : public Waiting {
 public:
  NameWaiting() : Waiting(Phase::kRequestHead), routes_(MakeRoutes(RouteToOrigin())) {
    const auto config =
        Pack<f::dynamic_forward_proxy::v3::FilterConfig>("dns_cache_config { name: 'names' }");
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(config)}, [this](filter::StreamContext& stream) {
          FillRequest({}, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto settings = std::make_shared<upstream::DynamicForwardProxy>();
          settings->cache.name = "names";
          auto kept = std::make_unique<Keeper>(stream.environment.loop, settings->cache);
          keeper_ = kept.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(kept));
          auto cluster = std::make_shared<upstream::ClusterConfig>();
          cluster->name = "origin";
          cluster->dynamic_forward_proxy = std::move(settings);
          upstream::PublishedCluster published{std::move(cluster),
                                               std::make_shared<upstream::CircuitBreakers>(),
                                               std::make_shared<const upstream::HostSet>(),
                                               {}};
          published.dns_cache = keeper_->names.cache();
          stream.environment.clusters.Set(std::move(published));
        });
  }
  bool Asked() override { return !keeper_->resolver.Open().empty(); }
  void Answer() override {
    if (Asked()) keeper_->resolver.Answer("host", {"127.0.0.1"});
  }
  void ExpectNothingLeft() override { EXPECT_EQ(keeper_->names.cache()->waiting(), 0u); }

 private:
  // The main thread's side, on the stream's own loop.
  struct Keeper final : public FilterHarness::Attachment {
    Keeper(event::EventLoop& loop, const upstream::DnsCacheSettings& settings)
        : names(loop, resolver.Share(), registry, settings) {}
    stats::Registry registry;
    testing::ScriptedDnsResolver resolver;
    upstream::DnsCacheKeeper names;
  };

  std::shared_ptr<const route::RouteTable> routes_;
  Keeper* keeper_ = nullptr;  // Kept by the stream.
};

}  // namespace

std::vector<WaitCase> DiscoveryCases() {
  return {
      {"on_demand_host", [] { return std::make_unique<OnDemandWaiting>("", "other"); }, "passed",
       "503 ", 15 * base::kSecond},
      {"on_demand_cluster",
       [] {
         return std::make_unique<OnDemandWaiting>(
             "odcds { source { resource_api_version: V3 ads {} } timeout { seconds: 2 } }", "host");
       },
       "passed", "passed", 2 * base::kSecond},
      {"dynamic_forward_proxy_name", [] { return std::make_unique<NameWaiting>(); }, "passed",
       "503 DNS resolution failure", 5 * base::kSecond},
  };
}

}  // namespace proxenos::filters
