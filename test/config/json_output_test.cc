// Dumps: snake_case, redacted, and never failing.
#include "source/config/json_output.h"

#include <string>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "google/protobuf/any.pb.h"
#include "gtest/gtest.h"
#include "proxenos/http/cache/v3/cache_store.pb.h"
#include "source/config/text.h"

namespace proxenos::config {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::extensions::transport_sockets::tls::v3::Secret;

constexpr JsonOptions kCompact{.pretty = false};

template <typename T>
T Parse(std::string_view yaml) {
  T message;
  Errors errors;
  ParseYaml(yaml, message, errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return message;
}

TEST(JsonOutputTest, SnakeCaseAndIndent) {
  const auto cluster = Parse<Cluster>("{name: a, connect_timeout: 0.25s}");
  EXPECT_EQ("{\"name\":\"a\",\"connect_timeout\":\"0.250s\"}", ToJson(cluster, kCompact));
  EXPECT_EQ("{\n \"name\": \"a\",\n \"connect_timeout\": \"0.250s\"\n}\n", ToJson(cluster));
}

TEST(JsonOutputTest, SecretsAreHidden) {
  const auto secret = Parse<Secret>(R"(
name: s
tls_certificate:
  certificate_chain: {inline_string: public}
  private_key: {inline_string: hush}
  password: {inline_bytes: aHVzaA==}
)");
  const std::string json = ToJson(secret, kCompact);
  EXPECT_EQ(std::string::npos, json.find("hush")) << json;
  EXPECT_EQ(std::string::npos, json.find("aHVzaA")) << json;
  EXPECT_NE(std::string::npos, json.find("public")) << json;
  EXPECT_NE(std::string::npos, json.find("\"private_key\":{\"inline_string\":\"[redacted]\"}"));
  JsonOptions open = kCompact;
  open.redact = false;
  EXPECT_NE(std::string::npos, ToJson(secret, open).find("hush"));
}

TEST(JsonOutputTest, SecretsOfOurOwnMessagesAreHidden) {
  const auto store = Parse<proxenos::http::cache::v3::CacheStore>(
      "redis: {cluster: shown, password: {inline_string: hush}}");
  const std::string json = ToJson(store, kCompact);
  EXPECT_EQ(std::string::npos, json.find("hush")) << json;
  EXPECT_NE(std::string::npos, json.find("shown")) << json;
}

TEST(JsonOutputTest, SecretsInsideAnyAndTypedStruct) {
  for (const char* config : {
           R"("@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.\
      UpstreamTlsContext"
    common_tls_context: {tls_certificates: [{private_key: {inline_string: hush}}]})",
           R"("@type": type.googleapis.com/xds.type.v3.TypedStruct
    type_url: type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    value: {common_tls_context: {tlsCertificates: [{private_key: {inline_string: hush}}]}})",
           R"("@type": type.googleapis.com/udpa.type.v1.TypedStruct
    type_url: type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.TlsCertificate
    value: {privateKey: {inline_string: hush}})"}) {
    const auto cluster = Parse<Cluster>(
        std::string("transport_socket:\n  name: tls\n  typed_config:\n    ") + config + "\n");
    EXPECT_NE(std::string::npos, cluster.SerializeAsString().find("hush"));
    const std::string json = ToJson(cluster, kCompact);
    EXPECT_EQ(std::string::npos, json.find("hush")) << json;
    EXPECT_NE(std::string::npos, json.find("[redacted]")) << json;
  }
}

// A control plane may send what is refused for its depth, and is shown all the same.
TEST(JsonOutputTest, AnyWithinAnyHasAnEnd) {
  const auto nested = [](int depth) {
    google::protobuf::Any any;
    any.PackFrom(Parse<Cluster>("{name: innermost}"));
    for (int i = 0; i < depth; ++i) {
      google::protobuf::Any outer;
      outer.set_type_url("type.googleapis.com/google.protobuf.Any");
      outer.set_value(any.SerializeAsString());
      any = std::move(outer);
    }
    return any;
  };
  EXPECT_NE(std::string::npos, ToJson(nested(10), kCompact).find("innermost"));
  const std::string deep = ToJson(nested(4000));
  EXPECT_LT(deep.size(), 64u * 1024);
  EXPECT_EQ(std::string::npos, deep.find("innermost"));
  EXPECT_NE(std::string::npos, deep.find("[redacted]"));
}

TEST(JsonOutputTest, AlwaysComesOut) {
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/no.Such");
  any.set_value("\x01\x02");
  const std::string unknown = ToJson(any, kCompact);
  EXPECT_NE(std::string::npos, unknown.find("\"type_url\":\"type.googleapis.com/no.Such\""));
  EXPECT_NE(std::string::npos, unknown.find("\"value\":\"AQI=\""));
  any.set_type_url("type.googleapis.com/envoy.config.cluster.v3.Cluster");
  any.set_value("\xff");
  EXPECT_NE(std::string::npos, ToJson(any, kCompact).find("[redacted]"));
  JsonOptions open = kCompact;
  open.redact = false;
  EXPECT_NE(std::string::npos, ToJson(any, open).find("/w=="));
  Cluster cluster;
  cluster.mutable_connect_timeout()->set_seconds(INT64_MAX);
  EXPECT_NE(std::string::npos, ToJson(cluster, kCompact).find("text_proto"));
  EXPECT_EQ("{}", ToJson(google::protobuf::Any(), kCompact));
}

}  // namespace
}  // namespace proxenos::config
