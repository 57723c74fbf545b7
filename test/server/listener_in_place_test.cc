// Updates of a listener's filter chains with the real compilers: which chains are compiled anew,
// and what those that stay go on with.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "test/server/listener_in_place_fixture.h"

namespace proxenos::server {
namespace {

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

// The sockets of what warms may be of another address: going on with those in force again, as in
// going on with all of it, is a change of the whole.
TEST_F(ListenerInPlaceTest, WhatFollowsAMoveThatStillWarmsIsOfTheWhole) {
  const std::string a = Chain("a", Manager(R"("route_config": {"name": "r"})"));
  const std::string b = Chain("b", Manager(R"("route_config": {"name": "q"})"));
  EXPECT_EQ(Listen({a}), "");
  const std::string moved = absl::StrReplaceAll(Listener({a, Chain("c", Manager(Rds("rc")))}),
                                                {{R"("port_value": 80)", R"("port_value": 81)"}});
  EXPECT_EQ(Apply<envoy::config::listener::v3::Listener>("l", moved), "");
  ASSERT_EQ(listeners_.size(), 1u);
  ASSERT_EQ(store().warming_count(), 1u);
  EXPECT_EQ(Listen({a, b}), "");
  ASSERT_EQ(listeners_.size(), 2u);
  EXPECT_TRUE(listeners_[1].kept.empty());
  EXPECT_EQ(store().counts().in_place, 0u);
  EXPECT_EQ(store().draining_count(), 1u);
  // With that in force, chains change by themselves again.
  EXPECT_EQ(Listen({b}), "");
  ASSERT_EQ(listeners_.size(), 3u);
  EXPECT_EQ(listeners_[2].kept, (std::vector<int32_t>{1}));
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
