// What of YAML and JSON becomes which message, and how each mistake is told.
#include "source/config/text.h"

#include <string>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace proxenos::config {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::config::cluster::v3::Cluster;
using google::protobuf::Message;

// All errors of a text, one a line; empty when it was accepted.
template <typename Parse>
std::string ErrorsOf(Parse parse, std::string_view text, Message& message,
                     const ParseLimits& limits = {}) {
  Errors errors;
  parse(text, message, errors, Path(), limits);
  std::string lines;
  for (const Error& error : errors.list()) lines += error.ToString() + "\n";
  return lines;
}

std::string Yaml(std::string_view text, Message& message, const ParseLimits& limits = {}) {
  return ErrorsOf(ParseYaml, text, message, limits);
}

std::string Json(std::string_view text, Message& message, const ParseLimits& limits = {}) {
  return ErrorsOf(ParseJson, text, message, limits);
}

std::string ClusterYaml(std::string_view text) {
  Cluster cluster;
  return Yaml(text, cluster);
}

bool Equal(const Message& a, const Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

TEST(TextTest, BothSpellingsOfAFieldName) {
  Cluster snake;
  Cluster camel;
  EXPECT_EQ("", Yaml("connect_timeout: 0.25s\nlb_policy: RANDOM\n", snake));
  EXPECT_EQ("", Yaml("connectTimeout: 0.25s\nlbPolicy: RANDOM\n", camel));
  EXPECT_EQ(250'000'000, snake.connect_timeout().nanos());
  EXPECT_TRUE(Equal(snake, camel));
}

TEST(TextTest, EnumsByNameInAnyCaseAndByNumber) {
  for (const char* value : {"RANDOM", "random", "Random", "3", "\"3\"", "!!str 3"}) {
    Cluster cluster;
    EXPECT_EQ("", Yaml(std::string("lb_policy: ") + value, cluster)) << value;
    EXPECT_EQ(Cluster::RANDOM, cluster.lb_policy()) << value;
  }
  EXPECT_EQ(
      "lb_policy: value \"random-ish\": expected one of ROUND_ROBIN, LEAST_REQUEST, RING_HASH, "
      "RANDOM, MAGLEV, CLUSTER_PROVIDED or LOAD_BALANCING_POLICY_CONFIG (at 1:12)\n",
      ClusterYaml("lb_policy: random-ish"));
}

struct NumberCase {
  const char* yaml;
  uint32_t value;
};

TEST(TextTest, NumbersAsYamlWritesThem) {
  constexpr NumberCase kCases[] = {
      {"4096", 4096},   {"\"4096\"", 4096}, {"0x1000", 4096},          {"010", 8},
      {"4096.0", 4096}, {"1e3", 1000},      {"4294967295", 4294967295}};
  for (const NumberCase& c : kCases) {
    Cluster cluster;
    EXPECT_EQ("", Yaml(std::string("per_connection_buffer_limit_bytes: ") + c.yaml, cluster))
        << c.yaml;
    EXPECT_EQ(c.value, cluster.per_connection_buffer_limit_bytes().value()) << c.yaml;
  }
}

TEST(TextTest, NumbersThatAreNone) {
  for (const char* value : {"4096.5", "-1", "4294967296", "4_096", "0o10", "ten", "true", "[1]",
                            "1e300", "\"0x10\"", "\"\"", "18446744073709551616"}) {
    const std::string errors =
        ClusterYaml(std::string("per_connection_buffer_limit_bytes: ") + value);
    EXPECT_NE(std::string::npos, errors.find("per_connection_buffer_limit_bytes: value")) << value;
    EXPECT_NE(std::string::npos, errors.find("expected a")) << errors;
  }
}

TEST(TextTest, BooleanWordsOfYaml) {
  for (const char* value : {"true", "True", "TRUE", "yes", "y", "on", "On", "\"true\""}) {
    Cluster cluster;
    EXPECT_EQ("", Yaml(std::string("ignore_health_on_host_removal: ") + value, cluster)) << value;
    EXPECT_TRUE(cluster.ignore_health_on_host_removal()) << value;
  }
  for (const char* value : {"1", "tRUE", "\"yes\"", "maybe"}) {
    EXPECT_EQ(std::string("ignore_health_on_host_removal: value \"") +
                  (value[0] == '"' ? "yes" : value) + "\": expected true or false (at 1:32)\n",
              ClusterYaml(std::string("ignore_health_on_host_removal: ") + value));
  }
}

TEST(TextTest, TextNeedsQuotesWhereItLooksLikeSomethingElse) {
  EXPECT_EQ(
      "name: value \"5\": expected text; a number or a boolean word needs quotes here (at 1:7)\n",
      ClusterYaml("name: 5"));
  EXPECT_NE("", ClusterYaml("name: true"));
  EXPECT_EQ("", ClusterYaml("name: \"5\""));
  EXPECT_EQ("", ClusterYaml("name: 5.5"));  // Envoy keeps fractions as text.
  EXPECT_EQ("", ClusterYaml("name: |\n  5\n"));
  Cluster cluster;
  EXPECT_NE("", Json(R"({"name": 5.5})", cluster));
}

TEST(TextTest, DoublesWithTheirWords) {
  const auto parse = [](const char* value, double& out) {
    Cluster cluster;
    const std::string errors =
        Yaml(std::string("common_lb_config: {healthy_panic_threshold: {value: ") + value + "}}",
             cluster);
    out = cluster.common_lb_config().healthy_panic_threshold().value();
    return errors;
  };
  double value = 0;
  EXPECT_EQ("", parse("5.5", value));
  EXPECT_EQ(5.5, value);
  EXPECT_EQ("", parse("\"5.5\"", value));
  EXPECT_EQ("", parse("Infinity", value));
  EXPECT_NE("", parse(".nan", value));
  EXPECT_NE("", parse("inf", value));
  EXPECT_NE("", parse("1e999", value));
}

TEST(TextTest, NullLeavesUnset) {
  for (const char* value : {"null", "~", ""}) {
    Cluster cluster;
    EXPECT_EQ("", Yaml(std::string("load_assignment: ") + value + "\nlb_policy: ~", cluster));
    EXPECT_FALSE(cluster.has_load_assignment());
  }
  EXPECT_NE("", ClusterYaml("dns_resolvers: [null]"));
}

struct DurationCase {
  const char* yaml;
  int64_t seconds;
  int32_t nanos;
};

TEST(TextTest, Durations) {
  constexpr DurationCase kCases[] = {{"1s", 1, 0},
                                     {"0.25s", 0, 250'000'000},
                                     {"-1.5s", -1, -500'000'000},
                                     {"{seconds: 1, nanos: 5}", 1, 5},
                                     {"315576000000s", 315'576'000'000, 0}};
  for (const DurationCase& c : kCases) {
    Cluster cluster;
    EXPECT_EQ("", Yaml(std::string("connect_timeout: ") + c.yaml, cluster)) << c.yaml;
    EXPECT_EQ(c.seconds, cluster.connect_timeout().seconds()) << c.yaml;
    EXPECT_EQ(c.nanos, cluster.connect_timeout().nanos()) << c.yaml;
  }
  for (const char* value : {"1000ms", "1", ".5s", "1.s", "+1s", "1.1234567891s", "315576000001s",
                            "s", "[1s]", "99999999999999999999s"}) {
    EXPECT_NE("", ClusterYaml(std::string("connect_timeout: ") + value)) << value;
  }
}

TEST(TextTest, WrappersMapsAndBytes) {
  envoy::config::core::v3::DataSource source;
  EXPECT_EQ("", Yaml("inline_bytes: aGk=", source));
  EXPECT_EQ("hi", source.inline_bytes());
  EXPECT_EQ("", Yaml("inline_bytes: aGk", source));
  // The content may be a key, so the message does not repeat it.
  EXPECT_EQ("inline_bytes: expected base64 (at 1:15)\n", Yaml("inline_bytes: \"!!\"", source));
  Cluster cluster;
  EXPECT_EQ("", Yaml("per_connection_buffer_limit_bytes: {value: 5}", cluster));
  EXPECT_EQ(5u, cluster.per_connection_buffer_limit_bytes().value());
  envoy::config::core::v3::Metadata metadata;
  EXPECT_EQ("", Yaml("filter_metadata: {a: {n: 1, f: 1.5, b: yes, z: ~, l: [x, {y: 9999999999}]}}",
                     metadata));
  const auto& fields = metadata.filter_metadata().at("a").fields();
  EXPECT_EQ(1, fields.at("n").number_value());
  EXPECT_EQ("1.5", fields.at("f").string_value());  // As Envoy: fractions in YAML stay text.
  EXPECT_TRUE(fields.at("b").bool_value());
  EXPECT_TRUE(fields.at("z").has_null_value());
  EXPECT_EQ("x", fields.at("l").list_value().values(0).string_value());
  EXPECT_EQ("filter_metadata[\"a\"][\"k\"]: key is written twice (at 1:29)\n",
            Yaml("filter_metadata: {a: {k: 1, k: 2}}", metadata));
}

TEST(TextTest, ASingleValueForAList) {
  Bootstrap bootstrap;
  EXPECT_EQ("", Yaml("static_resources:\n  clusters: {name: a}\n", bootstrap));
  EXPECT_EQ("a", bootstrap.static_resources().clusters(0).name());
}

TEST(TextTest, AnyInline) {
  Cluster cluster;
  EXPECT_EQ("", Yaml(R"(
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    explicit_http_config: {http_protocol_options: {}}
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
)",
                     cluster));
  EXPECT_EQ(1u, cluster.typed_extension_protocol_options().size());
  google::protobuf::Any any;
  EXPECT_EQ("", Yaml(R"({"@type": type.googleapis.com/google.protobuf.Duration, value: 5s})", any));
  google::protobuf::Duration duration;
  ASSERT_TRUE(any.UnpackTo(&duration));
  EXPECT_EQ(5, duration.seconds());
  EXPECT_EQ("", Yaml("{}", any));
}

TEST(TextTest, AnyWithoutAKnownType) {
  google::protobuf::Any any;
  EXPECT_EQ(
      "\"@type\" value \"type.googleapis.com/foo.Bar\": expected a type of the API (at 1:1)\n",
      Yaml(R"({"@type": type.googleapis.com/foo.Bar, a: b})", any));
  EXPECT_EQ("no \"@type\": expected one like \"type.googleapis.com/envoy...\" (at 1:1)\n",
            Yaml("{value: b}", any));
  EXPECT_NE("", Yaml(R"({"@type": envoy.config.cluster.v3.Cluster})", any));
  EXPECT_NE("", Yaml(R"({"@type": [a]})", any));
  EXPECT_NE("", Yaml(R"({"@type": a/google.protobuf.Duration, value: 1s, x: 1})", any));
  EXPECT_NE("", Yaml(R"({"@type": a/google.protobuf.Duration})", any));
  EXPECT_NE("", Yaml("text", any));
}

TEST(TextTest, AllErrorsAtOnceWithPathAndPlace) {
  Bootstrap bootstrap;
  EXPECT_EQ(
      "static_resources.clusters[0].conect_timeout: unknown field of "
      "envoy.config.cluster.v3.Cluster; did you mean \"connect_timeout\"? (at 5:5)\n"
      "static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address."
      "socket_address.port_value: value \"http\": expected a whole number from 0 to 4294967295 (at "
      "10:81)\n"
      "zzz: unknown field of envoy.config.bootstrap.v3.Bootstrap (at 11:1)\n",
      Yaml(R"(
static_resources:
  clusters:
  - name: a
    conect_timeout: 1s
    load_assignment:
      cluster_name: a
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: http}}}
zzz: 1
)",
           bootstrap));
}

