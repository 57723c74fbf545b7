// Filters by discovery: who waits for them, who gets them, and what is refused.
#include "source/server/extension_store.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "source/rpc/own_target.h"
#include "source/server/config_store.h"
#include "source/xds/type_url.h"
#include "test/support/scripted_dns_resolver.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

class NamedFactory final : public filter::FilterFactory {
 public:
  explicit NamedFactory(std::string text) : name_(std::move(text)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    return nullptr;
  }
  const std::string name_;
};

std::string Names(const filter::FilterFactories& filters) {
  std::vector<std::string> names;
  for (const auto& each : filters) names.push_back(static_cast<const NamedFactory&>(*each).name_);
  return absl::StrJoin(names, ",");
}

// A cluster whose hosts come by a look-up.
std::shared_ptr<const upstream::ClusterConfig> LookedUp(const std::string& name) {
  auto config = std::make_shared<upstream::ClusterConfig>();
  config->name = name;
  config->discovery = upstream::DiscoveryKind::kStrictDns;
  auto assignment = std::make_shared<upstream::Assignment>();
  assignment->localities.emplace_back();
  upstream::Endpoint endpoint;
  endpoint.dns_name = "name.test";
  endpoint.dns_port = 80;
  assignment->localities[0].endpoints.push_back(endpoint);
  config->assignment = std::move(assignment);
  config->dns = std::make_unique<upstream::DnsSettings>();
  return config;
}

// "NAME PLACE...": one chain of a first filter, a default for each place, and a last one. A
// place that begins with '!' does not warm.
CompiledListener CompilePlaces(const std::string& bytes) {
  const std::vector<std::string> words = absl::StrSplit(bytes, ' ');
  auto http = std::make_shared<downstream::HttpConfig>();
  http->routes = std::make_shared<downstream::RouteSnapshot>(
      downstream::RouteSnapshot{route::RouteTable::Build({}), {}});
  http->filters.push_back(std::make_shared<NamedFactory>("first"));
  for (size_t i = 1; i < words.size(); ++i) {
    filter::DiscoveredFilter place;
    place.index = static_cast<uint32_t>(http->filters.size());
    place.warms = words[i][0] != '!';
    place.name = words[i].substr(place.warms ? 0 : 1);
    http->discovered.push_back(place);
    http->filters.push_back(std::make_shared<NamedFactory>("default"));
  }
  http->filters.push_back(std::make_shared<NamedFactory>("last"));
  auto config = std::make_shared<downstream::ListenerConfig>();
  config->name = words[0];
  config->addresses = {*net::Address::FromIp("127.0.0.1", 0)};
  auto chain = std::make_shared<downstream::ChainConfig>();
  chain->http = http;
  config->chains.push_back(std::move(chain));
  CompiledListener compiled;
  compiled.config = config;
  compiled.routes.emplace_back();
  return compiled;
}

