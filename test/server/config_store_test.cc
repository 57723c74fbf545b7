// The store with compilers that read a few words: what it puts in force when, in what order, and
// what it wants meanwhile.
#include "source/server/config_store.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"
#include "test/support/scripted_dns_resolver.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

using Words = std::vector<std::string>;

Words WordsOf(const std::string& bytes) { return absl::StrSplit(bytes, ' ', absl::SkipEmpty()); }

// The serialized form of a message with nothing but a name, as AddStatic reads it, and words.
std::string Named(const std::string& name, const std::string& words) {
  return absl::StrCat("\x0a", std::string(1, static_cast<char>(name.size())), name, "\x12",
                      std::string(1, static_cast<char>(words.size())), words);
}

std::shared_ptr<const upstream::Assignment> Endpoints(const std::vector<std::string>& addresses) {
  auto assignment = std::make_shared<upstream::Assignment>();
  assignment->localities.emplace_back();
  for (const std::string& ip : addresses) {
    upstream::Endpoint endpoint;
    endpoint.address = *net::Address::FromIp(ip, 80);
    assignment->localities[0].endpoints.push_back(endpoint);
  }
  return assignment;
}

// "NAME static IP...", "NAME eds SERVICE", "NAME dns", "NAME bad".
std::shared_ptr<const upstream::ClusterConfig> CompileCluster(const std::string& bytes,
                                                              config::Errors& errors) {
  const Words words = WordsOf(bytes);
  auto config = std::make_shared<upstream::ClusterConfig>();
  config->name = words.at(0);
  if (words.at(1) == "static") {
    config->assignment = Endpoints({words.begin() + 2, words.end()});
  } else if (words.at(1) == "eds") {
    config->discovery = upstream::DiscoveryKind::kEds;
    upstream::EdsSettings eds;
    eds.service_name = words.at(2);
    config->eds = std::make_unique<upstream::EdsSettings>(eds);
  } else if (words.at(1) == "dns") {
    config->discovery = upstream::DiscoveryKind::kStrictDns;
    auto assignment = std::make_shared<upstream::Assignment>();
    assignment->localities.emplace_back();
    upstream::Endpoint endpoint;
    endpoint.dns_name = "name.test";
    endpoint.dns_port = 80;
    assignment->localities[0].endpoints.push_back(endpoint);
    config->assignment = assignment;
    config->dns = std::make_unique<upstream::DnsSettings>();
  } else {
    errors.Add(config::Path("type"), "is bad");
    return nullptr;
  }
  return config;
}

// Names of clusters; "bad" is refused, "checked" validates its clusters.
std::shared_ptr<const downstream::RouteSnapshot> CompileRoutes(const std::string& name,
                                                               const Words& words,
                                                               config::Errors& errors) {
  route::RouteTableParts parts;
  parts.name = name;
  for (const std::string& word : words) {
    if (word == "bad") {
      errors.Add(config::Path("virtual_hosts[0]"), "is bad");
      return nullptr;
    }
    if (word == "checked") {
      parts.validate_clusters = true;
    } else {
      parts.cluster_names.push_back(word);
    }
  }
  auto snapshot = std::make_shared<downstream::RouteSnapshot>();
  snapshot->table = route::RouteTable::Build(std::move(parts));
  return snapshot;
}

// "NAME PORT rds ROUTES [SOURCE]", "NAME PORT inline CLUSTER...", "NAME PORT bad".
CompiledListener CompileListener(const std::string& bytes, config::Errors& errors) {
  const Words words = WordsOf(bytes);
  CompiledListener compiled;
  auto config = std::make_shared<downstream::ListenerConfig>();
  config->name = words.at(0);
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(words.at(1), &port));
  config->addresses = {*net::Address::FromIp("127.0.0.1", static_cast<uint16_t>(port))};
  auto http = std::make_shared<downstream::HttpConfig>();
  RouteOrigin origin;
  if (words.at(2) == "rds") {
    http->rds_name = words.at(3);
    if (words.size() > 4) origin.source = words[4];
  } else if (words.at(2) == "inline") {
    http->routes = CompileRoutes("", {words.begin() + 3, words.end()}, errors);
    origin.written = std::make_shared<const std::string>("inline");
  } else {
    errors.Add(config::Path("filter_chains"), "is bad");
    return compiled;
  }
  config->chains.emplace_back().http = http;
  compiled.config = config;
  compiled.routes.push_back(origin);
  return compiled;
}

