// Clusters and assignments from YAML, as a user or a control plane writes them. What is accepted
// and refused was compared with Envoy 1.40 (--mode validate); where this differs a comment says so.
#include "source/upstream/cluster_config.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/route/hash_policy.h"
#include "source/upstream/dns_config.h"
#include "source/upstream/host_tlvs.h"

namespace proxenos::upstream {
namespace {

struct Compiled {
  std::shared_ptr<const ClusterConfig> config;
  std::string errors;  // One "path: message" a line.
};

std::string Lines(const config::Errors& errors) {
  std::string lines;
  for (const config::Error& error : errors.list()) lines += error.ToString() + "\n";
  return lines;
}

Compiled Compile(const std::string& yaml) {
  envoy::config::cluster::v3::Cluster proto;
  config::Errors errors;
  config::ParseYaml("name: c\n" + yaml, proto, errors);
  EXPECT_TRUE(errors.ok()) << Lines(errors);
  Compiled result;
  result.config = CompileCluster(proto, errors, config::Path("clusters[0]"));
  result.errors = Lines(errors);
  EXPECT_EQ(result.config == nullptr, !errors.ok());
  return result;
}

std::shared_ptr<const ClusterConfig> Good(const std::string& yaml) {
  const Compiled result = Compile(yaml);
  EXPECT_EQ(result.errors, "");
  return result.config == nullptr ? std::make_shared<const ClusterConfig>() : result.config;
}

void ExpectError(const std::string& yaml, const std::string& part) {
  const Compiled result = Compile(yaml);
  EXPECT_NE(result.errors.find(part), std::string::npos) << "got: " << result.errors;
}

// One endpoint as flow YAML.
std::string Ep(const std::string& address, int port = 80) {
  return "{endpoint: {address: {socket_address: {address: '" + address +
         "', port_value: " + std::to_string(port) + "}}}}";
}

std::string Load(const std::string& endpoints) {
  return "load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [" + endpoints + "]}]}\n";
}

TEST(ClusterConfigTest, DefaultsAreEnvoys) {
  const auto config = Good("type: STATIC\n");
  EXPECT_EQ(config->name, "c");
  EXPECT_EQ(config->stat_name(), "c");
  EXPECT_EQ(config->discovery, DiscoveryKind::kStatic);
  EXPECT_EQ(config->lb_policy, LbPolicy::kRoundRobin);
  EXPECT_EQ(config->connect_timeout, 5 * base::kSecond);
  EXPECT_EQ(config->idle_timeout, 3600 * base::kSecond);
  EXPECT_EQ(config->connection_buffer_bytes, 1024u * 1024);
  EXPECT_EQ(config->max_requests_per_connection, 0u);
  EXPECT_EQ(config->panic_threshold_percent, 50);
  for (const Thresholds& thresholds : *config->thresholds) {
    EXPECT_EQ(thresholds.max_connections, 1024u);
    EXPECT_EQ(thresholds.max_pending_requests, 1024u);
    EXPECT_EQ(thresholds.max_requests, 1024u);
    EXPECT_EQ(thresholds.max_retries, 3u);
  }
  EXPECT_FALSE(config->keepalive.enabled);
  EXPECT_TRUE(config->connecting->sources.empty());
  EXPECT_TRUE(config->wait_for_warm_on_init);
  ASSERT_NE(config->assignment, nullptr);
  EXPECT_TRUE(config->assignment->localities.empty());
  EXPECT_EQ(config->assignment->overprovisioning_percent, 140u);
}

TEST(ClusterConfigTest, TheProtocolOfAnEndpointIsThatOfWhoeverSpeaksToIt) {
  for (const char* protocol : {"UDP", "TCP"}) {
    const auto config = Good(absl::StrCat(
        "type: STATIC\n", Load(absl::StrCat("{endpoint: {address: {socket_address: {protocol: ",
                                            protocol, ", address: 1.2.3.4, port_value: 1}}}}"))));
    ASSERT_EQ(config->assignment->localities.size(), 1u);
    EXPECT_EQ(config->assignment->localities[0].endpoints.at(0).address.ToString(), "1.2.3.4:1");
  }
}

TEST(ClusterConfigTest, ConnectionsAndThresholds) {
  const auto config = Good(R"(
alt_stat_name: alias
connect_timeout: 0.25s
per_connection_buffer_limit_bytes: 32768
wait_for_warm_on_init: false
circuit_breakers:
  thresholds:
  - {priority: HIGH, max_connections: 1, max_retries: 2}
  - {max_pending_requests: 3, max_requests: 4, track_remaining: true}
  - {max_requests: 99}
upstream_connection_options:
  tcp_keepalive: {keepalive_probes: 2, keepalive_time: 3, keepalive_interval: 4}
upstream_bind_config: {source_address: {address: 127.0.0.9, port_value: 0}}
transport_socket:
  name: envoy.transport_sockets.raw_buffer
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer
)");
  EXPECT_EQ(config->stat_name(), "alias");
  EXPECT_EQ(config->connect_timeout, 250 * base::kMillisecond);
  EXPECT_EQ(config->connection_buffer_bytes, 32768u);
  EXPECT_FALSE(config->wait_for_warm_on_init);
  EXPECT_EQ((*config->thresholds)[1].max_connections, 1u);
  EXPECT_EQ((*config->thresholds)[1].max_retries, 2u);
  EXPECT_EQ((*config->thresholds)[1].max_requests, 1024u);
  EXPECT_EQ((*config->thresholds)[0].max_connections, 1024u);
  EXPECT_EQ((*config->thresholds)[0].max_pending_requests, 3u);
  EXPECT_EQ((*config->thresholds)[0].max_requests,
            4u);  // Of two for one priority the first counts.
  EXPECT_TRUE((*config->thresholds)[0].track_remaining);
  EXPECT_TRUE(config->keepalive.enabled);
  EXPECT_EQ(config->keepalive.probes, 2u);
  EXPECT_EQ(config->keepalive.time_s, 3u);
  EXPECT_EQ(config->keepalive.interval_s, 4u);
  ASSERT_EQ(config->connecting->sources.size(), 1u);
  EXPECT_EQ(config->connecting->sources[0].address.ToString(), "127.0.0.9:0");
}

// HttpProtocolOptions as the cluster's typed extension.
std::string HttpOptions(const std::string& fields) {
  const std::string name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return "typed_extension_protocol_options:\n  " + name + ":\n    \"@type\": type.googleapis.com/" +
         name + "\n    " + fields + "\n";
}

TEST(ClusterConfigTest, HashPolicies) {
  EXPECT_EQ(Good(HttpOptions("explicit_http_config: {http_protocol_options: {}}"))->hash_policies,
            nullptr);
  const auto config =
      Good(HttpOptions("explicit_http_config: {http_protocol_options: {}}\n    "
                       "hash_policy: [{header: {header_name: X-User}, terminal: true}]"));
  ASSERT_NE(config->hash_policies, nullptr);
  ASSERT_EQ(config->hash_policies->size(), 1u);
  EXPECT_EQ(config->hash_policies->front().field.name(), "x-user");
  EXPECT_TRUE(config->hash_policies->front().terminal);
}

TEST(ClusterConfigTest, HttpProtocolOptions) {
  const auto config =
      Good("max_requests_per_connection: 7\n" +
           HttpOptions("explicit_http_config: {http_protocol_options: {}}\n    "
                       "common_http_protocol_options: {idle_timeout: 60s, "
                       "max_connection_duration: 90s, max_requests_per_connection: 11, "
                       "max_headers_count: 40, max_response_headers_kb: 12}"));
  EXPECT_EQ(config->protocol, HttpProtocol::kHttp1);
  EXPECT_EQ(config->http2->options.max_headers, 40u);
  EXPECT_EQ(config->http2->options.max_head_bytes, 12u * 1024);
  EXPECT_EQ(config->idle_timeout, 60 * base::kSecond);
  EXPECT_EQ(config->max_connection_duration, 90 * base::kSecond);
  EXPECT_EQ(config->max_requests_per_connection, 11u);
  EXPECT_EQ(config->max_response_headers, 40u);
  EXPECT_EQ(config->max_response_head_bytes, 12u * 1024);
}

TEST(ClusterConfigTest, BalancingAndEndpoints) {
  const auto config = Good(R"(
lb_policy: LEAST_REQUEST
least_request_lb_config: {choice_count: 5}
common_lb_config:
  healthy_panic_threshold: {value: 33.6}
  locality_weighted_lb_config: {}
load_assignment:
  cluster_name: c
  policy: {overprovisioning_factor: 150}
  endpoints:
  - locality: {region: r, zone: z, sub_zone: s}
    load_balancing_weight: 3
    priority: 1
    lb_endpoints:
    - endpoint:
        address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
        hostname: one
      load_balancing_weight: 9
      health_status: DEGRADED
    - endpoint: {address: {pipe: {path: /run/x.sock}}}
      health_status: DRAINING
)");
  EXPECT_EQ(config->lb_policy, LbPolicy::kLeastRequest);
  EXPECT_EQ(config->least_request.choices, 5u);
  EXPECT_EQ(config->panic_threshold_percent, 34);
  EXPECT_TRUE(config->locality_weighted);
  EXPECT_EQ(config->assignment->overprovisioning_percent, 150u);
  ASSERT_EQ(config->assignment->localities.size(), 1u);
  const LocalityEndpoints& locality = config->assignment->localities[0];
  EXPECT_EQ(locality.locality, (Locality{"r", "z", "s"}));
  EXPECT_EQ(locality.weight, 3u);
  EXPECT_EQ(locality.priority, 1u);
  ASSERT_EQ(locality.endpoints.size(), 2u);
  EXPECT_EQ(locality.endpoints[0].address.ToString(), "127.0.0.1:8080");
  EXPECT_EQ(locality.endpoints[0].hostname, "one");
  EXPECT_EQ(locality.endpoints[0].weight, 9u);
  EXPECT_EQ(locality.endpoints[0].health, EndpointHealth::kDegraded);
  EXPECT_EQ(locality.endpoints[1].address.ToString(), "/run/x.sock");
  EXPECT_EQ(locality.endpoints[1].weight, 1u);
  EXPECT_EQ(locality.endpoints[1].health, EndpointHealth::kDraining);
}

TEST(ClusterConfigTest, DeprecatedProtocolFieldsCountUntilReplaced) {
  const std::string deprecated =
      "http2_protocol_options: {}\ncommon_http_protocol_options: {idle_timeout: 0s}\n";
  const auto old = Good(deprecated);
  EXPECT_EQ(old->protocol, HttpProtocol::kHttp2);
  EXPECT_EQ(old->idle_timeout, 0);
  const auto replaced = Good(deprecated + HttpOptions("use_downstream_protocol_config: {}"));
  EXPECT_EQ(replaced->protocol, HttpProtocol::kDownstream);
  EXPECT_EQ(replaced->idle_timeout, 3600 * base::kSecond);
  EXPECT_EQ(Good("protocol_selection: USE_DOWNSTREAM_PROTOCOL\n")->protocol,
            HttpProtocol::kDownstream);
}

TEST(ClusterConfigTest, Http2Options) {
  const auto plain = Good(HttpOptions("explicit_http_config: {http2_protocol_options: {}}"));
  EXPECT_EQ(plain->protocol, HttpProtocol::kHttp2);
  EXPECT_EQ(plain->http2->options.max_concurrent_streams, 1024u);
  EXPECT_EQ(plain->http2->keepalive.interval, 0);
  const auto config = Good(HttpOptions(
      "explicit_http_config: {http2_protocol_options: {max_concurrent_streams: 7, "
      "initial_stream_window_size: 70000, connection_keepalive: {interval: 30s, timeout: 5s}}}\n"
      "    upstream_http_protocol_options: {auto_sni: true, auto_san_validation: true, "
      "override_auto_sni_header: X-Name}"));
  EXPECT_EQ(config->http2->options.max_concurrent_streams, 7u);
  EXPECT_EQ(config->http2->options.initial_stream_window, 70000u);
  EXPECT_EQ(config->http2->keepalive.interval, 30 * base::kSecond);
  EXPECT_EQ(config->http2->keepalive.timeout, 5 * base::kSecond);
  EXPECT_TRUE(config->auto_sni);
  EXPECT_TRUE(config->auto_san_validation);
  EXPECT_EQ(config->auto_sni_header, "x-name");
  EXPECT_TRUE(config->ConnectionsVary());
  EXPECT_FALSE(plain->ConnectionsVary());
  ExpectError(HttpOptions("explicit_http_config: {http3_protocol_options: {}}"),
              "explicit_http_config.http3_protocol_options: HTTP/3 is not implemented");
  ExpectError(HttpOptions("auto_config: {}"), "clusters[0].transport_socket: TLS is required");
}

constexpr char kTlsSocket[] =
    "{name: t, typed_config: {\"@type\": type.googleapis.com/"
    "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: a.example}}";
constexpr char kRawSocket[] =
    "{name: r, typed_config: {\"@type\": type.googleapis.com/"
    "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}";

std::string ProxySocket(const std::string& version, const std::string& inner) {
  return "{name: p, typed_config: {\"@type\": type.googleapis.com/"
         "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport, "
         "config: {version: " +
         version + "}, transport_socket: " + inner + "}}";
}

TEST(ClusterConfigTest, TransportSockets) {
  EXPECT_EQ(Good("")->transport_socket.tls, TransportSocket::kPlaintext);
  const auto tls = Good(std::string("transport_socket: ") + kTlsSocket + "\n");
  ASSERT_EQ(tls->tls.size(), 1u);
  EXPECT_EQ(tls->transport_socket.tls, 0u);
  EXPECT_EQ(tls->tls[0]->options.sni, "a.example");
  EXPECT_FALSE(tls->ConnectionsVary());
  const auto both = Good("transport_socket: " + ProxySocket("V2", kTlsSocket) + "\n");
  EXPECT_EQ(both->transport_socket.tls, 0u);
  EXPECT_EQ(both->transport_socket.proxy_header, ProxyHeader::kV2);
  EXPECT_TRUE(both->ConnectionsVary());
  EXPECT_EQ(Good("transport_socket: " + ProxySocket("V1", kRawSocket) + "\n")
                ->transport_socket.proxy_header,
            ProxyHeader::kV1);
  EXPECT_EQ(
      Good(std::string("transport_socket: ") + kTlsSocket + "\n" + HttpOptions("auto_config: {}"))
          ->protocol,
      HttpProtocol::kAuto);
}

// What was meant to be TLS must not be plain text.
TEST(ClusterConfigTest, TransportSocketsWithoutATypeAreRefused) {
  const std::string named = "{name: envoy.transport_sockets.tls}";
  ExpectError("transport_socket: " + named + "\n",
              "clusters[0].transport_socket.typed_config: value without a type");
  ExpectError("transport_socket: " + ProxySocket("V2", named) + "\n",
              "transport_socket.typed_config.transport_socket.typed_config: value without a type");
  ExpectError("transport_socket_matches: [{name: m, match: {}, transport_socket: " + named + "}]\n",
              "transport_socket_matches[0].transport_socket.typed_config: value without a type");
  const auto plain = Good("transport_socket: {name: envoy.transport_sockets.raw_buffer}\n");
  EXPECT_EQ(plain->transport_socket.tls, TransportSocket::kPlaintext);
}

TEST(ClusterConfigTest, TlvsOfProxyHeaders) {
  EXPECT_EQ(Good("transport_socket: " + ProxySocket("V2", kRawSocket) + "\n")
                ->transport_socket.proxy_tlvs,
            nullptr);
  const auto config =
      Good("transport_socket: " +
           ProxySocket("V2, pass_through_tlvs: {match_type: INCLUDE, tlv_type: [2, 234]}, "
                       "added_tlvs: [{type: 5, value: aGk=}]",
                       kRawSocket) +
           "\n");
  ASSERT_NE(config->transport_socket.proxy_tlvs, nullptr);
  EXPECT_EQ(config->transport_socket.proxy_tlvs->passes.count(), 2u);
  EXPECT_EQ(config->transport_socket.proxy_tlvs->added, (net::ProxyTlvs{{5, "hi"}}));
  EXPECT_TRUE(config->PassesProxyTlvs());
  ExpectError("transport_socket: " + ProxySocket("V1, pass_through_tlvs: {}", kRawSocket) + "\n",
              "expected V2");
  ExpectError("transport_socket: " +
                  ProxySocket("V2, added_tlvs: [{type: 5, value: " + std::string(80000, 'A') + "}]",
                              kRawSocket) +
                  "\n",
              "longer than");
}

// Formats of TLVs, as far as they can be known beforehand.
TEST(ClusterConfigTest, FormatsOfTlvs) {
  setenv("PROXENOS_TLV_TEST", "zone-a", 1);
  const auto added = [](const std::string& entry) {
    return "transport_socket: " + ProxySocket("V2, added_tlvs: [" + entry + "]", kRawSocket) + "\n";
  };
  const auto format = [&](const std::string& text) {
    return added("{type: 224, format_string: {text_format_source: {inline_string: \"" + text +
                 "\"}}}");
  };
  const auto value = [&](const std::string& text) {
    return Good(format(text))->transport_socket.proxy_tlvs->added;
  };
  EXPECT_EQ(value("100%% %ENVIRONMENT(PROXENOS_TLV_TEST)%!"),
            (net::ProxyTlvs{{224, "100% zone-a!"}}));
  EXPECT_EQ(value("%ENVIRONMENT(PROXENOS_NOT_SET)%"), (net::ProxyTlvs{{224, "-"}}));
  char host[256] = {};
  ASSERT_EQ(gethostname(host, sizeof(host) - 1), 0);
  EXPECT_EQ(value("%HOSTNAME%"), (net::ProxyTlvs{{224, host}}));
  EXPECT_TRUE(value("").empty());
  EXPECT_EQ(
      Good(added("{type: 1, format_string: {text_format: x}}"))->transport_socket.proxy_tlvs->added,
      (net::ProxyTlvs{{1, "x"}}));
  EXPECT_TRUE(Good(added("{type: 1, format_string: {omit_empty_values: true, text_format: "
                         "\"%ENVIRONMENT(PROXENOS_NOT_SET)%\"}}"))
                  ->transport_socket.proxy_tlvs->added.empty());
  ExpectError(format("%DOWNSTREAM_REMOTE_ADDRESS%"), "nothing else is known");
  ExpectError(format("%HOSTNAME"),
              "value %HOSTNAME: expected %HOSTNAME%, %ENVIRONMENT(X)% or text");
  ExpectError(added("{type: 1, value: aGk=, format_string: {text_format: x}}"), "expected either");
  ExpectError(added("{type: 1, format_string: {json_format: {}}}"), "text_format_source alone");
}

std::string HostWithTlvs(const std::string& entries, const std::string& more = "") {
  return R"(
load_assignment:
  cluster_name: c
  endpoints:
  - metadata: {filter_metadata: {envoy.transport_socket_match: {zone: a}}}
    lb_endpoints:
    - endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 1}}}
      metadata:
        typed_filter_metadata:
          envoy.transport_sockets.proxy_protocol:
            "@type": type.googleapis.com/envoy.config.core.v3.PerHostConfig
            added_tlvs: [)" +
         entries + "]\n" + more;
}

