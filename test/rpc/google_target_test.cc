// Servers by their addresses: what their names say, and the clusters that come of them.
#include <map>
#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/rpc/google_target_uri.h"
#include "source/rpc/own_target.h"
#include "source/rpc/service_config.h"

namespace proxenos::rpc {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::core::v3::GrpcService;
using Kind = GoogleTarget::Kind;

TEST(GoogleTargetUri, Names) {
  struct Case {
    std::string uri;
    Kind kind;
    std::string host;
    uint16_t port;
    std::string authority;
  };
  for (const Case& each : std::vector<Case>{
           {"127.0.0.1:9191", Kind::kAddresses, "127.0.0.1", 9191, "127.0.0.1:9191"},
           {"localhost:1", Kind::kName, "localhost", 1, "localhost:1"},
           {"authz.mesh", Kind::kName, "authz.mesh", 443, "authz.mesh:443"},
           {"dns:authz.mesh:8080", Kind::kName, "authz.mesh", 8080, "authz.mesh:8080"},
           {"dns:///authz.mesh:8080", Kind::kName, "authz.mesh", 8080, "authz.mesh:8080"},
           {"dns:///10.1.2.3:80", Kind::kAddresses, "10.1.2.3", 80, "10.1.2.3:80"},
           {"ipv4:10.0.0.1:80,10.0.0.2:81", Kind::kAddresses, "10.0.0.1", 80, "10.0.0.1:80"},
           {"ipv6:[::1]:80", Kind::kAddresses, "::1", 80, "[::1]:80"},
           {"[::1]:80", Kind::kAddresses, "::1", 80, "[::1]:80"},
       }) {
    const auto target = ParseGoogleTarget(each.uri);
    ASSERT_TRUE(target.ok()) << each.uri << ": " << target.status();
    EXPECT_EQ(target->kind, each.kind) << each.uri;
    ASSERT_FALSE(target->endpoints.empty());
    EXPECT_EQ(target->endpoints[0].host, each.host);
    EXPECT_EQ(target->endpoints[0].port, each.port);
    EXPECT_EQ(target->authority, each.authority);
  }
  EXPECT_EQ(ParseGoogleTarget("ipv4:10.0.0.1:80,10.0.0.2:81")->endpoints.size(), 2u);
}

TEST(GoogleTargetUri, Paths) {
  const std::map<std::string, std::string> paths = {{"unix:/run/a.sock", "/run/a.sock"},
                                                    {"unix:a.sock", "a.sock"},
                                                    {"unix:///run/a.sock", "/run/a.sock"},
                                                    {"unix-abstract:a", "@a"}};
  for (const auto& [uri, path] : paths) {
    const auto target = ParseGoogleTarget(uri);
    ASSERT_TRUE(target.ok()) << uri;
    EXPECT_EQ(target->path, path);
    EXPECT_EQ(target->authority, "localhost");
    EXPECT_TRUE(target->local());
  }
}

TEST(GoogleTargetUri, OthersAreRefused) {
  for (const std::string uri :
       {"", ":80", "a:0", "a:65536", "a:x", "[::1", "[a]:1", "[::1]x", "a b:1", "xds:///authz",
        "dns://8.8.8.8/authz:80", "unix:", "unix://host/path", "ipv4:authz:80", "ipv6:10.0.0.1:80",
        "ipv4:", "ipv4:10.0.0.1:80,", "a\n:1"}) {
    EXPECT_FALSE(ParseGoogleTarget(uri).ok()) << uri;
  }
  EXPECT_FALSE(ParseGoogleTarget(std::string(300, 'a')).ok());
}

GrpcService ServiceOf(const std::string& text) {
  GrpcService service;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &service));
  return service;
}

rpc::GrpcService Compile(const std::string& text, config::Errors& errors) {
  return CompileGrpcService(ServiceOf(text), "/test/M", base::kSecond, config::Path("service"),
                            errors);
}

TEST(GoogleTargetConfig, BecomesACluster) {
  config::Errors errors;
  const rpc::GrpcService service = Compile(
      R"(google_grpc { target_uri: "127.0.0.1:9191" stat_prefix: "ext_authz" }
         timeout { nanos: 500000000 } initial_metadata { key: "A" value: "b" })",
      errors);
  ASSERT_TRUE(errors.ok()) << errors.ToStatus();
  ASSERT_NE(service.own, nullptr);
  EXPECT_EQ(service.cluster, service.own->cluster);
  EXPECT_TRUE(IsOwnTarget(service.cluster));
  EXPECT_EQ(service.options.authority, "127.0.0.1:9191");
  EXPECT_EQ(service.options.timeout, 500 * base::kMillisecond);
  EXPECT_EQ(service.options.metadata[0].first, "a");
  Cluster cluster;
  ASSERT_TRUE(cluster.ParseFromString(service.own->definition));
  EXPECT_EQ(cluster.name(), service.cluster);
  EXPECT_EQ(cluster.alt_stat_name(), "google_grpc.ext_authz");
  EXPECT_EQ(cluster.type(), Cluster::STATIC);
  // The same is one; another is another.
  EXPECT_EQ(
      Compile(R"(google_grpc { target_uri: "127.0.0.1:9191" stat_prefix: "ext_authz" })", errors)
          .own,
      service.own);
  EXPECT_NE(
      Compile(R"(google_grpc { target_uri: "127.0.0.1:9192" stat_prefix: "ext_authz" })", errors)
          .own,
      service.own);
}