// A batch as words, in its order.
std::string Describe(const Batch& batch) {
  std::vector<std::string> words;
  for (const auto& cluster : batch.clusters) {
    words.push_back(absl::StrCat("cluster ", cluster.config->name, "/", cluster.hosts->size()));
  }
  for (const auto& [name, hosts] : batch.hosts) {
    words.push_back(absl::StrCat("hosts ", name, "/", hosts->size()));
  }
  for (const auto& [name, routes] : batch.routes) {
    words.push_back(
        absl::StrCat("routes ", name, "->", absl::StrJoin(routes->table->cluster_names(), ",")));
  }
  for (const auto& listener : batch.listeners) words.push_back("listener " + listener.config->name);
  for (const std::string& name : batch.removed_listeners) words.push_back("-listener " + name);
  for (const std::string& name : batch.removed_routes) words.push_back("-routes " + name);
  for (const std::string& name : batch.removed_clusters) words.push_back("-cluster " + name);
  return absl::StrJoin(words, "; ");
}

class ConfigStoreTest : public ::testing::Test {
 protected:
  ConfigStoreTest() {
    Compilers compilers;
    // Static resources come as protos, whose second field holds the words.
    compilers.cluster = [this](const std::string& bytes, Origin origin, config::Errors& errors) {
      ++compiled_;
      return CompileCluster(Unwrap(bytes, origin), errors);
    };
    compilers.assignment =
        [this](const std::string& bytes, Origin,
               config::Errors& errors) -> std::shared_ptr<const upstream::Assignment> {
      ++compiled_;
      if (bytes == "bad") {
        errors.Add(config::Path("endpoints[0]"), "is bad");
        return nullptr;
      }
      return Endpoints(WordsOf(bytes));
    };
    compilers.routes = [this](const std::string& bytes, Origin, config::Errors& errors) {
      ++compiled_;
      return CompileRoutes("r", WordsOf(bytes), errors);
    };
    compilers.listener = [this](const std::string& bytes, Origin origin, config::Errors& errors) {
      ++compiled_;
      return CompileListener(Unwrap(bytes, origin), errors);
    };
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) { published_.push_back(Describe(batch)); };
    hooks.want = [this](const WantedNames::Change& change) {
      std::set<std::string>& names = wanted_[{change.type_url, change.source}];
      for (const std::string& name : change.names.removed) EXPECT_EQ(names.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(names.insert(name).second);
    };
    hooks.make_dns = [this](std::shared_ptr<const upstream::ClusterConfig> config,
                            upstream::DnsCluster::OnAssignment on_assignment) {
      return std::make_unique<upstream::DnsCluster>(loop_, resolver_.Share(), std::move(config),
                                                    std::move(on_assignment));
    };
    hooks.admit_listener = [this](const downstream::ListenerConfig& next,
                                  const downstream::ListenerConfig*) {
      return next.addresses[0].port() == refused_port_ ? absl::UnavailableError("port is taken")
                                                       : absl::OkStatus();
    };
    hooks.drain_time = 60 * base::kSecond;
    store_.emplace(loop_, registry_, std::move(compilers), std::move(hooks));
  }

  static std::string Unwrap(const std::string& bytes, Origin origin) {
    if (origin == Origin::kDiscovery) return bytes;
    return bytes.substr(static_cast<size_t>(bytes[1]) + 4);
  }

