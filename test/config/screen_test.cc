// The quick look at a resource: it passes what is right, and never what either walk would speak of.
#include "source/config/screen.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "google/protobuf/any.pb.h"
#include "gtest/gtest.h"
#include "source/config/constraints.h"
#include "source/config/fields.h"
#include "source/config/text.h"

namespace proxenos::config {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::listener::v3::Listener;
using envoy::config::route::v3::RouteConfiguration;
using google::protobuf::Message;

constexpr char kRoutes[] = R"(
name: table
internal_only_headers: [x-internal]
request_headers_to_add:
- {header: {key: x-a, value: "%REQ(b)%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
virtual_hosts:
- name: one
  domains: ["*", "b.test"]
  retry_policy: {retry_on: 5xx, num_retries: 3, per_try_timeout: 1s}
  routes:
  - match: {prefix: /a, headers: [{name: a, string_match: {exact: b}}]}
    route:
      weighted_clusters: {clusters: [{name: c, weight: 1}, {name: d, weight: 99}]}
      timeout: 1.5s
      hash_policy: [{header: {header_name: a}}]
  - match: {safe_regex: {regex: "/b.*"}}
    metadata: {filter_metadata: {space: {key: [1, true, {deep: null}, text]}}}
    redirect: {host_redirect: c.test, response_code: FOUND}
  - match: {path: /c, runtime_fraction: {default_value: {numerator: 3}}}
    direct_response: {status: 404, body: {inline_string: none}}
    typed_per_filter_config:
      envoy.filters.http.cors:
        "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy
        allow_origin_string_match: [{prefix: a}]
)";

constexpr char kCluster[] = R"(
name: a
connect_timeout: 0.25s
type: STRICT_DNS
lb_policy: LEAST_REQUEST
circuit_breakers: {thresholds: [{priority: HIGH, max_connections: 5, retry_budget: {}}]}
health_checks:
- {timeout: 1s, interval: 5s, unhealthy_threshold: 2, healthy_threshold: 1,
   http_health_check: {path: /, expected_statuses: [{start: 200, end: 300}]}}
outlier_detection: {consecutive_5xx: 7, max_ejection_percent: 30}
common_lb_config: {healthy_panic_threshold: {value: 12.5}}
load_assignment:
  cluster_name: a
  endpoints:
  - locality: {zone: z}
    priority: 1
    lb_endpoints:
    - endpoint: {address: {socket_address: {address: a.test, port_value: 80}}}
      load_balancing_weight: 3
)";

constexpr char kListener[] = R"(
name: a
address: {socket_address: {address: 127.0.0.1, port_value: 0}}
filter_chains:
- filter_chain_match: {prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}
  filters:
  - name: hcm
    typed_config:
      "@type": "type.googleapis.com/envoy.extensions.filters.network.\
        http_connection_manager.v3.HttpConnectionManager"
      stat_prefix: a
      rds: {route_config_name: r, config_source: {ads: {}, resource_api_version: V3}}
      stream_idle_timeout: 300s
      http_filters:
      - name: router
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
)";

constexpr char kEndpoints[] =
    "{cluster_name: a, endpoints: [{lb_endpoints: [{health_status: DRAINING, endpoint: {address: "
    "{socket_address: {address: 127.0.0.1, port_value: 65535}}}}]}], policy: "
    "{drop_overloads: [{category: c, drop_percentage: {numerator: 5}}]}}";