TEST(GoogleTargetConfig, EncryptedTargetsAreVerified) {
  config::Errors errors;
  const rpc::GrpcService service = Compile(
      R"(google_grpc { target_uri: "dns:///authz.mesh:443" stat_prefix: "a"
           channel_credentials { ssl_credentials {} }
           call_credentials { access_token: "token" }
           channel_args { args { key: "grpc.default_authority" value { string_value: "other" } }
                          args { key: "grpc.keepalive_time_ms" value { int_value: 1500 } } } })",
      errors);
  ASSERT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_EQ(service.options.authority, "other");
  ASSERT_EQ(service.options.metadata.size(), 1u);
  EXPECT_EQ(service.options.metadata[0].second, "Bearer token");
  Cluster cluster;
  ASSERT_TRUE(cluster.ParseFromString(service.own->definition));
  EXPECT_EQ(cluster.type(), Cluster::LOGICAL_DNS);
  envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext tls;
  ASSERT_TRUE(cluster.transport_socket().typed_config().UnpackTo(&tls));
  EXPECT_EQ(tls.sni(), "authz.mesh");
  const auto& validation = tls.common_tls_context().validation_context();
  EXPECT_TRUE(validation.has_system_root_certs());
  EXPECT_EQ(validation.match_typed_subject_alt_names(0).matcher().exact(), "authz.mesh");
}

TEST(GoogleTargetConfig, WhatNoClusterCanSayIsRefused) {
  const std::string target = R"(target_uri: "10.0.0.1:1" stat_prefix: "a" )";
  const std::map<std::string, std::string> cases = {
      {R"(target_uri: "xds:///a" stat_prefix: "a")", "service.google_grpc.target_uri"},
      {target + "channel_credentials { google_default {} }",
       "service.google_grpc.channel_credentials.google_default"},
      {target + "channel_credentials { local_credentials {} }",
       "service.google_grpc.channel_credentials.local_credentials"},
      {target + "channel_credentials { ssl_credentials { private_key { inline_string: 'k' } } }",
       "service.google_grpc.channel_credentials.ssl_credentials"},
      {target + "call_credentials { access_token: 'x' }", "service.google_grpc.call_credentials"},
      {target + "channel_credentials { ssl_credentials {} } call_credentials { "
                "google_compute_engine {} }",
       "service.google_grpc.call_credentials[0]"},
      {target + "channel_args { args { key: 'grpc.lb_policy_name' value { string_value: 'x' } } }",
       "service.google_grpc.channel_args.args[\"grpc.lb_policy_name\"]"},
      {target + "channel_args { args { key: 'grpc.keepalive_time_ms' value { int_value: 0 } } }",
       "service.google_grpc.channel_args.args[\"grpc.keepalive_time_ms\"]"},
  };
  for (const auto& [text, path] : cases) {
    config::Errors errors;
    Compile("google_grpc { " + text + " }", errors);
    ASSERT_EQ(errors.count(), 1u) << text << errors.ToStatus();
    EXPECT_EQ(errors.list()[0].path, path);
  }
  config::Errors errors;
  Compile("", errors);
  EXPECT_EQ(errors.list()[0].message, "expected envoy_grpc or google_grpc");
}

TEST(GoogleTargetConfig, Retries) {
  config::Errors errors;
  const rpc::GrpcService service = Compile(
      R"(envoy_grpc { cluster_name: "c" } retry_policy { num_retries { value: 2 }
           retry_on: "5xx,deadline-exceeded,internal,unavailable"
           retry_back_off { base_interval { nanos: 200000000 } max_interval { seconds: 3 } } })",
      errors);
  ASSERT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_EQ(service.options.retries.most, 2u);
  EXPECT_NE(service.options.retries.on, 0u);
  EXPECT_EQ(service.options.retries.back_off, 200 * base::kMillisecond);
  EXPECT_EQ(service.options.retries.back_off_max, 3 * base::kSecond);
  Compile(R"(envoy_grpc { cluster_name: "c" } retry_policy { retry_on: "sometimes" })", errors);
  ASSERT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].path, "service.retry_policy.retry_on");
}

TEST(OwnTargets, AreForgottenWithTheirLastHolder) {
  OwnTargets targets;
  int defined = 0;
  const auto define = [&defined](const std::string& cluster) {
    ++defined;
    return cluster;
  };
  OwnTargetPtr first = targets.Name("a", "key", define);
  const uint64_t stamp = targets.stamp();
  EXPECT_TRUE(targets.NamedSince(stamp).empty());
  OwnTargetPtr again = targets.Name("a", "key", define);
  EXPECT_EQ(first, again);
  EXPECT_EQ(defined, 1);
  EXPECT_EQ(targets.NamedSince(stamp).size(), 1u);
  EXPECT_FALSE(targets.Forget(first));
  again.reset();
  EXPECT_TRUE(targets.Forget(first));
  EXPECT_NE(targets.Name("a", "key", define)->cluster, first->cluster);
}

}  // namespace
}  // namespace proxenos::rpc