  // One step; resources by name. Returns what was refused as "NAME: REASON".
  std::vector<std::string> Apply(const char* type, const std::map<std::string, std::string>& now,
                                 const std::vector<std::string>& removed = {},
                                 const SourceKey& source = "") {
    xds::TypeUpdate update;
    update.type_url = type;
    update.version = "v";
    update.removed = removed;
    for (const auto& [name, words] : now) {
      // Most compilers here take the name from the words.
      std::string bytes = type == xds::kClusterType || type == xds::kListenerType
                              ? absl::StrCat(name, " ", words)
                              : words;
      update.resources.push_back(
          {name, "v", type, std::make_shared<const std::string>(bytes), xds::XxHash64(bytes)});
    }
    std::vector<std::string> refused;
    for (const xds::ResourceError& error : store_->Apply(source, update)) {
      refused.push_back(absl::StrCat(error.name, ": ", error.reason));
    }
    return refused;
  }

  // Runs a turn and returns the batches published since the last call.
  std::vector<std::string> Turn() {
    loop_.RunOnce(0);
    return std::exchange(published_, {});
  }
  std::vector<std::string> After(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
    return Turn();
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  testing::ScriptedDnsResolver resolver_;
  std::vector<std::string> published_;
  std::map<std::pair<std::string, SourceKey>, std::set<std::string>> wanted_;
  uint16_t refused_port_ = 1;
  int compiled_ = 0;
  std::optional<ConfigStore> store_;
};

const Words kNoBatch;

TEST_F(ConfigStoreTest, StaticClusterIsInForceAtOnce) {
  EXPECT_TRUE(Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}}).empty());
  EXPECT_EQ(Turn(), Words{"cluster a/1"});
  EXPECT_EQ(store_->clusters().counts().added, 1u);
  EXPECT_EQ(store_->VersionOf(xds::kClusterType), "v");
}

TEST_F(ConfigStoreTest, UnchangedBytesCostNothing) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  const int before = compiled_;
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(compiled_, before);
}

TEST_F(ConfigStoreTest, BadResourceIsRefusedAloneAndKeepsTheLastGood) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  EXPECT_EQ(Apply(xds::kClusterType, {{"a", "bad"}, {"b", "static 10.0.0.2"}, {"c", "bad"}}),
            (Words{"a: type: is bad", "c: type: is bad"}));
  EXPECT_EQ(Turn(), Words{"cluster b/1"});
  std::map<std::string, std::string> states;
  store_->clusters().ForEach([&states](const ResourceView& view) {
    states[view.name] = absl::StrCat(view.active ? "active " + *view.active->bytes : "nothing",
                                     view.refused ? ", refused: " + view.refused->reason : "");
  });
  EXPECT_EQ(states["a"], "active a static 10.0.0.1, refused: type: is bad");
  EXPECT_EQ(states["b"], "active b static 10.0.0.2");
  EXPECT_EQ(states["c"], "nothing, refused: type: is bad");
  // The error goes when the good one is sent again, at no cost.
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  EXPECT_EQ(Turn(), kNoBatch);
  store_->clusters().ForEach([](const ResourceView& view) {
    if (view.name == "a") {
      EXPECT_EQ(view.refused, nullptr);
    }
  });
}