template <typename T>
T Parse(std::string_view yaml) {
  T message;
  Errors errors;
  ParseYaml(yaml, message, errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return message;
}

// Whether both walks have nothing to say.
bool WalksAreSilent(const Message& message) {
  Errors errors;
  IgnoredFields ignored;
  CheckConstraints(message, errors);
  CheckFields(message, errors, ignored, Path(), UnknownFields::kIgnore);
  return errors.ok() && ignored.count() == 0;
}

bool Passes(const Message& message) {
  return SurelyFine(*message.GetDescriptor(), message.SerializeAsString());
}

// Passes, and it is right that it does.
template <typename T>
void ExpectFine(std::string_view yaml) {
  const T message = Parse<T>(yaml);
  EXPECT_TRUE(WalksAreSilent(message)) << yaml;
  EXPECT_TRUE(Passes(message)) << yaml;
}

// Does not, and the walks say why.
template <typename T>
void ExpectWrong(std::string_view yaml) {
  const T message = Parse<T>(yaml);
  EXPECT_FALSE(WalksAreSilent(message)) << yaml;
  EXPECT_FALSE(Passes(message)) << yaml;
}

TEST(ScreenTest, WhatIsRightPasses) {
  ExpectFine<RouteConfiguration>(kRoutes);
  ExpectFine<Cluster>(kCluster);
  ExpectFine<Listener>(kListener);
  ExpectFine<ClusterLoadAssignment>(kEndpoints);
}

TEST(ScreenTest, WhatIsMissingOrOutOfBoundsDoesNot) {
  ExpectWrong<Cluster>("{}");  // A name of no character.
  ExpectWrong<Cluster>("{name: a, connect_timeout: 0s}");
  ExpectWrong<Cluster>("{name: a, common_lb_config: {healthy_panic_threshold: {value: 101}}}");
  ExpectWrong<Cluster>("{name: a, health_checks: [{interval: 1s}]}");
  ExpectWrong<ClusterLoadAssignment>("{endpoints: []}");
  ExpectWrong<ClusterLoadAssignment>("{cluster_name: a, endpoints: [{priority: 129}]}");
  ExpectWrong<ClusterLoadAssignment>(
      "{cluster_name: a, endpoints: [{lb_endpoints: [{load_balancing_weight: 0}]}]}");
  ExpectWrong<RouteConfiguration>("{virtual_hosts: [{name: a, domains: []}]}");
  ExpectWrong<RouteConfiguration>("{virtual_hosts: [{name: a, domains: ['*'], routes: [{}]}]}");
  ExpectWrong<RouteConfiguration>(
      "{virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {}, route: {cluster: a}}]}]}");
  ExpectWrong<RouteConfiguration>("{internal_only_headers: [\"a\\nb\"]}");
}

TEST(ScreenTest, WhatIsRefusedOrLeftAsideDoesNot) {
  ExpectWrong<Cluster>("{name: a, stats_matcher: {reject_all: true}}");
  ExpectWrong<RouteConfiguration>(
      "{virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /}, filter_action: "
      "{}}]}]}");
}

Listener WithConfig(const google::protobuf::Any& any) {
  Listener listener;
  *listener.add_filter_chains()->add_filters()->mutable_typed_config() = any;
  listener.mutable_filter_chains(0)->mutable_filters(0)->set_name("a");
  return listener;
}

TEST(ScreenTest, WhatIsInAnAnyIsLookedAtToo) {
  Listener listener = Parse<Listener>(kListener);
  google::protobuf::Any any = listener.filter_chains(0).filters(0).typed_config();
  EXPECT_TRUE(Passes(WithConfig(any)));
  const std::string whole = any.value();
  for (size_t cut = 1; cut < whole.size(); ++cut) {
    any.set_value(whole.substr(0, cut));
    EXPECT_FALSE(Passes(WithConfig(any)) && !WalksAreSilent(WithConfig(any))) << cut;
  }
  any.set_value(whole + "\x12\x01\xff");  // stat_prefix, which is no UTF-8.
  EXPECT_FALSE(Passes(WithConfig(any)));
  any.set_value(whole);
  any.set_type_url("type.googleapis.com/envoy.none");
  EXPECT_FALSE(Passes(WithConfig(any)));
}

TEST(ScreenTest, AFieldTwiceOrUnknownDoesNot) {
  const Cluster cluster = Parse<Cluster>(kCluster);
  const std::string bytes = cluster.SerializeAsString();
  EXPECT_TRUE(SurelyFine(*Cluster::descriptor(), bytes));
  EXPECT_FALSE(SurelyFine(*Cluster::descriptor(), bytes + bytes));
  EXPECT_FALSE(SurelyFine(*Cluster::descriptor(), bytes + "\xf8\x3f\x01"));  // Number 1023.
  EXPECT_FALSE(SurelyFine(*Cluster::descriptor(), bytes.substr(0, bytes.size() - 1)));
}

// Bytes of which some have been changed, taken out or doubled.
std::string Mutated(std::string bytes, std::mt19937& random) {
  for (unsigned turns = 1 + random() % 3; turns > 0; --turns) {
    const size_t at = random() % bytes.size();
    const size_t size = std::min<size_t>(1 + random() % 8, bytes.size() - at);
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, size));
        break;
      default:
        if (size < bytes.size()) bytes.erase(at, size);
    }
  }
  return bytes;
}

TEST(ScreenTest, NothingPassesThatAWalkWouldSpeakOf) {
  const std::vector<std::shared_ptr<Message>> seeds = {
      std::make_shared<RouteConfiguration>(Parse<RouteConfiguration>(kRoutes)),
      std::make_shared<Cluster>(Parse<Cluster>(kCluster)),
      std::make_shared<Listener>(Parse<Listener>(kListener)),
      std::make_shared<ClusterLoadAssignment>(Parse<ClusterLoadAssignment>(kEndpoints))};
  std::mt19937 random(1);
  size_t passed = 0;
  size_t spoken_of = 0;
  for (int i = 0; i < 20000; ++i) {
    const Message& seed = *seeds[random() % seeds.size()];
    const std::string bytes = Mutated(seed.SerializeAsString(), random);
    const std::unique_ptr<Message> message(seed.New());
    if (!message->ParseFromString(bytes)) continue;
    const bool silent = WalksAreSilent(*message);
    const bool passes = SurelyFine(*seed.GetDescriptor(), bytes);
    ASSERT_TRUE(silent || !passes) << message->ShortDebugString();
    passed += passes;
    spoken_of += !silent;
  }
  EXPECT_GT(passed, 100u);
  EXPECT_GT(spoken_of, 100u);
}

}  // namespace
}  // namespace proxenos::config
