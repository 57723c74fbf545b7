// Virtual hosts by discovery in the store, with the real compilers: how they come in force, what is
// refused, what stays, and what is said to requests that asked for one.
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/server/builtin_filters.h"
#include "source/server/config_store.h"
#include "source/xds/type_url.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

using envoy::config::route::v3::RouteConfiguration;
using envoy::config::route::v3::VirtualHost;
using Words = std::vector<std::string>;

template <typename Proto>
std::string Bytes(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto.SerializeAsString();
}

std::string HostText(const std::string& domain, const std::string& action) {
  return absl::StrCat("name: 'h' domains: '", domain, "' routes { match { prefix: '/' } ", action,
                      " }");
}

constexpr char kAnswer[] = "direct_response { status: 204 }";

// A table with vhds whose own host has `domain`.
std::string Routes(const std::string& domain, const std::string& source = "ads {}",
                   const std::string& more = "") {
  const std::string vhds =
      source.empty()
          ? ""
          : absl::StrCat("vhds { config_source { resource_api_version: V3 ", source, " } }");
  return Bytes<RouteConfiguration>(absl::StrCat("name: 'rc' ", vhds, " virtual_hosts { ",
                                                HostText(domain, kAnswer), " } ", more));
}

struct Host {
  std::string name;  // Below "rc/".
  std::string bytes;
  std::vector<std::string> aliases = {};
};

Host HostFor(const std::string& name, const std::string& domain,
             std::vector<std::string> aliases = {}) {
  return {name, Bytes<VirtualHost>(HostText(domain, kAnswer)), std::move(aliases)};
}

std::string Describe(const DemandAnswer& answer) {
  using Outcome = filter::OnDemand::Outcome;
  return absl::StrCat(answer.demand.name, answer.outcome == Outcome::kFound     ? " found"
                                          : answer.outcome == Outcome::kMissing ? " missing"
                                                                                : " overload");
}

class VhdsTest : public ::testing::Test {
 protected:
  VhdsTest() {
    Compilers compilers = MakeCompilers(listener_compiler_, ignored_);
    compilers.listener = [](const std::string& bytes, Origin, config::Errors&) {
      auto http = std::make_shared<downstream::HttpConfig>();
      http->stat_prefix = "main";
      http->rds_name = "rc";
      auto config = std::make_shared<downstream::ListenerConfig>();
      config->name = bytes;
      config->addresses = {*net::Address::FromIp("127.0.0.1", 0)};
      auto chain = std::make_shared<downstream::ChainConfig>();
      chain->http = http;
      config->chains.push_back(std::move(chain));
      CompiledListener compiled;
      compiled.config = config;
      compiled.routes.emplace_back();
      return compiled;
    };
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) {
      for (const auto& [name, routes] : batch.routes) {
        tables_.push_back(routes->table);
        published_.push_back(absl::StrCat("routes ", Domains(*routes->table)));
      }
      published_.insert(published_.end(), batch.listeners.size(), "listener");
      for (const DemandAnswer& each : batch.answers) published_.push_back(Describe(each));
    };
    hooks.want = [this](const WantedNames::Change& change) {
      if (change.type_url != xds::kVirtualHostType || !change.source.empty()) return;
      for (const std::string& name : change.names.removed) EXPECT_EQ(wanted_.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(wanted_.insert(name).second);
    };
    hooks.check_source = [this](const std::string&, const SourceKey&, absl::string_view) {
      return source_status_;
    };
    store_.emplace(loop_, registry_, std::move(compilers), std::move(hooks));
    Send(xds::kListenerType, {{"listener", "listener"}});
  }

  static std::string Domains(const route::RouteTable& table) {
    Words words;
    for (const route::VirtualHost& host : table.virtual_hosts()) {
      words.insert(words.end(), host.domains.begin(), host.domains.end());
    }
    return absl::StrJoin(words, ",");
  }