class ExtensionStoreTest : public ::testing::Test {
 protected:
  ExtensionStoreTest() {
    Compilers compilers;
    compilers.listener = [](const std::string& bytes, Origin, config::Errors&) {
      return CompilePlaces(bytes);
    };
    compilers.filter = [this](
                           const filter::DiscoveredFilter& place, const std::string& bytes,
                           config::Errors& errors) -> std::shared_ptr<const filter::FilterFactory> {
      if (absl::StrContains(bytes, "bad")) {
        errors.Add(config::Path("typed_config"), absl::StrCat("is bad for ", place.name));
        return nullptr;
      }
      if (absl::StartsWith(bytes, "calls ")) {
        target_ = rpc::OwnTargets::OfProcess().Name("test", bytes, [](const std::string& cluster) {
          return absl::StrCat("\x0a", std::string(1, static_cast<char>(cluster.size())), cluster);
        });
      }
      return std::make_shared<NamedFactory>(bytes);
    };
    compilers.cluster = [](const std::string& bytes, Origin, config::Errors&) {
      return LookedUp(bytes.substr(2));
    };
    ConfigStoreHooks hooks;
    hooks.make_dns = [this](std::shared_ptr<const upstream::ClusterConfig> config,
                            upstream::DnsCluster::OnAssignment on_assignment) {
      return std::make_unique<upstream::DnsCluster>(loop_, resolver_.Share(), std::move(config),
                                                    std::move(on_assignment));
    };
    hooks.publish = [this](Batch batch) {
      for (const PublishedListener& each : batch.listeners) {
        published_.push_back(
            absl::StrCat("listener ", each.config->name, " ",
                         each.filters[0] == nullptr ? "as written" : Names(*each.filters[0])));
      }
      for (const FilterChange& each : batch.listener_filters) {
        published_.push_back(
            absl::StrCat("filters ", each.listener, "/", each.chain, " ", Names(*each.filters)));
      }
    };
    hooks.want = [this](const WantedNames::Change& change) {
      if (change.type_url != xds::kExtensionConfigType) return;
      for (const std::string& name : change.names.removed) EXPECT_EQ(wanted_.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(wanted_.insert(name).second);
    };
    store_.emplace(loop_, registry_, std::move(compilers), std::move(hooks));
  }

  std::string Apply(const char* type, const std::string& name, const std::string& bytes,
                    const std::vector<std::string>& removed = {}) {
    xds::TypeUpdate update{type, "v", {}, removed};
    if (!name.empty()) {
      update.resources.push_back({name, "v", type, std::make_shared<const std::string>(bytes)});
    }
    const std::vector<xds::ResourceError> errors = store_->Apply("", update);
    return errors.empty() ? "" : errors[0].reason;
  }
  std::string Listen(const std::string& name, const std::string& places) {
    return Apply(xds::kListenerType, name, absl::StrCat(name, places.empty() ? "" : " ", places));
  }
  std::string Send(const std::string& name, const std::string& bytes) {
    return Apply(xds::kExtensionConfigType, name, bytes);
  }
  std::string Turn() {
    loop_.RunOnce(0);
    return absl::StrJoin(std::exchange(published_, {}), "; ");
  }
  std::string After(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
    return Turn();
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  proxenos::testing::ScriptedDnsResolver resolver_;
  rpc::OwnTargetPtr target_;  // A server that a filter names by its address.
  std::vector<std::string> published_;
  std::set<std::string> wanted_;
  std::optional<ConfigStore> store_;
};

TEST_F(ExtensionStoreTest, ListenerWaitsForItsFilter) {
  Listen("a", "x");
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(wanted_, std::set<std::string>{"x"});
  EXPECT_EQ(Send("x", "one"), "");
  EXPECT_EQ(Turn(), "listener a first,one,last");
  Send("x", "two");
  EXPECT_EQ(Turn(), "filters a/0 first,two,last");
  Send("x", "two");
  Send("another", "three");
  EXPECT_EQ(Turn(), "");
}

TEST_F(ExtensionStoreTest, WaitsOnlyForSoLong) {
  Listen("a", "x");
  EXPECT_EQ(After(14 * base::kSecond), "");
  EXPECT_EQ(After(2 * base::kSecond), "listener a first,default,last");
  Send("x", "one");
  EXPECT_EQ(Turn(), "filters a/0 first,one,last");
}

TEST_F(ExtensionStoreTest, DefaultAtOnce) {
  Listen("a", "!x");
  EXPECT_EQ(Turn(), "listener a first,default,last");
}

TEST_F(ExtensionStoreTest, WithoutDiscoveryNothingChanges) {
  Listen("a", "");
  EXPECT_EQ(Turn(), "listener a as written");
}

TEST_F(ExtensionStoreTest, OneResourceInSeveralPlaces) {
  Listen("a", "x y");
  Listen("b", "x");
  Send("x", "one");
  EXPECT_EQ(Turn(), "listener b first,one,last");
  Send("y", "two");
  EXPECT_EQ(Turn(), "listener a first,one,two,last");
  Send("x", "three");
  EXPECT_EQ(Turn(), "filters a/0 first,three,two,last; filters b/0 first,three,last");
  Apply(xds::kListenerType, "", "", {"a"});
  Turn();
  EXPECT_EQ(wanted_, std::set<std::string>{"x"});
  // A later listener has at once what is there.
  Listen("c", "x");
  EXPECT_EQ(Turn(), "listener c first,three,last");
}

TEST_F(ExtensionStoreTest, RefusedOnesChangeNothing) {
  Listen("a", "x");
  Send("x", "one");
  Turn();
  EXPECT_EQ(Send("x", "bad"), "typed_config: is bad for x");
  EXPECT_EQ(Turn(), "");
  int seen = 0;
  store_->extensions().ForEach([&seen](const ResourceView& view) {
    ++seen;
    EXPECT_EQ(*view.active->bytes, "one");
    EXPECT_EQ(view.refused->reason, "typed_config: is bad for x");
  });
  EXPECT_EQ(seen, 1);
}

// No request meets a server that has no address yet.
TEST_F(ExtensionStoreTest, FilterWaitsForTheFirstLookUpOfItsServer) {
  Listen("a", "x");
  Send("x", "calls one");
  EXPECT_EQ(Turn(), "");
  resolver_.Answer("name.test", {"10.0.0.1"});
  EXPECT_EQ(Turn(), "listener a first,calls one,last");
  Send("x", "calls two");
  EXPECT_EQ(Turn(), "") << "the one before goes on";
  resolver_.Answer("name.test", {"10.0.0.2"});
  EXPECT_EQ(Turn(), "filters a/0 first,calls two,last");
  Send("x", "calls nobody");
  EXPECT_EQ(After(14 * base::kSecond), "");
  EXPECT_EQ(After(2 * base::kSecond), "filters a/0 first,calls nobody,last");
  Send("x", "calls another");
  Send("x", "three");
  EXPECT_EQ(Turn(), "filters a/0 first,three,last");
}

TEST_F(ExtensionStoreTest, WhatIsRemovedLeavesTheDefault) {
  Listen("a", "x");
  Send("x", "one");
  Turn();
  Apply(xds::kExtensionConfigType, "", "", {"x"});
  EXPECT_EQ(Turn(), "filters a/0 first,default,last");
}

}  // namespace
}  // namespace proxenos::server
