// The walk over a message: what passes, what is noted, what is rejected and in which words.
#include "source/config/fields.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "gtest/gtest.h"
#include "source/config/text.h"

namespace proxenos::config {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::cluster::v3::Cluster;
using envoy::config::listener::v3::Listener;

template <typename T>
T Parse(std::string_view yaml) {
  T message;
  Errors errors;
  ParseYaml(yaml, message, errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return message;
}

// Errors as lines, then what was left aside as lines that begin with "- ".
std::string Check(const google::protobuf::Message& message,
                  UnknownFields unknown = UnknownFields::kReject) {
  Errors errors;
  IgnoredFields ignored;
  CheckFields(message, errors, ignored, Path(), unknown);
  std::string lines;
  for (const Error& error : errors.list()) lines += error.ToString() + "\n";
  for (const IgnoredField& field : ignored.list()) {
    lines += "- " + field.path + " (" + std::string(field.field) + ")\n";
    EXPECT_FALSE(field.reason.empty());
  }
  return lines;
}

constexpr char kListener[] = R"(
name: a
address: {socket_address: {address: 127.0.0.1, port_value: 0}}
filter_chains:
- filters:
  - name: hcm
    typed_config:
      "@type": "type.googleapis.com/envoy.extensions.filters.network.\
        http_connection_manager.v3.HttpConnectionManager"
      codec_type: auto
      stat_prefix: a
      route_config:
        virtual_hosts:
        - name: a
          domains: ["*"]
          routes:
          - match: {prefix: /, headers: [{name: a, exact_match: b}]}
            route: {cluster: c, timeout: 1s}
      http_filters:
      - name: router
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
)";

TEST(FieldsTest, AWholeListenerPasses) { EXPECT_EQ("", Check(Parse<Listener>(kListener))); }

TEST(FieldsTest, WhatIsNotInTheTableIsRejectedByName) {
  EXPECT_EQ(
      "per_connection_buffer_high_watermark_timeout: field "
      "envoy.config.cluster.v3.Cluster.per_connection_buffer_high_watermark_timeout is not "
      "implemented by proxenos\n"
      "stats_matcher: field envoy.config.cluster.v3.Cluster.stats_matcher is not implemented by "
      "proxenos\n",
      Check(Parse<Cluster>("{name: a, stats_matcher: {reject_all: true}, "
                           "per_connection_buffer_high_watermark_timeout: 1s}")));
}

TEST(FieldsTest, ValuesOfAField) {
  EXPECT_EQ("", Check(Parse<Cluster>("{name: a, lb_policy: RANDOM}")));
  EXPECT_EQ("", Check(Parse<Listener>("{name: a, freebind: true, drain_type: MODIFY_ONLY}")));
  EXPECT_EQ(
      "circuit_breakers.per_host_thresholds[0].priority: value HIGH of "
      "envoy.config.cluster.v3.CircuitBreakers.Thresholds.priority is not implemented by proxenos: "
      "expected DEFAULT\n",
      Check(Parse<Cluster>(
          "{name: a, circuit_breakers: {per_host_thresholds: [{priority: HIGH}]}}")));
}

TEST(FieldsTest, LeftAsideWithPathAndName) {
  EXPECT_EQ(
      "- common_lb_config.update_merge_window "
      "(envoy.config.cluster.v3.Cluster.CommonLbConfig.update_merge_window)\n",
      Check(Parse<Cluster>("{name: a, common_lb_config: {update_merge_window: 1s}}")));
}

TEST(FieldsTest, ExtensionsByType) {
  EXPECT_EQ(
      "transport_socket.typed_config: type "
      "envoy.extensions.transport_sockets.starttls.v3.UpstreamStartTlsConfig is not implemented by "
      "proxenos here: expected envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer "
      "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext "
      "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext "
      "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport "
      "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport\n",
      Check(Parse<Cluster>(R"(
transport_socket:
  name: tls
  typed_config:
    "@type": type.googleapis.com/)"
                           "envoy.extensions.transport_sockets.starttls.v3."
                           "UpstreamStartTlsConfig\n")));
  EXPECT_EQ("", Check(Parse<Cluster>(R"(
transport_socket:
  name: raw
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer
)")));
}

TEST(FieldsTest, InsideTypedStructAndMapsOfAny) {
  EXPECT_EQ(
      "typed_extension_protocol_options[\"x\"].auto_config.http3_protocol_options: field "
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig."
      "http3_protocol_options is not implemented by proxenos; HTTP/3 is not implemented\n",
      Check(Parse<Cluster>(R"(
typed_extension_protocol_options:
  x:
    "@type": type.googleapis.com/xds.type.v3.TypedStruct
    type_url: type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    value: {auto_config: {http3_protocol_options: {}}}
)")));
  EXPECT_EQ(
      "typed_extension_protocol_options[\"x\"]: type no.Such is not implemented by proxenos\n",
      Check(Parse<Cluster>(R"(
typed_extension_protocol_options:
  x:
    "@type": type.googleapis.com/udpa.type.v1.TypedStruct
    type_url: type.googleapis.com/no.Such
    value: {}
)")));
}

// What lets a proxy leave out an extension that it lacks.
TEST(FieldsTest, OptionalExtensions) {
  constexpr char kFilter[] = R"(
typed_per_filter_config:
  x:
    "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig
    is_optional: OPTIONAL
    config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.tap.v3.Tap
)";
  const auto check = [&kFilter](const char* optional) {
    return Check(Parse<envoy::config::route::v3::Route>(
        absl::StrReplaceAll(kFilter, {{"OPTIONAL", optional}})));
  };
  EXPECT_EQ(
      "typed_per_filter_config[\"x\"].config: type envoy.extensions.filters.http.tap.v3.Tap is not "
      "implemented by proxenos\n",
      check("false"));
  EXPECT_EQ("- typed_per_filter_config[\"x\"].config (envoy.config.route.v3.FilterConfig.config)\n",
            check("true"));
}

TEST(FieldsTest, TheSameTypeInTwoPlaces) {
  // headers_with_underscores_action is about what clients send, not about what clusters answer.
  EXPECT_EQ(
      "- common_http_protocol_options.headers_with_underscores_action "
      "(envoy.config.core.v3.HttpProtocolOptions.headers_with_underscores_action)\n",
      Check(Parse<Cluster>(
          "{common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}}")));
}

TEST(FieldsTest, NumbersWithoutANameInThisBuild) {
  Cluster cluster;
  cluster.set_name("a");
  ASSERT_TRUE(cluster.MergeFromString("\xfa\x7f\x01x"));  // Field 2047.
  EXPECT_EQ("field number 2047 is unknown in envoy.config.cluster.v3.Cluster\n", Check(cluster));
  EXPECT_EQ("-  (envoy.config.cluster.v3.Cluster)\n", Check(cluster, UnknownFields::kIgnore));
}

TEST(FieldsTest, BrokenAndEndlessAny) {
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/envoy.config.cluster.v3.Cluster");
  any.set_value("\xff");
  EXPECT_EQ("broken bytes of envoy.config.cluster.v3.Cluster\n", Check(any));
  Cluster cluster;
  for (int i = 0; i < 100; ++i) {
    cluster.Clear();
    if (i > 0) (*cluster.mutable_typed_extension_protocol_options())["x"] = any;
    any.PackFrom(cluster);
  }
  EXPECT_NE(std::string::npos, Check(any).find("Any nested deeper than 16 levels"));
}

TEST(FieldsTest, TheListOfIgnoredFieldsIsBounded) {
  IgnoredFields ignored;
  for (size_t i = 0; i < IgnoredFields::kMaxKept + 5; ++i) ignored.Add({"a", "b", "c"});
  IgnoredFields all;
  all.Add({"x", "y", "z"});
  all.Append(ignored);
  EXPECT_EQ(IgnoredFields::kMaxKept + 6, all.count());
  EXPECT_EQ(IgnoredFields::kMaxKept, all.list().size());
}

}  // namespace
}  // namespace proxenos::config