TEST(ClusterConfigTest, TlvsOfHostsOwn) {
  const auto match = [](const std::string& text) {
    return Good(text)->assignment->localities[0].endpoints[0].transport_match;
  };
  const FlatStruct host = match(HostWithTlvs("{type: 5, value: aGk=}, {type: 6}"));
  EXPECT_EQ(HostTlvs(host), (net::ProxyTlvs{{5, "hi"}, {6, ""}}));
  EXPECT_EQ(TextOf(host, "zone"), "a") << "what the locality says";
  const FlatStruct both =
      match(HostWithTlvs("{type: 5, value: aGk=}",
                         "        filter_metadata: {envoy.transport_socket_match: {zone: b}}\n"));
  EXPECT_EQ(HostTlvs(both), (net::ProxyTlvs{{5, "hi"}}));
  EXPECT_EQ(TextOf(both, "zone"), "b");
  EXPECT_NE(host, match(HostWithTlvs("{type: 5, value: aGo=}, {type: 6}")));
  ExpectError(HostWithTlvs("{type: 1, format_string: {text_format: x}}"),
              "nothing fills formats in");
  ExpectError(HostWithTlvs("{type: 256}"), "a number up to 255");
  ExpectError(HostWithTlvs("{type: 5, value: " + std::string(8000, 'A') + "}"), "longer than 4096");
}