  std::string Apply(const xds::TypeUpdate& update, const SourceKey& source = "") {
    Words refused;
    for (const xds::ResourceError& error : store_->Apply(source, update)) {
      refused.push_back(absl::StrCat(error.name, ": ", error.reason));
    }
    return absl::StrJoin(refused, "; ");
  }
  std::string Send(const char* type, const std::vector<Host>& resources) {
    xds::TypeUpdate update;
    update.type_url = type;
    update.version = "v";
    for (const Host& each : resources) {
      update.resources.push_back(
          {each.name, "v", type, std::make_shared<const std::string>(each.bytes), each.aliases});
    }
    return Apply(update);
  }
  std::string SendRoutes(const std::string& bytes) {
    return Send(xds::kRouteType, {{"rc", bytes}});
  }
  std::string SendHosts(std::vector<Host> hosts, const Words& removed = {},
                        const SourceKey& source = "") {
    xds::TypeUpdate update;
    update.type_url = xds::kVirtualHostType;
    update.version = "h";
    for (const Host& each : hosts) {
      xds::Resource resource{absl::StrCat("rc/", each.name), "v", update.type_url,
                             std::make_shared<const std::string>(each.bytes)};
      for (const std::string& alias : each.aliases) resource.aliases.push_back("rc/" + alias);
      update.resources.push_back(std::move(resource));
    }
    for (const std::string& name : removed) update.removed.push_back("rc/" + name);
    return Apply(update, source);
  }
  void Ask(const std::string& authority) { store_->Ask({Demand::Kind::kHost, "rc", authority}); }
  Words Turn() {
    loop_.RunOnce(0);
    loop_.RunOnce(0);
    return std::exchange(published_, {});
  }
  Words After(base::Nanos time) {
    clock_.Advance(time);
    return Turn();
  }
  // The routes, and no hosts by discovery.
  void Begin() {
    EXPECT_EQ(SendRoutes(Routes("written")), "");
    EXPECT_EQ(SendHosts({}), "");
    EXPECT_EQ(Turn(), (Words{"routes written", "listener"}));
  }
  uint64_t Stat(const std::string& name) {
    for (const stats::ScopeReading& scope : registry_.Read()) {
      if (scope.name.prefix() != "http.main.vhds.rc.") continue;
      for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
        if (scope.schema->stats[i].name == name) return scope.total.values[i];
      }
    }
    return 0;
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  config::IgnoredFields ignored_;
  downstream::ListenerCompiler listener_compiler_{
      BuiltinFilters(), nullptr, BuiltinListenerFilters(), BuiltinNetworkFilters()};
  absl::Status source_status_;
  Words published_;
  std::vector<std::shared_ptr<const route::RouteTable>> tables_;
  std::set<std::string> wanted_;
  std::optional<ConfigStore> store_;
};

TEST_F(VhdsTest, RoutesWaitForTheirFirstHosts) {
  EXPECT_EQ(SendRoutes(Routes("written")), "");
  EXPECT_EQ(Turn(), Words());
  EXPECT_EQ(wanted_, (std::set<std::string>{"rc"}));
  EXPECT_EQ(SendHosts({HostFor("a", "a.test"), HostFor("b", "*.b.test")}), "");
  EXPECT_EQ(Turn(), (Words{"routes written,a.test,*.b.test", "listener"}));
  EXPECT_TRUE(tables_.back()->discovers_hosts());
  EXPECT_EQ(Stat("config_reload"), 1u);
  // Later ones come and go alone.
  EXPECT_EQ(SendHosts({HostFor("b", "b2.test")}, {"a"}), "");
  EXPECT_EQ(Turn(), Words{"routes written,b2.test"});
  EXPECT_EQ(SendHosts({HostFor("b", "b2.test")}), "");
  EXPECT_EQ(Turn(), Words()) << "nothing new";
  EXPECT_EQ(Stat("update_success"), 3u);
}

TEST_F(VhdsTest, ButNotForEver) {
  SendRoutes(Routes("written", "ads {} initial_fetch_timeout { seconds: 3 }"));
  EXPECT_EQ(After(2 * base::kSecond), Words());
  EXPECT_EQ(After(base::kSecond), (Words{"routes written", "listener"}));
  EXPECT_EQ(Stat("init_fetch_timeout"), 1u);
  SendHosts({HostFor("a", "a.test")});
  EXPECT_EQ(Turn(), Words{"routes written,a.test"});
}

TEST_F(VhdsTest, SourceWithoutHostsIsAnAnswerToo) {
  SendRoutes(Routes("written"));
  xds::TypeUpdate none;
  none.type_url = xds::kVirtualHostType;
  none.removed = {"rc"};
  EXPECT_EQ(Apply(none), "");
  EXPECT_EQ(Turn(), (Words{"routes written", "listener"}));
}

