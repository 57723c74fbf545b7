// Updates of a listener's filter chains with the real compilers: which chains are compiled anew,
// and what those that stay go on with.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/downstream/listener_config.h"
#include "source/server/builtin_filters.h"
#include "source/server/compilers.h"
#include "source/server/config_store.h"
#include "source/xds/type_url.h"
#include "test/support/certificates.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

constexpr char kAds[] = R"({"ads": {}, "resource_api_version": "V3"})";

// A connection manager whose routes come as `routes` says, in JSON, with these filters before the
// router.
std::string Manager(const std::string& routes, const std::string& filters = "") {
  return absl::StrCat(
      R"({"name": "hcm", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.)",
      R"(network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "s", )", routes,
      R"(, "http_filters": [)", filters,
      R"({"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.)",
      R"(filters.http.router.v3.Router"}}]}})");
}

std::string Rds(const std::string& name) {
  return absl::StrCat(R"("rds": {"route_config_name": ")", name, R"(", "config_source": )", kAds,
                      "}");
}

// For names below it, with `rest` of the chain.
std::string Chain(const std::string& name, const std::string& filter,
                  const std::string& rest = "") {
  return absl::StrCat(R"({"name": ")", name, R"(", "filter_chain_match": {"server_names": [")",
                      name, R"(.test"]}, "filters": [)", filter, "]", rest, "}");
}

std::string Listener(const std::vector<std::string>& chains, const std::string& rest = "") {
  return absl::StrCat(
      R"({"name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 80}},)",
      R"( "filter_chains": [)", absl::StrJoin(chains, ", "), "]", rest, "}");
}

std::string SdsTls(const std::string& secret) {
  return absl::StrCat(
      R"(, "transport_socket": {"name": "tls", "typed_config": {"@type": "type.googleapis.com/)",
      R"(envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": )",
      R"({"tls_certificate_sds_secret_configs": [{"name": ")", secret, R"(", "sds_config": )", kAds,
      "}]}}}");
}

class ListenerInPlaceTest : public ::testing::Test {
 protected:
  ListenerInPlaceTest() {
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) {
      for (auto& each : batch.listeners) listeners_.push_back(std::move(each));
      for (auto& each : batch.listener_tls) tls_.push_back(std::move(each));
      for (auto& each : batch.listener_filters) filters_.push_back(std::move(each));
      for (auto& each : batch.listener_scopes) scopes_.push_back(std::move(each));
    };
    hooks.want = [this](const WantedNames::Change& change) {
      std::set<std::string>& names = wanted_[change.type_url];
      for (const std::string& name : change.names.removed) EXPECT_EQ(names.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(names.insert(name).second);
    };
    hooks.drain_time = 60 * base::kSecond;
    store_.emplace(loop_, registry_, MakeCompilers(listener_compiler_, ignored_), std::move(hooks));
  }

  template <typename Message>
  static std::string Bytes(const std::string& json) {
    Message message;
    config::Errors errors;
    config::ParseJson({json.data(), json.size()}, message, errors);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus() << json;
    return message.SerializeAsString();
  }
  // What was refused, or "".
  template <typename Message>
  std::string Apply(const std::string& name, const std::string& json) {
    const std::string type =
        absl::StrCat("type.googleapis.com/", Message::descriptor()->full_name());
    return Send(type, name, Bytes<Message>(json));
  }
  std::string Send(const std::string& type, const std::string& name, const std::string& bytes) {
    xds::TypeUpdate update{type, "v", {}, {}};
    update.resources.push_back({name, "v", type, std::make_shared<const std::string>(bytes)});
    const auto refused = store_->Apply("", update);
    loop_.RunOnce(0);
    return refused.empty() ? "" : refused[0].reason;
  }
  std::string Listen(const std::vector<std::string>& chains, const std::string& rest = "") {
    return Apply<envoy::config::listener::v3::Listener>("l", Listener(chains, rest));
  }
  void Routes(const std::string& name) {
    EXPECT_EQ(Apply<envoy::config::route::v3::RouteConfiguration>(
                  name, absl::StrCat(R"({"name": ")", name, R"("})")),
              "");
  }
  void Secret(const std::string& name, const std::string& common_name) {
    const testing::TestCertificate leaf = testing::MakeLeaf(ca_, common_name);
    envoy::extensions::transport_sockets::tls::v3::Secret secret;
    secret.set_name(name);
    auto& certificate = *secret.mutable_tls_certificate();
    certificate.mutable_certificate_chain()->set_inline_string(leaf.pem());
    certificate.mutable_private_key()->set_inline_string(leaf.key_pem());
    EXPECT_EQ(Send(xds::kSecretType, name, secret.SerializeAsString()), "");
  }
  const ListenerStore& store() { return store_->listeners(); }
  const downstream::ChainConfig* ChainAt(size_t listener, size_t chain) {
    return listeners_.at(listener).config->chains.at(chain).get();
  }
  void Pass(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
    loop_.RunOnce(0);
  }