TEST_F(ConfigStoreTest, EdsClusterWaitsForItsEndpoints) {
  Apply(xds::kClusterType, {{"a", "eds service-a"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(store_->clusters().warming_count(), 1u);
  EXPECT_EQ((wanted_[{xds::kEndpointType, ""}]), std::set<std::string>{"service-a"});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"cluster a/2"});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 10.0.0.2 10.0.0.3"}});
  EXPECT_EQ(Turn(), Words{"hosts a/3"});
  EXPECT_EQ(Apply(xds::kEndpointType, {{"service-a", "bad"}}),
            Words{"service-a: endpoints[0]: is bad"});
  EXPECT_EQ(Turn(), kNoBatch);
}

TEST_F(ConfigStoreTest, FewEndpointsAreCompiledAgainWhenTheyAreNeededAgain) {
  const auto with_endpoints = [this](const std::string& service, int count) {
    std::string addresses;
    for (int i = 1; i <= count; ++i) absl::StrAppend(&addresses, i > 1 ? " " : "", "10.0.0.", i);
    Apply(xds::kClusterType, {{service, absl::StrCat("eds ", service)}});
    Turn();
    Apply(xds::kEndpointType, {{service, addresses}});
    return Turn();
  };
  const auto compiled_for_another_version = [this](const std::string& service, int count) {
    const int before = compiled_;
    Apply(xds::kClusterType, {{service, absl::StrCat("eds ", service, " again")}});
    EXPECT_EQ(Turn(), Words{absl::StrCat("cluster ", service, "/", count)});
    return compiled_ - before;
  };
  EXPECT_EQ(with_endpoints("few", 3), Words{"cluster few/3"});
  EXPECT_EQ(with_endpoints("many", 40), Words{"cluster many/40"});
  EXPECT_EQ(compiled_for_another_version("few", 3), 2) << "the cluster and its endpoints";
  EXPECT_EQ(compiled_for_another_version("many", 40), 1) << "the cluster";
  // What is missing stays what it was.
  const int before = compiled_;
  Apply(xds::kEndpointType, {}, {"few"});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_LE(compiled_ - before, 1);
}

TEST_F(ConfigStoreTest, EdsClusterGoesOnWithoutEndpointsAfterItsTime) {
  Apply(xds::kClusterType, {{"a", "eds service-a"}});
  Turn();
  EXPECT_EQ(After(14 * base::kSecond), kNoBatch);
  EXPECT_EQ(After(2 * base::kSecond), Words{"cluster a/0"});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1"}});
  EXPECT_EQ(Turn(), Words{"hosts a/1"});
}

TEST_F(ConfigStoreTest, OldVersionServesWhileTheNewOneWarms) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  Apply(xds::kClusterType, {{"a", "eds service-a"}});
  EXPECT_EQ(Turn(), kNoBatch);
  store_->clusters().ForEach([](const ResourceView& view) {
    EXPECT_NE(view.active, nullptr);
    EXPECT_NE(view.warming, nullptr);
  });
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1"});
  EXPECT_EQ(store_->clusters().counts().modified, 1u);
}

