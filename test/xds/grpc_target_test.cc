// GrpcService of the configuration as a target, and what is refused.
#include "source/xds/grpc_target.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::xds {
namespace {

using envoy::config::core::v3::GrpcService;

FoundAddresses Addresses(const std::string& cluster) {
  if (cluster == "elsewhere") return std::vector<std::string>();
  if (cluster != "xds") return std::nullopt;
  return std::vector<std::string>{"10.0.0.1:80", "[::1]:81", "control-plane:82", "/run/xds.sock",
                                  "@abstract"};
}

TEST(GrpcTarget, EnvoyGrpcTakesTheClustersAddresses) {
  GrpcService service;
  service.mutable_envoy_grpc()->set_cluster_name("xds");
  config::Errors errors;
  const GrpcTarget target = CompileGrpcTarget(service, Addresses, config::Path(), errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_EQ(target.uris, (std::vector<std::string>{"ipv4:10.0.0.1:80", "ipv6:[::1]:81",
                                                   "dns:///control-plane:82", "unix:/run/xds.sock",
                                                   "unix-abstract:abstract"}));
  EXPECT_EQ(target.authority, "xds");
  EXPECT_EQ(target.max_message_bytes, kMaxMessageBytes);
  EXPECT_FALSE(target.tls);
}

TEST(GrpcTarget, ClustersEndpointsMayStandElsewhere) {
  GrpcService service;
  service.mutable_envoy_grpc()->set_cluster_name("elsewhere");
  config::Errors errors;
  const GrpcTarget target = CompileGrpcTarget(service, Addresses, config::Path(), errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_EQ(target.cluster, "elsewhere");
  EXPECT_TRUE(target.uris.empty());
  service.mutable_envoy_grpc()->set_cluster_name("nobody");
  CompileGrpcTarget(service, Addresses, config::Path("grpc_services[0]"), errors);
  EXPECT_EQ(errors.ToStatus().message(),
            "grpc_services[0].envoy_grpc.cluster_name: value nobody: expected a cluster of "
            "static_resources");
}

TEST(GrpcTarget, GoogleGrpcWithCredentialsAndMetadata) {
  GrpcService service;
  auto& google = *service.mutable_google_grpc();
  google.set_target_uri("dns:///xds:443");
  auto& ssl = *google.mutable_channel_credentials()->mutable_ssl_credentials();
  ssl.mutable_root_certs()->set_inline_string("ROOTS");
  auto& header = *service.add_initial_metadata();
  header.set_key("x-token");
  header.set_value("t");
  config::Errors errors;
  const GrpcTarget target = CompileGrpcTarget(service, Addresses, config::Path(), errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_EQ(target.uris, (std::vector<std::string>{"dns:///xds:443"}));
  EXPECT_TRUE(target.tls);
  EXPECT_EQ(target.tls_roots, "ROOTS");
  EXPECT_EQ(target.metadata.at(0).second, "t");
}

TEST(GrpcTarget, GoogleGrpcWithCallCredentialsAndChannelArguments) {
  GrpcService service;
  auto& google = *service.mutable_google_grpc();
  google.set_target_uri("dns:///xds:443");
  google.mutable_channel_credentials()->mutable_google_default();
  google.add_call_credentials()->set_access_token("token");
  auto& account = *google.add_call_credentials()->mutable_service_account_jwt_access();
  account.set_json_key("{}");
  account.set_token_lifetime_seconds(60);
  auto& arguments = *google.mutable_channel_args()->mutable_args();
  arguments["grpc.keepalive_time_ms"].set_int_value(1000);
  arguments["grpc.primary_user_agent"].set_string_value("me");
  config::Errors errors;
  const GrpcTarget target = CompileGrpcTarget(service, Addresses, config::Path(), errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_TRUE(target.google_default);
  ASSERT_EQ(target.call_credentials.size(), 2u);
  EXPECT_EQ(target.call_credentials[0].text, "token");
  EXPECT_EQ(target.call_credentials[1].kind, CallCredential::Kind::kServiceAccount);
  EXPECT_EQ(target.call_credentials[1].lifetime_s, 60);
  EXPECT_EQ(target.channel_args.size(), 2u);
}

TEST(GrpcTarget, CallCredentialsNeedEncryption) {
  GrpcService service;
  auto& google = *service.mutable_google_grpc();
  google.set_target_uri("dns:///xds:443");
  google.add_call_credentials()->set_access_token("token");
  google.add_call_credentials()->mutable_from_plugin();
  (*google.mutable_channel_args()->mutable_args())["a"].set_int_value(int64_t{1} << 40);
  config::Errors errors;
  CompileGrpcTarget(service, Addresses, config::Path(), errors);
  ASSERT_EQ(errors.count(), 3u) << errors.ToStatus();
  EXPECT_EQ(errors.list()[0].path, "google_grpc.call_credentials[1]");
  EXPECT_EQ(errors.list()[1].ToString(),
            "google_grpc.call_credentials: need channel_credentials that encrypt");
  EXPECT_EQ(errors.list()[2].path, "google_grpc.channel_args.args[\"a\"].int_value");
}

TEST(GrpcTarget, BackoffOfTheRetryPolicy) {
  GrpcService service;
  service.mutable_google_grpc()->set_target_uri("a:1");
  service.mutable_retry_policy()->mutable_retry_back_off()->mutable_base_interval()->set_seconds(2);
  config::Errors errors;
  const GrpcTarget target = CompileGrpcTarget(service, Addresses, config::Path(), errors);
  EXPECT_EQ(target.backoff_base, 2 * base::kSecond);
  EXPECT_EQ(target.backoff_max, 20 * base::kSecond);
}

TEST(GrpcTarget, AllErrorsComeWithTheirPaths) {
  GrpcService service;
  service.mutable_envoy_grpc()->set_cluster_name("nobody");
  service.mutable_envoy_grpc()->mutable_max_receive_message_length()->set_value(0);
  auto& header = *service.add_initial_metadata();
  header.set_key("Upper");
  header.set_value("t");
  config::Errors errors;
  CompileGrpcTarget(service, Addresses, config::Path("grpc_services[0]"), errors);
  std::vector<std::string> paths;
  for (const config::Error& error : errors.list()) paths.push_back(error.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"grpc_services[0].envoy_grpc.cluster_name",
                                      "grpc_services[0].envoy_grpc.max_receive_message_length",
                                      "grpc_services[0].initial_metadata[0]"}));
}

TEST(GrpcTarget, MetadataThatWouldAbortGrpcIsRefused) {
  for (const char* name : {"", "grpc-timeout", "a b", "a:b", "ä"}) {
    GrpcService service;
    service.mutable_google_grpc()->set_target_uri("a:1");
    service.add_initial_metadata()->set_key(name);
    config::Errors errors;
    CompileGrpcTarget(service, Addresses, config::Path(), errors);
    EXPECT_FALSE(errors.ok()) << name;
  }
}

}  // namespace
}  // namespace proxenos::xds