  const testing::TestCertificate ca_ = testing::MakeCa("root");
  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  config::IgnoredFields ignored_;
  downstream::ListenerCompiler listener_compiler_{BuiltinFilters(), nullptr};
  std::vector<PublishedListener> listeners_;
  std::vector<Rotation<tls::ServerContext>> tls_;
  std::vector<FilterChange> filters_;
  std::vector<ScopeChange> scopes_;
  std::map<std::string, std::set<std::string>> wanted_;
  std::optional<ConfigStore> store_;
};

TEST_F(ListenerInPlaceTest, OnlyWhatIsNewIsCompiled) {
  const std::string a = Chain("a", Manager(Rds("ra")));
  const std::string b = Chain("b", Manager(Rds("rb")));
  EXPECT_EQ(Listen({a, b}), "");
  Routes("ra");
  Routes("rb");
  ASSERT_EQ(listeners_.size(), 1u);
  EXPECT_TRUE(listeners_[0].kept.empty());

  // Another chain, whose routes have to come first.
  const std::string c = Chain("c", Manager(Rds("rc")));
  EXPECT_EQ(Listen({c, a}), "");
  EXPECT_EQ(listeners_.size(), 1u);
  EXPECT_EQ(store().warming_count(), 1u);
  Routes("rc");
  ASSERT_EQ(listeners_.size(), 2u);
  EXPECT_EQ(listeners_[1].kept, (std::vector<int32_t>{-1, 0}));
  EXPECT_EQ(ChainAt(1, 1), ChainAt(0, 0));
  EXPECT_NE(ChainAt(1, 0), ChainAt(0, 0));
  EXPECT_EQ(listeners_[1].config->connections, listeners_[0].config->connections);
  EXPECT_EQ(wanted_[xds::kRouteType], (std::set<std::string>{"ra", "rc"}));

  EXPECT_EQ(store().counts().in_place, 1u);
  EXPECT_EQ(store().counts().modified, 1u);
  EXPECT_EQ(store().draining_count(), 0u);
  EXPECT_EQ(store().draining_chain_count(), 1u);
  Pass(61 * base::kSecond);
  EXPECT_EQ(store().draining_chain_count(), 0u);
}

TEST_F(ListenerInPlaceTest, OtherChangesAreOfTheWhole) {
  const std::string a = Chain("a", Manager(R"("route_config": {"name": "r"})"));
  EXPECT_EQ(Listen({a}), "");
  EXPECT_EQ(Listen({a}, R"(, "per_connection_buffer_limit_bytes": 1000)"), "");
  ASSERT_EQ(listeners_.size(), 2u);
  EXPECT_TRUE(listeners_[1].kept.empty());
  EXPECT_NE(ChainAt(1, 0), ChainAt(0, 0));
  EXPECT_EQ(store().counts().in_place, 0u);
  EXPECT_EQ(store().draining_count(), 1u);
  EXPECT_EQ(store().draining_chain_count(), 0u);
}