TEST(ClusterConfigTest, TransportSocketsByMetadata) {
  const auto config =
      Good(std::string("transport_socket_matches:\n- {name: tls, match: {tls: true, "
                       "zone: a}, transport_socket: ") +
           kTlsSocket + "}\n- {name: rest, transport_socket: " + kRawSocket + "}\n" + R"(
load_assignment:
  cluster_name: c
  endpoints:
  - metadata: {filter_metadata: {envoy.transport_socket_match: {zone: a, tls: true}}}
    lb_endpoints:
    - {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 1}}}}
    - endpoint: {address: {socket_address: {address: 10.0.0.2, port_value: 1}}}
      metadata: {filter_metadata: {envoy.transport_socket_match: {zone: a, tls: "true"}}}
)");
  const auto socket_of = [&](size_t i) {
    return config->SocketOf(config->assignment->localities[0].endpoints[i].transport_match);
  };
  EXPECT_EQ(socket_of(0).tls, 0u) << "what the locality says";
  EXPECT_EQ(socket_of(1).tls, TransportSocket::kPlaintext) << "a text is no boolean";
}

// A message of envoy.extensions as flow YAML.
std::string Typed(const std::string& type, const std::string& fields) {
  return "{\"@type\": type.googleapis.com/envoy.extensions." + type + fields + "}";
}