TEST_F(VhdsTest, BadHostRefusesItselfAlone) {
  Begin();
  SendHosts({HostFor("a", "a.test")});
  Turn();
  const Host bad{"a", Bytes<VirtualHost>(HostText("a.test", ""))};
  EXPECT_EQ(SendHosts({bad, HostFor("b", "b.test")}),
            "rc/a: routes[0]: nothing set of 'action': expected one of route, redirect, "
            "direct_response, filter_action, non_forwarding_action");
  EXPECT_EQ(Turn(), Words{"routes written,a.test,b.test"}) << "the last good one stays";
  EXPECT_EQ(Stat("update_rejected"), 1u);
  std::string refused;
  store_->routes().ForEachHost([&](const ResourceView& host) {
    if (host.refused != nullptr) absl::StrAppend(&refused, host.name, host.active != nullptr);
  });
  EXPECT_EQ(refused, "rc/a1");
  // A domain has one host.
  EXPECT_EQ(SendHosts({HostFor("c", "b.test"), HostFor("d", "written")}),
            "rc/c: domains[0]: value b.test: expected a domain that rc/b does not have; "
            "rc/d: domains[0]: value written: expected a domain that the route configuration "
            "itself does not have");
  EXPECT_EQ(Turn(), Words());
}

TEST_F(VhdsTest, DomainsChangeHandsInOneStep) {
  Begin();
  SendHosts({HostFor("a", "a.test"), HostFor("b", "b.test")});
  Turn();
  EXPECT_EQ(SendHosts({HostFor("a", "b.test"), HostFor("b", "a.test")}), "");
  EXPECT_EQ(Turn(), Words{"routes written,b.test,a.test"});
  // Who would give one up is refused, so it keeps it.
  EXPECT_EQ(SendHosts({HostFor("a", "a.test"), HostFor("b", "written")}),
            "rc/a: domains[0]: value a.test: expected a domain that rc/b does not have; "
            "rc/b: domains[0]: value written: expected a domain that the route configuration "
            "itself does not have");
}

TEST_F(VhdsTest, HostsStayWhenTheConfigurationChanges) {
  Begin();
  SendHosts({HostFor("a", "a.test")});
  Turn();
  EXPECT_EQ(SendRoutes(Routes("other")), "");
  EXPECT_EQ(Turn(), Words{"routes other,a.test"});
  EXPECT_EQ(SendRoutes(Routes("a.test")), "rc: virtual_hosts: a.test is that of rc/a (vhds)");
  EXPECT_EQ(Turn(), Words());
  // From another source they come anew; meanwhile the old ones serve.
  EXPECT_EQ(SendRoutes(Routes("other",
                              "api_config_source { api_type: DELTA_GRPC "
                              "transport_api_version: V3 grpc_services { google_grpc { "
                              "target_uri: 'x' stat_prefix: 'x' } } }")),
            "");
  EXPECT_EQ(Turn(), Words());
  EXPECT_EQ(After(15 * base::kSecond), Words{"routes other"});
  // No vhds any more.
  EXPECT_EQ(SendRoutes(Routes("plain", "")), "");
  EXPECT_EQ(Turn(), Words{"routes plain"});
  EXPECT_FALSE(tables_.back()->discovers_hosts());
  EXPECT_EQ(wanted_, std::set<std::string>());
}

TEST_F(VhdsTest, SourceMustBeThere) {
  source_status_ = absl::InvalidArgumentError("no such thing");
  EXPECT_EQ(SendRoutes(Routes("written")), "rc: vhds.config_source: no such thing");
}

TEST_F(VhdsTest, ConfigurationIsShownWhole) {
  Begin();
  SendHosts({HostFor("a", "a.test")});
  Turn();
  store_->routes().ForEach([](const ResourceView& view) {
    RouteConfiguration shown;
    ASSERT_TRUE(shown.ParseFromString(*view.active->bytes));
    EXPECT_EQ(shown.virtual_hosts_size(), 2);
    EXPECT_EQ(shown.virtual_hosts(1).domains(0), "a.test");
  });
}