TEST_F(ListenerInPlaceTest, WhatIsRefusedChangesNothing) {
  const std::string a = Chain("a", Manager(R"("route_config": {"name": "r"})"));
  EXPECT_EQ(Listen({a}), "");
  const std::string bad = absl::StrReplaceAll(a, {{"\"a\"", "\"again\""}});
  EXPECT_TRUE(absl::StrContains(Listen({a, bad}), "filter_chains[1].filter_chain_match"));
  EXPECT_EQ(listeners_.size(), 1u);
  EXPECT_EQ(store().counts().in_place, 0u);
  // What follows is judged by what is in force.
  EXPECT_EQ(Listen({a, Chain("b", Manager(R"("route_config": {"name": "q"})"))}), "");
  ASSERT_EQ(listeners_.size(), 2u);
  EXPECT_EQ(listeners_[1].kept, (std::vector<int32_t>{0, -1}));
}

// A cluster that is gone makes new routes wrong, not those that are in force.
TEST_F(ListenerInPlaceTest, RoutesInForceAreNotJudgedAgain) {
  const auto to = [](const std::string& cluster) {
    return absl::StrCat(
        R"("route_config": {"name": "r", "validate_clusters": true, "virtual_hosts": [{"name": )",
        R"("v", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": ")",
        cluster, R"("}}]}]})");
  };
  EXPECT_EQ(Apply<envoy::config::cluster::v3::Cluster>(
                "one", R"({"name": "one", "connect_timeout": "1s", "type": "STATIC"})"),
            "");
  const std::string a = Chain("a", Manager(to("one")));
  EXPECT_EQ(Listen({a}), "");
  xds::TypeUpdate gone{xds::kClusterType, "w", {}, {"one"}};
  EXPECT_TRUE(store_->Apply("", gone).empty());
  Pass(base::kSecond);
  Pass(60 * base::kSecond);
  EXPECT_EQ(Listen({a, Chain("b", Manager(R"("route_config": {"name": "q"})"))}), "");
  EXPECT_NE(Listen({a, Chain("b", Manager(to("one")))}), "");
}

TEST_F(ListenerInPlaceTest, SecretsOfChainsThatStayRotateWhereTheyStandNow) {
  const std::string routes = R"("route_config": {"name": "r"})";
  const std::string a = Chain("a", Manager(routes), SdsTls("sa"));
  EXPECT_EQ(Listen({a}), "");
  Secret("sa", "first.test");
  ASSERT_EQ(listeners_.size(), 1u);
  ASSERT_NE(listeners_[0].tls[0], nullptr);

  EXPECT_EQ(Listen({Chain("b", Manager(routes), SdsTls("sb")), a}), "");
  EXPECT_EQ(listeners_.size(), 1u) << "the new one waits for its secret";
  // Meanwhile the chain in force gets another certificate, where it stands.
  Secret("sa", "second.test");
  ASSERT_EQ(tls_.size(), 1u);
  EXPECT_EQ(tls_[0].socket, 0u);
  Secret("sb", "b.test");
  ASSERT_EQ(listeners_.size(), 2u);
  EXPECT_EQ(listeners_[1].kept, (std::vector<int32_t>{-1, 0}));
  EXPECT_NE(listeners_[1].tls[0], nullptr);
  EXPECT_EQ(tls_.size(), 1u) << "the context of a chain that stays is not made anew";
  size_t contexts = 0;
  store().ForEachContext([&contexts](const tls::Context&) { ++contexts; });
  EXPECT_EQ(contexts, 2u);

  Secret("sa", "third.test");
  ASSERT_EQ(tls_.size(), 2u);
  EXPECT_EQ(tls_[1].socket, 1u);
  EXPECT_EQ(wanted_[xds::kSecretType], (std::set<std::string>{"sa", "sb"}));
  EXPECT_EQ(Listen({a}), "");
  EXPECT_EQ(wanted_[xds::kSecretType], (std::set<std::string>{"sa"}));
  Secret("sa", "fourth.test");
  ASSERT_EQ(tls_.size(), 3u);
  EXPECT_EQ(tls_[2].socket, 0u);
}