TEST(ClusterConfigTest, LoadBalancingPolicyTakesTheFirstThatIsKnown) {
  const std::string newer =
      Typed("load_balancing_policies.load_aware_locality.v3.LoadAwareLocality", "");
  const std::string known =
      Typed("load_balancing_policies.least_request.v3.LeastRequest",
            ", choice_count: 4, locality_lb_config: {locality_weighted_lb_config: {}}");
  const auto config = Good(
      "lb_policy: RANDOM\nload_balancing_policy: {policies: ["
      "{typed_extension_config: {name: newer, typed_config: " +
      newer + "}}, {typed_extension_config: {name: known, typed_config: " + known + "}}]}\n");
  EXPECT_EQ(config->lb_policy, LbPolicy::kLeastRequest);
  EXPECT_EQ(config->least_request.choices, 4u);
  EXPECT_TRUE(config->locality_weighted);
  ExpectError("load_balancing_policy: {policies: []}\n",
              "clusters[0].load_balancing_policy.policies: expected at least one of RoundRobin");
}

std::string Policy(const std::string& typed) {
  return "{policies: [{typed_extension_config: {name: p, typed_config: " + typed + "}}]}";
}

TEST(ClusterConfigTest, LeastRequestOfAllHostsAndWithABias) {
  const auto config =
      Good("load_balancing_policy: " +
           Policy(Typed("load_balancing_policies.least_request.v3.LeastRequest",
                        ", choice_count: 4, selection_method: FULL_SCAN, "
                        "active_request_bias: {default_value: 1.5, runtime_key: bias}")) +
           "\n");
  EXPECT_EQ(config->least_request, (LeastRequestOptions{0, 1.5f}));
  EXPECT_EQ(Good("lb_policy: LEAST_REQUEST\n")->least_request, (LeastRequestOptions{2, 1}));
  ExpectError(
      "lb_policy: LEAST_REQUEST\n"
      "least_request_lb_config: {active_request_bias: {default_value: -1, runtime_key: bias}}\n",
      "clusters[0].least_request_lb_config.active_request_bias: ");
}