TEST_F(VhdsTest, RequestsAreToldOnceTheHostIsInForce) {
  Begin();
  Ask("a.test");
  Ask("b.test");
  Ask("c.sub.test");
  EXPECT_EQ(Turn(), Words());
  EXPECT_EQ(wanted_, (std::set<std::string>{"rc", "rc/a.test", "rc/b.test", "rc/c.sub.test"}));
  SendHosts({HostFor("a.test", "a.test"), HostFor("x", "b.test", {"b.test"})});
  EXPECT_EQ(Turn(), (Words{"routes written,a.test,b.test", "a.test found", "b.test found"}));
  // It serves the domain, though it was not called by it.
  SendHosts({HostFor("y", "*.sub.test")});
  EXPECT_EQ(Turn(), (Words{"routes written,a.test,b.test,*.sub.test", "c.sub.test found"}));
  // Known by now.
  Ask("d.sub.test");
  EXPECT_EQ(Turn(), Words{"d.sub.test found"});
  // An alias of a host that is there already.
  Ask("e.test");
  Turn();
  SendHosts({HostFor("x", "b.test", {"e.test"})});
  EXPECT_EQ(Turn(), Words{"e.test missing"}) << "it has no such domain";
}

TEST_F(VhdsTest, RequestsForWhatDoesNotExist) {
  Begin();
  Ask("a.test");
  Turn();
  SendHosts({}, {"a.test"});
  EXPECT_EQ(Turn(), Words{"a.test missing"});
  Ask("a.test");
  EXPECT_EQ(Turn(), Words{"a.test missing"}) << "it was said a moment ago";
  EXPECT_TRUE(wanted_.contains("rc/a.test"));
  After(kMissingKept);
  EXPECT_FALSE(wanted_.contains("rc/a.test"));
  Ask("a.test");
  Turn();
  EXPECT_TRUE(wanted_.contains("rc/a.test"));
  // What is refused is not there either.
  SendHosts({{"a.test", Bytes<VirtualHost>(HostText("a.test", ""))}});
  EXPECT_EQ(Turn(), Words{"a.test missing"});
  for (const char* bad : {"a/b", "*.test", "", "a b"}) {
    Ask(bad);
    EXPECT_EQ(Turn(), Words{absl::StrCat(bad, " missing")});
  }
  store_->Ask({Demand::Kind::kHost, "nowhere", "a.test"});
  EXPECT_EQ(Turn(), Words{"a.test missing"});
}

TEST_F(VhdsTest, AnswerThatNeverComesIsNotAwaitedForEver) {
  Begin();
  Ask("a.test");
  Turn();
  EXPECT_EQ(After(kAnswerWait), Words{"a.test missing"});
  EXPECT_EQ(wanted_, std::set<std::string>{"rc"});
}

TEST_F(VhdsTest, HostThatGoesIsAskedForAnew) {
  Begin();
  Ask("a.test");
  SendHosts({HostFor("a.test", "a.test")});
  Turn();
  EXPECT_TRUE(wanted_.contains("rc/a.test"));
  SendHosts({}, {"a.test"});
  EXPECT_EQ(Turn(), Words{"routes written"});
  EXPECT_FALSE(wanted_.contains("rc/a.test"));
  Ask("a.test");
  EXPECT_EQ(Turn(), Words());
  EXPECT_TRUE(wanted_.contains("rc/a.test"));
}

TEST_F(VhdsTest, WhoWaitsIsToldWhenVhdsEnds) {
  Begin();
  Ask("a.test");
  Ask("b.test");
  Turn();
  SendRoutes(Routes("a.test", ""));
  EXPECT_EQ(Turn(), (Words{"routes a.test", "a.test found", "b.test missing"}));
}

TEST_F(VhdsTest, HostWaitsForItsCluster) {
  Begin();
  using envoy::config::cluster::v3::Cluster;
  using envoy::config::endpoint::v3::ClusterLoadAssignment;
  EXPECT_EQ(Send(xds::kClusterType,
                 {{"one", Bytes<Cluster>("name: 'one' type: EDS eds_cluster_config { eds_config { "
                                         "resource_api_version: V3 ads {} } }")}}),
            "");
  Ask("a.test");
  SendHosts({{"a.test", Bytes<VirtualHost>(HostText("a.test", "route { cluster: 'one' }"))}});
  EXPECT_EQ(Turn(), Words());
  EXPECT_EQ(
      Send(xds::kEndpointType, {{"one", Bytes<ClusterLoadAssignment>("cluster_name: 'one'")}}), "");
  EXPECT_EQ(Turn(), (Words{"routes written,a.test", "a.test found"}));
  // validate_clusters holds for hosts too.
  SendRoutes(Routes("written", "ads {}", "validate_clusters { value: true }"));
  Turn();
  EXPECT_EQ(SendHosts({{"b", Bytes<VirtualHost>(HostText("b.test", "route { cluster: 'none' }"))}}),
            "rc/b: routes of h name unknown clusters: none");
}

}  // namespace
}  // namespace proxenos::server