// Both in one turn: the rotation is not lost, and comes behind the listener.
TEST_F(ListenerInPlaceTest, SecretAndUpdateAtOnce) {
  const std::string routes = R"("route_config": {"name": "r"})";
  const std::string a = Chain("a", Manager(routes), SdsTls("sa"));
  EXPECT_EQ(Listen({a}), "");
  Secret("sa", "first.test");
  const std::string both =
      Bytes<envoy::config::listener::v3::Listener>(Listener({Chain("b", Manager(routes)), a}));
  xds::TypeUpdate update{xds::kListenerType, "w", {}, {}};
  update.resources.push_back(
      {"l", "w", xds::kListenerType, std::make_shared<const std::string>(both)});
  EXPECT_TRUE(store_->Apply("", update).empty());
  EXPECT_EQ(listeners_.size(), 1u) << "not this turn";
  Secret("sa", "second.test");
  ASSERT_EQ(listeners_.size(), 2u);
  ASSERT_EQ(tls_.size(), 1u);
  EXPECT_EQ(tls_[0].socket, 1u);
}

TEST_F(ListenerInPlaceTest, DiscoveredFiltersOfChainsThatStay) {
  const std::string place = absl::StrCat(
      R"({"name": "buffer", "config_discovery": {"config_source": )", kAds,
      R"(, "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.buffer.v3.)",
      R"(Buffer"]}}, )");
  const auto send = [this](int bytes) {
    return Apply<envoy::config::core::v3::TypedExtensionConfig>(
        "buffer", absl::StrCat(R"({"name": "buffer", "typed_config": {"@type": "type.googleapis.)",
                               R"(com/envoy.extensions.filters.http.buffer.v3.Buffer", )",
                               R"("max_request_bytes": )", bytes, "}}"));
  };
  const std::string routes = R"("route_config": {"name": "r"})";
  const std::string a = Chain("a", Manager(routes, place));
  EXPECT_EQ(Listen({a}), "");
  EXPECT_EQ(send(100), "");
  ASSERT_EQ(listeners_.size(), 1u);
  EXPECT_EQ(Listen({Chain("b", Manager(routes)), a}), "");
  ASSERT_EQ(listeners_.size(), 2u);
  EXPECT_EQ(listeners_[1].kept, (std::vector<int32_t>{-1, 0}));
  EXPECT_TRUE(filters_.empty());
  EXPECT_EQ(send(200), "");
  ASSERT_EQ(filters_.size(), 1u);
  EXPECT_EQ(filters_[0].chain, 1u);
  EXPECT_EQ(Listen({Chain("b", Manager(routes))}), "");
  EXPECT_TRUE(wanted_[xds::kExtensionConfigType].empty());
}

TEST_F(ListenerInPlaceTest, ScopesOfChainsThatStay) {
  const std::string scoped = absl::StrCat(
      R"("scoped_routes": {"name": "areas", "scope_key_builder": {"fragments": [{)",
      R"("header_value_extractor": {"name": "x-area", "index": 0}}]}, "rds_config_source": )", kAds,
      R"(, "scoped_rds": {"scoped_rds_config_source": )", kAds, "}}");
  const auto scope = [this](const std::string& name, const std::string& key) {
    return Apply<envoy::config::route::v3::ScopedRouteConfiguration>(
        name, absl::StrCat(R"({"name": ")", name, R"(", "route_configuration_name": "r", "key": )",
                           R"({"fragments": [{"string_key": ")", key, R"("}]}})"));
  };
  const std::string a = Chain("a", Manager(scoped));
  EXPECT_EQ(Listen({a}), "");
  Routes("r");
  EXPECT_EQ(scope("north", "n"), "");
  Routes("r");
  Pass(31 * base::kSecond);
  ASSERT_EQ(listeners_.size(), 1u);
  EXPECT_EQ(Listen({Chain("b", Manager(R"("route_config": {"name": "q"})")), a}), "");
  ASSERT_EQ(listeners_.size(), 2u);
  EXPECT_EQ(listeners_[1].kept, (std::vector<int32_t>{-1, 0}));
  scopes_.clear();
  EXPECT_EQ(scope("south", "s"), "");
  Routes("r");
  ASSERT_EQ(scopes_.size(), 1u);
  EXPECT_EQ(scopes_[0].chain, 1u);
  EXPECT_TRUE(scopes_[0].scopes->Find("s").has_value() || scopes_[0].scopes->origins().size() == 2);
}

}  // namespace
}  // namespace proxenos::server