TEST(ClusterConfigTest, TheDefaultLocalAddressSelector) {
  const auto selector = [](const std::string& type) {
    return "upstream_bind_config: {source_address: {address: 127.0.0.2, port_value: 0}, "
           "local_address_selector: {name: s, typed_config: {'@type': "
           "type.googleapis.com/envoy.config.upstream.local_address_selector.v3." +
           type + "}}}\n";
  };
  EXPECT_EQ(Good(selector("DefaultLocalAddressSelector"))->connecting->sources.size(), 1u);
}

TEST(ClusterConfigTest, HashingPolicies) {
  const auto ring = Good(
      "lb_policy: ring_hash\nring_hash_lb_config: {minimum_ring_size: 7, "
      "hash_function: MURMUR_HASH_2}\n");
  EXPECT_EQ(ring->lb_policy, LbPolicy::kRingHash);
  EXPECT_EQ(ring->hashing->min_ring_size, 7u);
  EXPECT_EQ(ring->hashing->max_ring_size, 8u * 1024 * 1024);
  EXPECT_EQ(ring->hashing->function, HashOptions::Function::kMurmur2);
  const auto maglev = Good(
      "load_balancing_policy: " +
      Policy(Typed("load_balancing_policies.maglev.v3.Maglev",
                   ", table_size: 101, consistent_hashing_lb_config: {use_hostname_for_hashing: "
                   "true}")) +
      "\n");
  EXPECT_EQ(maglev->lb_policy, LbPolicy::kMaglev);
  EXPECT_FALSE(maglev->hashing->ring);
  EXPECT_EQ(maglev->hashing->table_size, 101u);
  EXPECT_TRUE(maglev->hashing->use_hostname);
  const auto wrr =
      Good("load_balancing_policy: " +
           Policy(Typed("load_balancing_policies.wrr_locality.v3.WrrLocality",
                        ", endpoint_picking_policy: " +
                            Policy(Typed("load_balancing_policies.random.v3.Random", "")))) +
           "\n");
  EXPECT_EQ(wrr->lb_policy, LbPolicy::kRandom);
  EXPECT_TRUE(wrr->locality_weighted);
}