TEST(TextTest, WrittenTwice) {
  EXPECT_EQ("name: field 'name' is written twice (at 2:1)\n", ClusterYaml("name: a\nname: b"));
  EXPECT_EQ("connectTimeout: field 'connect_timeout' is written twice (at 2:1)\n",
            ClusterYaml("connect_timeout: 1s\nconnectTimeout: 1s"));
  envoy::config::route::v3::RouteMatch match;
  EXPECT_EQ(
      "path: field 'path' and another field of 'path_specifier' are both written; expected one (at "
      "1:15)\n",
      Yaml("{prefix: \"/\", path: /a}", match));
}

TEST(TextTest, AnchorsAliasesAndIgnoredKeys) {
  Bootstrap bootstrap;
  EXPECT_EQ("", Yaml(R"(
!ignore templates:
- &base {name: a, connect_timeout: 1s}
static_resources:
  clusters: [*base, *base]
)",
                     bootstrap));
  EXPECT_EQ(2, bootstrap.static_resources().clusters_size());
  EXPECT_EQ(
      "static_resources.clusters[0].<<: unknown field of envoy.config.cluster.v3.Cluster (at "
      "2:32)\n",
      Yaml("node: &b {id: a}\nstatic_resources: {clusters: [{<<: *b}]}", bootstrap));
}