TEST_F(ConfigStoreTest, EndpointsSharedByClustersAreWantedWhileOneIsThere) {
  Apply(xds::kClusterType, {{"a", "eds service"}, {"b", "eds service"}});
  Turn();
  Apply(xds::kEndpointType, {{"service", "10.0.0.1"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1; cluster b/1"});
  Apply(xds::kClusterType, {}, {"a"});
  EXPECT_EQ(Turn(), Words{"-cluster a"});
  EXPECT_EQ((wanted_[{xds::kEndpointType, ""}]), std::set<std::string>{"service"});
  Apply(xds::kClusterType, {}, {"b"});
  EXPECT_EQ(Turn(), Words{"-cluster b"});
  EXPECT_TRUE((wanted_[{xds::kEndpointType, ""}]).empty());
  int left = 0;
  store_->clusters().ForEachAssignment([&left](const ResourceView&) { ++left; });
  EXPECT_EQ(left, 0) << "endpoints that nobody wants are forgotten";
}

TEST_F(ConfigStoreTest, ManyClustersSettleOverSeveralTurns) {
  std::map<std::string, std::string> clusters;
  for (int i = 0; i < 20; ++i) clusters[absl::StrCat("c", i)] = "eds c";
  Apply(xds::kClusterType, clusters);
  Turn();
  EXPECT_EQ(store_->clusters().warming_count(), 20u);
  Apply(xds::kEndpointType, {{"c", "10.0.0.1"}});
  clock_.TickOnRead(base::kMillisecond);  // Each look at the clock finds a millisecond gone.
  size_t turns = 0;
  size_t most = 0;
  for (; store_->clusters().warming_count() > 0; ++turns) {
    ASSERT_LT(turns, 100u);
    const size_t before = store_->clusters().warming_count();
    Turn();
    most = std::max(most, before - store_->clusters().warming_count());
  }
  EXPECT_GT(turns, 3u);
  EXPECT_LE(most, 5u);
  EXPECT_EQ(store_->clusters().active_count(), 20u);
}

TEST_F(ConfigStoreTest, DnsClusterWaitsForTheFirstAnswer) {
  Apply(xds::kClusterType, {{"a", "dns"}});
  EXPECT_EQ(Turn(), kNoBatch);
  resolver_.Answer("name.test", {"10.0.0.1", "10.0.0.2"});
  Turn();
  EXPECT_EQ(store_->clusters().warming_count(), 0u);
  // Its look-ups end with it, at whatever moment.
  Apply(xds::kClusterType, {{"a", "static 10.0.0.9"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1"});
  EXPECT_TRUE(resolver_.Open().empty());
}

TEST_F(ConfigStoreTest, ListenerWaitsForItsRoutes) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ((wanted_[{xds::kRouteType, ""}]), std::set<std::string>{"r"});
  Apply(xds::kRouteType, {{"r", "a"}});
  EXPECT_EQ(Turn(), Words{"routes r->a; listener l"});
  Apply(xds::kRouteType, {{"r", "a unknown"}});
  EXPECT_EQ(Turn(), Words{"routes r->a,unknown"}) << "unheard-of clusters hold nothing back";
}

TEST_F(ConfigStoreTest, ListenerGoesOnWithoutRoutesAfterItsTime) {
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  EXPECT_EQ(After(16 * base::kSecond), Words{"listener l"});
  Apply(xds::kRouteType, {{"r", ""}});
  EXPECT_EQ(Turn(), Words{"routes r->"});
}

// What a control plane does that changes everything at once: nothing refers to what is not there.
TEST_F(ConfigStoreTest, NewRoutesWaitForTheirNewCluster) {
  Apply(xds::kClusterType, {{"old", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  Apply(xds::kRouteType, {{"r", "old"}});
  EXPECT_EQ(Turn(), Words{"routes r->old; listener l"});

  Apply(xds::kClusterType, {{"new", "eds service"}}, {"old"});
  EXPECT_EQ(Turn(), kNoBatch) << "routes still name the old one";
  Apply(xds::kRouteType, {{"r", "new"}});
  EXPECT_EQ(Turn(), kNoBatch) << "the new one has no endpoints yet";
  Apply(xds::kEndpointType, {{"service", "10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"cluster new/1; routes r->new; -cluster old"});
}

TEST_F(ConfigStoreTest, RemovedClusterGoesAfterTheGraceWhateverNamesIt) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 inline a"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1; listener l"});
  Apply(xds::kClusterType, {}, {"a"});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(After(kRemovalGrace), Words{"-cluster a"});
}

TEST_F(ConfigStoreTest, RemovedClusterThatComesBackIsUntouched) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 inline a"}});
  Turn();
  Apply(xds::kClusterType, {}, {"a"});
  Turn();
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  EXPECT_EQ(After(10 * kRemovalGrace), kNoBatch);
}

TEST_F(ConfigStoreTest, RoutesThatNobodyNamesGo) {
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  Apply(xds::kRouteType, {{"r", ""}});
  Turn();
  Apply(xds::kListenerType, {}, {"l"});
  EXPECT_EQ(Turn(), Words{"-listener l; -routes r"});
  EXPECT_TRUE((wanted_[{xds::kRouteType, ""}]).empty());
}

TEST_F(ConfigStoreTest, ListenerThatChangesItsRoutesKeepsTheOldOnesUntilThen) {
  Apply(xds::kListenerType, {{"l", "80 rds r1"}});
  Turn();
  Apply(xds::kRouteType, {{"r1", ""}});
  Turn();
  Apply(xds::kListenerType, {{"l", "80 rds r2"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ((wanted_[{xds::kRouteType, ""}]), (std::set<std::string>{"r1", "r2"}));
  Apply(xds::kRouteType, {{"r2", ""}});
  EXPECT_EQ(Turn(), Words{"routes r2->; listener l; -routes r1"});
  EXPECT_EQ(store_->listeners().draining_count(), 1u);
  bool draining = false;
  store_->listeners().ForEach(
      [&draining](const ResourceView& view) { draining = view.draining != nullptr; });
  EXPECT_TRUE(draining);
  After(61 * base::kSecond);
  EXPECT_EQ(store_->listeners().draining_count(), 0u);
}

TEST_F(ConfigStoreTest, ListenersAreRefusedForWhatStandsAroundThem) {
  EXPECT_EQ(Apply(xds::kListenerType, {{"a", "80 inline nobody"}}),
            Words{"a: routes of this listener name unknown clusters: nobody"});
  EXPECT_TRUE(Apply(xds::kListenerType, {{"b", "80 rds r"}}).empty());
  EXPECT_EQ(Apply(xds::kListenerType, {{"c", "80 rds r"}}),
            Words{"c: address: 127.0.0.1:80 is that of listener b"});
  EXPECT_EQ(Apply(xds::kListenerType, {{"d", "81 rds r file"}}),
            Words{"d: rds.config_source: routes r already come from another source"});
  EXPECT_EQ(Apply(xds::kListenerType, {{"e", "1 rds r"}}), Words{"e: port is taken"});
  // An address is free for a newcomer in the step that removes its holder.
  Turn();
  EXPECT_TRUE(Apply(xds::kListenerType, {{"f", "80 inline"}}, {"b"}).empty());
  EXPECT_EQ(Turn(), Words{"listener f; -listener b"});
}

TEST_F(ConfigStoreTest, RoutesThatAskForItHaveTheirClustersChecked) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  EXPECT_EQ(Apply(xds::kRouteType, {{"r", "checked a x y"}}),
            Words{"r: routes of r name unknown clusters: x, y"});
  EXPECT_TRUE(Apply(xds::kRouteType, {{"r", "checked a"}}).empty());
}

TEST_F(ConfigStoreTest, VersionsThatDrainDoNotPileUp) {
  for (int i = 0; i < 20; ++i) {
    Apply(xds::kListenerType, {{"l", absl::StrCat(80 + i, " inline")}});
    Turn();
  }
  EXPECT_EQ(store_->listeners().draining_count(), 1u);
  EXPECT_EQ(store_->listeners().counts().modified, 19u);
}

TEST_F(ConfigStoreTest, StaticResourcesAreNotChangedByDiscovery) {
  EXPECT_TRUE(store_->AddStatic(xds::kClusterType, Named("a", "a static 10.0.0.1")).empty());
  EXPECT_TRUE(store_->AddStatic(xds::kListenerType, Named("l", "l 80 inline a")).empty());
  EXPECT_EQ(Turn(), Words{"cluster a/1; listener l"});
  EXPECT_EQ(store_->AddStatic(xds::kClusterType, Named("a", "a static 10.0.0.1")).size(), 1u);
  EXPECT_EQ(Apply(xds::kClusterType, {{"a", "static 10.0.0.2"}}),
            Words{"a: a static cluster has this name; it cannot be changed by discovery"});
  EXPECT_EQ(Apply(xds::kListenerType, {{"l", "81 inline a"}}),
            Words{"l: a static listener has this name; it cannot be changed by discovery"});
  Apply(xds::kClusterType, {}, {"a"});
  Apply(xds::kListenerType, {}, {"l"});
  EXPECT_EQ(Turn(), kNoBatch);
  int inline_routes = 0;
  store_->listeners().ForEachInlineRoutes(
      [&inline_routes](const std::string&, base::WallTime) { ++inline_routes; });
  EXPECT_EQ(inline_routes, 1);
}

TEST_F(ConfigStoreTest, TypesOfNobodyAreRefused) {
  EXPECT_EQ(Apply("type.googleapis.com/x.Y", {{"z", "1"}}),
            Words{"z: resources of type type.googleapis.com/x.Y are not implemented"});
}

TEST_F(ConfigStoreTest, ClusterRemovedWhileItWarmsLeavesNothing) {
  Apply(xds::kClusterType, {{"a", "eds s"}});
  Turn();
  Apply(xds::kClusterType, {}, {"a"});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_TRUE((wanted_[{xds::kEndpointType, ""}]).empty());
  EXPECT_FALSE(store_->clusters().Has("a"));
  EXPECT_EQ(After(20 * base::kSecond), kNoBatch);
}

}  // namespace
}  // namespace proxenos::server