TEST(ClusterConfigTest, OriginalDst) {
  const auto config = Good(
      "type: ORIGINAL_DST\nlb_policy: CLUSTER_PROVIDED\ncleanup_interval: 7s\n"
      "original_dst_lb_config: {use_http_header: true, upstream_port_override: 99}\n");
  ASSERT_NE(config->original_dst, nullptr);
  EXPECT_EQ(config->original_dst->header, "x-envoy-original-dst-host");
  EXPECT_EQ(config->original_dst->port_override, 99);
  EXPECT_EQ(config->original_dst->cleanup_interval, 7 * base::kSecond);
}

TEST(ClusterConfigTest, TypedDnsCluster) {
  const auto config =
      Good("cluster_type: {name: envoy.cluster.dns, typed_config: " +
           Typed("clusters.dns.v3.DnsCluster",
                 ", dns_refresh_rate: 60s, dns_lookup_family: V6_ONLY, respect_dns_ttl: true, "
                 "all_addresses_in_single_endpoint: true") +
           "}\n" + Load(Ep("a")));
  EXPECT_EQ(config->discovery, DiscoveryKind::kLogicalDns);
  EXPECT_EQ(config->dns->refresh_rate, 60 * base::kSecond);
  EXPECT_EQ(config->dns->family, net::DnsFamily::kV6Only);
  EXPECT_TRUE(config->dns->respect_ttl);
}

TEST(ClusterConfigTest, RetryBudgetsLimitsPerHostAndPreconnect) {
  const auto config = Good(
      "circuit_breakers: {thresholds: [{retry_budget: {budget_percent: {value: 50}, "
      "min_retry_concurrency: 1}}], per_host_thresholds: [{max_connections: 4}]}\n"
      "preconnect_policy: {per_upstream_preconnect_ratio: 1.5}\n");
  ASSERT_TRUE((*config->thresholds)[0].retry_budget.has_value());
  EXPECT_EQ((*config->thresholds)[0].retry_budget->percent, 50);
  EXPECT_EQ((*config->thresholds)[0].retry_budget->min_concurrency, 1u);
  EXPECT_EQ(config->max_connections_per_host, 4u);
  EXPECT_EQ(config->preconnect_ratio, 1.5);
}