TEST(TextTest, HostileYaml) {
  Bootstrap bootstrap;
  EXPECT_NE("", Yaml("a: *nothing", bootstrap));
  EXPECT_NE("", Yaml("a: &a [*a]", bootstrap));
  EXPECT_NE("", Yaml("node: {id: a}\n---\nnode: {id: b}", bootstrap));
  EXPECT_EQ("", Yaml("---\nnode: {id: a}\n---\n...\n", bootstrap));
  EXPECT_NE("", Yaml("", bootstrap));
  EXPECT_NE("", Yaml("text", bootstrap));
  EXPECT_NE("", Yaml("- a", bootstrap));
  EXPECT_NE("", Yaml("a: [", bootstrap));
  EXPECT_NE("", Yaml("a: \"\\x\"", bootstrap));
  EXPECT_NE("", Yaml("? {a: b}\n: c", bootstrap));
  EXPECT_NE("", Yaml("? [a]\n: c", bootstrap));
  EXPECT_NE("", Yaml(std::string(100'000, '['), bootstrap));
  EXPECT_NE("", Yaml(std::string("node: {id: \"a\xff\"}"), bootstrap));
}

TEST(TextTest, BillionLaughsIsCut) {
  std::string text = "!ignore a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string n = std::to_string(i);
    const std::string alias = "*a" + std::to_string(i - 1);
    text += "!ignore a" + n + ": &a" + n + " [";
    for (int k = 0; k < 10; ++k) text += (k == 0 ? "" : ", ") + alias;
    text += "]\n";
  }
  text += "node: {metadata: {a: *a9}}\n";
  Bootstrap bootstrap;
  ParseLimits limits;
  limits.max_alias_nodes = 10'000;
  const std::string errors = Yaml(text, bootstrap, limits);
  EXPECT_NE(std::string::npos, errors.find("aliases expand to more values")) << errors;
}

TEST(TextTest, LimitsOfDepthAndSize) {
  std::string deep = "node: {metadata: {a: ";
  for (int i = 0; i < 200; ++i) deep += '[';
  for (int i = 0; i < 200; ++i) deep += ']';
  deep += "}}";
  Bootstrap bootstrap;
  EXPECT_NE(std::string::npos, Yaml(deep, bootstrap).find("nested deeper than 100 levels"));
  ParseLimits limits;
  limits.max_bytes = 10;
  EXPECT_EQ("text of 13 bytes: expected at most 10\n", Yaml("node: {id: a}", bootstrap, limits));
  EXPECT_NE("", Json("{\"node\":{\"id\":\"a\"}}", bootstrap, limits));
}

TEST(TextTest, JsonSyntax) {
  Bootstrap bootstrap;
  EXPECT_EQ("",
            Json("\t{\"node\": {\"id\": \"\\ud83d\\ude00\\/\\n\\u00e9\", },\n}\r\n", bootstrap));
  EXPECT_EQ("\xF0\x9F\x98\x80/\n\xC3\xA9", bootstrap.node().id());
  for (const char* text : {"",
                           "{",
                           "{]",
                           "{\"node\"}",
                           "{\"node\": }",
                           "{\"node\": {\"id\": \"a\"}} x",
                           "null",
                           "[]",
                           "{'node': {}}",
                           "{node: {}}",
                           "{\"node\": {\"id\": \"\\ud83d\"}}",
                           "{\"node\": {\"id\": \"\\udc00\"}}",
                           "{\"node\": {\"id\": \"\\x41\"}}",
                           "{\"node\": {\"id\": \"\\u12\"}}",
                           "{\"node\": {\"id\": \"a",
                           "{\"node\": TRUE}",
                           "{\"cluster_manager\": 01}",
                           "{\"a\": 1.}",
                           "{\"a\": -}",
                           "{\"a\": 1e}",
                           "{,}",
                           "{\"node\": {\"id\": \"a\\"}) {
    EXPECT_NE("", Json(text, bootstrap)) << text;
  }
  EXPECT_EQ("JSON syntax: expected ',' or '}' (at 2:6)\n", Json("{\"node\":\n  {} x}", bootstrap));
}

TEST(TextTest, FilesByExtension) {
  Bootstrap bootstrap;
  bootstrap.mutable_node()->set_id("a");
  const std::pair<const char*, std::string> kFiles[] = {{"b.yaml", "node: {id: a}"},
                                                        {"b.YML", "node: {id: a}"},
                                                        {"b.json", "{\"node\":{\"id\":\"a\"}}"},
                                                        {"b", "{\"node\":{\"id\":\"a\"}}"},
                                                        {"b.pb", bootstrap.SerializeAsString()},
                                                        {"b.pb_text", "node { id: \"a\" }"}};
  for (const auto& [name, content] : kFiles) {
    Bootstrap parsed;
    Errors errors;
    ParseByFileName(name, content, parsed, errors);
    EXPECT_TRUE(errors.ok()) << name << errors.ToStatus();
    EXPECT_TRUE(Equal(bootstrap, parsed)) << name;
    Errors broken;
    ParseByFileName(name, "\x01 broken", parsed, broken);
    EXPECT_FALSE(broken.ok()) << name;
  }
}

TEST(TextTest, OverlayIsMergedLikeAProto) {
  Bootstrap bootstrap;
  ASSERT_EQ(
      "", Yaml("node: {id: a, cluster: c}\nstatic_resources: {clusters: [{name: x}]}", bootstrap));
  EXPECT_TRUE(
      MergeYaml(bootstrap, "node: {id: b}\nstatic_resources: {clusters: [{name: z}]}").ok());
  EXPECT_EQ("b", bootstrap.node().id());
  EXPECT_EQ("c", bootstrap.node().cluster());
  EXPECT_EQ(2, bootstrap.static_resources().clusters_size());
  EXPECT_FALSE(MergeYaml(bootstrap, "node: {id: d, x: 1}").ok());
  EXPECT_EQ("b", bootstrap.node().id());
  EXPECT_TRUE(MergeYaml(bootstrap, "{\"node\":{\"id\":\"j\"}}").ok());
  EXPECT_EQ("j", bootstrap.node().id());
}

}  // namespace
}  // namespace proxenos::config