TEST(ClusterConfigTest, DnsClusters) {
  const auto strict = Good(R"(
type: STRICT_DNS
dns_lookup_family: V4_PREFERRED
dns_refresh_rate: 2s
dns_failure_refresh_rate: {base_interval: 1s}
dns_jitter: 0.5s
respect_dns_ttl: true
dns_resolution_config:
  resolvers: [{socket_address: {address: 127.0.0.1, port_value: 0}}]
  dns_resolver_options: {use_tcp_for_dns_lookups: true, no_default_search_domain: true}
)" + Load(Ep("db.example", 5432) + "," + Ep("10.1.2.3")));
  ASSERT_NE(strict->dns, nullptr);
  EXPECT_EQ(strict->dns->family, net::DnsFamily::kV4Preferred);
  EXPECT_EQ(strict->dns->refresh_rate, 2 * base::kSecond);
  EXPECT_EQ(strict->dns->failure_refresh_base, base::kSecond);
  EXPECT_EQ(strict->dns->failure_refresh_max, 10 * base::kSecond);
  EXPECT_EQ(strict->dns->jitter, base::kSecond / 2);
  EXPECT_TRUE(strict->dns->respect_ttl);
  EXPECT_TRUE(strict->dns->own_resolver);
  ASSERT_EQ(strict->dns->resolver.servers.size(), 1u);
  EXPECT_EQ(strict->dns->resolver.servers[0].ToString(), "127.0.0.1:53");
  EXPECT_TRUE(strict->dns->resolver.use_tcp);
  EXPECT_TRUE(strict->dns->resolver.no_search_domains);

  const auto& endpoints = strict->assignment->localities[0].endpoints;
  EXPECT_EQ(endpoints[0].dns_name, "db.example");
  EXPECT_EQ(endpoints[0].dns_port, 5432);
  EXPECT_EQ(endpoints[0].hostname, "db.example");
  EXPECT_EQ(endpoints[0].logical_name, "");
  EXPECT_EQ(endpoints[0].address.family(), net::Address::Family::kNone);
  EXPECT_EQ(endpoints[1].dns_name, "");
  EXPECT_EQ(endpoints[1].address.ToString(), "10.1.2.3:80");

  const auto logical = Good("type: LOGICAL_DNS\n" + Load(Ep("db.example")));
  EXPECT_EQ(logical->assignment->localities[0].endpoints[0].logical_name, "db.example:80");
  EXPECT_FALSE(logical->dns->own_resolver);
  EXPECT_EQ(logical->dns->refresh_rate, 5 * base::kSecond);
  EXPECT_EQ(logical->dns->failure_refresh_max, 5 * base::kSecond);
}

TEST(ClusterConfigTest, TypedDnsResolver) {
  const std::string cares =
      Typed("network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            ", resolvers: [{socket_address: {address: '::1', port_value: 5353}}], "
            "query_timeout_seconds: 2, query_tries: 3, rotate_nameservers: true");
  const auto config = Good(
      "type: STRICT_DNS\n"
      "dns_resolvers: [{socket_address: {address: 1.1.1.1, port_value: 53}}]\n"
      "typed_dns_resolver_config: {name: cares, typed_config: " +
      cares + "}\n");
  EXPECT_EQ(config->dns->resolver.servers[0].ToString(), "[::1]:5353");
  EXPECT_EQ(config->dns->resolver.query_timeout, 2 * base::kSecond);
  EXPECT_EQ(config->dns->resolver.query_tries, 3u);
  EXPECT_TRUE(config->dns->resolver.rotate);
}

TEST(ClusterConfigTest, EdsClusters) {
  const auto ads = Good("type: EDS\neds_cluster_config: {eds_config: {ads: {}}}\n");
  ASSERT_NE(ads->eds, nullptr);
  EXPECT_EQ(ads->eds->service_name, "c");
  EXPECT_TRUE(ads->eds->ads);
  EXPECT_EQ(ads->eds->initial_fetch_timeout, 15 * base::kSecond);
  EXPECT_EQ(ads->assignment, nullptr);

  const auto file = Good(
      "type: EDS\neds_cluster_config: {service_name: s, eds_config: {path_config_source: "
      "{path: /x.yaml}, initial_fetch_timeout: 0s}}\n");
  EXPECT_EQ(file->eds->service_name, "s");
  EXPECT_FALSE(file->eds->ads);
  EXPECT_NE(file->eds->source, "");
  EXPECT_EQ(file->eds->initial_fetch_timeout, 0);
}

TEST(ClusterConfigTest, WhatEnvoyAcceptsIsAccepted) {
  Good("type: STRICT_DNS\n");                       // No load_assignment: no endpoints.
  Good("type: STATIC\n" + Load(Ep("1.2.3.4", 0)));  // Connecting fails, not the cluster.
  Good("type: STATIC\n" + Load(Ep("1.2.3.4") + "," + Ep("1.2.3.4")));
  Good("type: LOGICAL_DNS\n" + Load(Ep("1.2.3.4")));
  Good("type: STRICT_DNS\n" + Load("{endpoint: {address: {pipe: {path: /x}}}}"));
  Good("load_assignment: {cluster_name: other, endpoints: [{priority: 3, lb_endpoints: [" +
       Ep("1.2.3.4") + "]}]}\n");                        // A gap before priority 3; another name.
  Good("least_request_lb_config: {choice_count: 3}\n");  // Without effect on ROUND_ROBIN.
}

TEST(ClusterConfigTest, ErrorsNameTheirField) {
  const std::string first = "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address";
  ExpectError("type: STATIC\n" + Load(Ep("db.example")),
              "clusters[0]." + first +
                  ".socket_address.address: value db.example: expected a "
                  "numeric IPv4 or IPv6 address");
  ExpectError("type: STATIC\n" + Load("{endpoint: {hostname: x}}"), first + ": is required");
  ExpectError("type: STATIC\n" + Load("{endpoint_name: x}"),
              "lb_endpoints[0].endpoint_name: value x");
  ExpectError(
      "type: STATIC\n" +
          Load("{endpoint: {address: {socket_address: {address: 1.2.3.4, named_port: http}}}}"),
      first + ".socket_address.named_port");
  ExpectError("type: STRICT_DNS\n" + Load("{endpoint: {address: {socket_address: {address: a, "
                                          "port_value: 1, resolver_name: envoy.ip}}}}"),
              first + ".socket_address.resolver_name");
  ExpectError("type: LOGICAL_DNS\n", "exactly one locality with one endpoint");
  ExpectError("type: LOGICAL_DNS\n" + Load(Ep("a") + "," + Ep("b")),
              "clusters[0].load_assignment.endpoints: a LOGICAL_DNS cluster has exactly one");
  ExpectError("type: EDS\n", "clusters[0].eds_cluster_config.eds_config: is required");
  ExpectError("type: STATIC\neds_cluster_config: {eds_config: {ads: {}}}\n",
              "clusters[0].eds_cluster_config: is only for");
  ExpectError("type: ORIGINAL_DST\n", "clusters[0].lb_policy: value ROUND_ROBIN");
  ExpectError("lb_policy: CLUSTER_PROVIDED\n", "clusters[0].lb_policy: value CLUSTER_PROVIDED");
  ExpectError(
      "load_balancing_policy: {policies: [{typed_extension_config: {name: own, typed_config: "
      "{'@type': type.googleapis.com/envoy.extensions.load_balancing_policies.cluster_provided.v3."
      "ClusterProvided}}}]}\n",
      "typed_extension_config.typed_config: value ClusterProvided");
  ExpectError("cluster_type: {name: envoy.clusters.redis}\n", "clusters[0].cluster_type");
  ExpectError("lb_policy: MAGLEV\nmaglev_lb_config: {table_size: 100}\n",
              "clusters[0].maglev_lb_config.table_size: value 100");
  ExpectError(
      "lb_policy: RING_HASH\nring_hash_lb_config: {minimum_ring_size: 9, "
      "maximum_ring_size: 8}\n",
      "clusters[0].ring_hash_lb_config: expected 1 <=");
  ExpectError("lb_policy: LOAD_BALANCING_POLICY_CONFIG\n", "clusters[0].load_balancing_policy");
  ExpectError("lb_policy: LEAST_REQUEST\nleast_request_lb_config: {choice_count: 100000}\n",
              "clusters[0].least_request_lb_config.choice_count");
  ExpectError("upstream_bind_config: {source_address: {address: foo, port_value: 0}}\n",
              "clusters[0].upstream_bind_config.source_address.address");
  ExpectError("type: STRICT_DNS\ndns_failure_refresh_rate: {base_interval: 5s, max_interval: 1s}\n",
              "clusters[0].dns_failure_refresh_rate.max_interval");
  ExpectError(
      "type: STRICT_DNS\ndns_resolvers: [{socket_address: {address: foo, port_value: 53}}]\n",
      "clusters[0].dns_resolvers[0].socket_address.address");
  ExpectError("common_http_protocol_options: {idle_timeout: -1s}\n",
              "clusters[0].common_http_protocol_options.idle_timeout");
  ExpectError(
      "transport_socket: {name: t, typed_config: {\"@type\": type.googleapis.com/"
      "envoy.extensions.transport_sockets.starttls.v3.UpstreamStartTlsConfig}}\n",
      "clusters[0].transport_socket.typed_config");
  ExpectError(
      "typed_extension_protocol_options: {other: {\"@type\": type.googleapis.com/"
      "google.protobuf.Empty}}\n",
      "clusters[0].typed_extension_protocol_options[\"other\"]");
}

TEST(ClusterConfigTest, AllErrorsComeAtOnce) {
  const Compiled result = Compile("type: STATIC\nlb_policy: CLUSTER_PROVIDED\n" +
                                  Load(Ep("a") + "," + Ep("10.0.0.1") + "," + Ep("b")));
  EXPECT_NE(result.errors.find("lb_policy"), std::string::npos);
  EXPECT_NE(result.errors.find("lb_endpoints[0]"), std::string::npos);
  EXPECT_EQ(result.errors.find("lb_endpoints[1]"), std::string::npos);
  EXPECT_NE(result.errors.find("lb_endpoints[2]"), std::string::npos);
}

TEST(AssignmentConfigTest, DiscoveredEndpointsHaveNumericAddresses) {
  envoy::config::endpoint::v3::ClusterLoadAssignment proto;
  config::Errors errors;
  config::ParseYaml("cluster_name: c\nendpoints: [{lb_endpoints: [" + Ep("10.0.0.1") + "]}]", proto,
                    errors);
  const auto good = CompileAssignment(proto, errors, config::Path());
  ASSERT_NE(good, nullptr);
  EXPECT_EQ(good->localities[0].endpoints[0].address.ToString(), "10.0.0.1:80");

  proto.mutable_endpoints(0)
      ->mutable_lb_endpoints(0)
      ->mutable_endpoint()
      ->mutable_address()
      ->mutable_socket_address()
      ->set_address("name");
  EXPECT_EQ(CompileAssignment(proto, errors, config::Path("resources[1]")), nullptr);
  EXPECT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].path,
            "resources[1].endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address");
}

}  // namespace
}  // namespace proxenos::upstream
