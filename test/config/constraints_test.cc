// The walk: which fields of which messages the rules reach. A small schema is compiled at run time,
// so that every kind of field occurs, whether or not the API has one with rules today.
#include "source/config/constraints.h"

#include <memory>
#include <string>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "validate/validate.pb.h"

namespace proxenos::config {
namespace {

using google::protobuf::Message;

std::string ErrorsOf(const Message& message) {
  Errors errors;
  CheckConstraints(message, errors);
  std::string lines;
  for (const Error& error : errors.list()) lines += error.ToString() + "\n";
  return lines;
}

struct FieldRow {
  const char* type;  // "string", "Leaf", "repeated T", "map<K, T>", "optional T", "choice T".
  const char* name;
  const char* rules;  // Text of a validate.FieldRules; may be empty.
};

constexpr FieldRow kTree[] = {
    {"Leaf", "required", "message { required: true }"},
    {"Leaf", "leaf", ""},
    {"Leaf", "skipped", "message { skip: true }"},
    {"repeated Leaf", "leaves", "repeated { min_items: 1 max_items: 2 }"},
    {"repeated uint32", "numbers", "repeated { unique: true items { uint32 { lt: 5 } } }"},
    {"map<string, uint32>", "counts",
     "map { max_pairs: 1 keys { string { min_len: 2 } } values { uint32 { gt: 0 } } }"},
    {"map<uint32, Leaf>", "sparse", "map { no_sparse: true }"},
    {"google.protobuf.UInt32Value", "wrapped", "uint32 { lte: 5 }"},
    {"google.protobuf.StringValue", "needed", "message { required: true } string { min_len: 1 }"},
    {"google.protobuf.Duration", "time", "duration { required: true gt {} }"},
    {"choice string", "a", "string { min_len: 1 }"},
    {"choice Leaf", "b", "message { required: true }"},
    {"optional string", "maybe", "string { min_len: 1 }"},
    {"Off", "off", ""},
    {"Tree", "tree", ""},
    {"repeated string", "few", "repeated { min_items: 2 ignore_empty: true }"},
    {"repeated Leaf", "unchecked", "repeated { items { message { skip: true } } }"},
    {"Plain", "plain", ""},
};
constexpr FieldRow kLeaf[] = {{"string", "name", "string { min_len: 1 }"}};
constexpr FieldRow kPlain[] = {{"string", "name", ""}};
constexpr FieldRow kOff[] = {{"Leaf", "leaf", "message { required: true }"}};

// The sample types as descriptors, made from the rows above.
class Schema {
 public:
  Schema() : pool_(google::protobuf::DescriptorPool::generated_pool()) {
    google::protobuf::FileDescriptorProto file;
    file.set_name("sample.proto");
    file.set_package("sample");
    file.set_syntax("proto3");
    file.add_dependency("validate/validate.proto");
    file.add_dependency("google/protobuf/wrappers.proto");
    file.add_dependency("google/protobuf/duration.proto");
    AddMessage(file, "Leaf", kLeaf);
    AddMessage(file, "Plain", kPlain);
    AddMessage(file, "Off", kOff).mutable_options()->SetExtension(validate::disabled, true);
    auto& choice = *AddMessage(file, "Tree", kTree).mutable_oneof_decl(0);
    choice.mutable_options()->SetExtension(validate::required, true);
    EXPECT_NE(nullptr, pool_.BuildFile(file));
    factory_.SetDelegateToGeneratedFactory(true);
  }

  std::string Check(const std::string& text) {
    const auto* type = pool_.FindMessageTypeByName("sample.Tree");
    const std::unique_ptr<Message> message(factory_.GetPrototype(type)->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get())) << text;
    return ErrorsOf(*message);
  }

 private:
  using Field = google::protobuf::FieldDescriptorProto;
  using MessageType = google::protobuf::DescriptorProto;

  static bool TakePrefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
  }

  template <size_t N>
  static MessageType& AddMessage(google::protobuf::FileDescriptorProto& file, const char* name,
                                 const FieldRow (&rows)[N]) {
    MessageType& message = *file.add_message_type();
    message.set_name(name);
    for (const FieldRow& row : rows) AddField(message, row);
    // The oneof of an `optional` field comes after the real ones.
    for (Field& field : *message.mutable_field()) {
      if (!field.proto3_optional()) continue;
      field.set_oneof_index(message.oneof_decl_size());
      message.add_oneof_decl()->set_name("_" + field.name());
    }
    return message;
  }

  static void AddField(MessageType& message, const FieldRow& row) {
    std::string_view type = row.type;
    Field& field = *message.add_field();
    field.set_name(row.name);
    field.set_number(message.field_size());
    field.set_label(Field::LABEL_OPTIONAL);
    if (TakePrefix(type, "choice ")) {
      if (message.oneof_decl_size() == 0) message.add_oneof_decl()->set_name("choice");
      field.set_oneof_index(0);
    } else if (TakePrefix(type, "optional ")) {
      field.set_proto3_optional(true);
    } else if (TakePrefix(type, "repeated ")) {
      field.set_label(Field::LABEL_REPEATED);
    } else if (TakePrefix(type, "map<")) {
      AddMap(message, field, type.substr(0, type.size() - 1));
      type = {};
    }
    if (!type.empty()) SetType(field, type);
    if (row.rules[0] != '\0') {
      auto& rules = *field.mutable_options()->MutableExtension(validate::rules);
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(row.rules, &rules)) << row.rules;
    }
  }

  static void AddMap(MessageType& message, Field& field, std::string_view key_and_value) {
    const size_t comma = key_and_value.find(", ");
    std::string name = field.name() + "Entry";
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
    MessageType& entry = *message.add_nested_type();
    entry.set_name(name);
    entry.mutable_options()->set_map_entry(true);
    int number = 0;
    for (const std::string_view type :
         {key_and_value.substr(0, comma), key_and_value.substr(comma + 2)}) {
      Field& part = *entry.add_field();
      part.set_name(number == 0 ? "key" : "value");
      part.set_number(++number);
      part.set_label(Field::LABEL_OPTIONAL);
      SetType(part, type);
    }
    field.set_label(Field::LABEL_REPEATED);
    field.set_type(Field::TYPE_MESSAGE);
    field.set_type_name(name);
  }

  static void SetType(Field& field, std::string_view type) {
    if (type == "string") return field.set_type(Field::TYPE_STRING);
    if (type == "uint32") return field.set_type(Field::TYPE_UINT32);
    field.set_type(Field::TYPE_MESSAGE);
    field.set_type_name(std::string(type));
  }

  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
};

constexpr char kGood[] =
    "required { name: 'a' } leaves { name: 'a' } needed { value: 'x' } time { seconds: 1 } a: 'x' ";

struct WalkCase {
  const char* text;
  const char* errors;
};

TEST(ConstraintsTest, ReachesEveryKindOfField) {
  constexpr WalkCase kCases[] = {
      {"", ""},
      {"leaf {}", "leaf.name: value \"\": expected at least 1 character\n"},
      {"skipped {}", ""},
      {"off {}", ""},
      {"leaves {}", "leaves[1].name: value \"\": expected at least 1 character\n"},
      {"leaves { name: 'a' } leaves { name: 'a' }", "leaves: 3 items: expected at most 2\n"},
      {"numbers: [1, 2, 1]", "numbers[2]: value 1: expected each value once only\n"},
      {"numbers: [1, 7]", "numbers[1]: value 7: expected less than 5\n"},
      {"counts { key: 'ab' value: 1 }", ""},
      {"counts { key: 'a' value: 0 }",
       "counts[\"a\"]: value \"a\": expected at least 2 characters\n"
       "counts[\"a\"]: value 0: expected more than 0\n"},
      {"counts { key: 'ab' value: 1 } counts { key: 'ac' value: 1 }",
       "counts: 2 entries: expected at most 1\n"},
      {"sparse { key: 3 value {} }",
       "sparse[\"3\"]: empty: expected a value\n"
       "sparse[\"3\"].name: value \"\": expected at least 1 character\n"},
      {"wrapped { value: 5 }", ""},
      {"wrapped { value: 6 }", "wrapped: value 6: expected at most 5\n"},
      {"maybe: ''", "maybe: value \"\": expected at least 1 character\n"},
      {"few: 'a'", "few: 1 items: expected at least 2\n"},
      {"unchecked {}", ""},
      {"plain {}", ""},
      {"tree { required { name: 'a' } leaves { name: 'a' } needed { value: '' } time {} b {} }",
       "tree.needed: value \"\": expected at least 1 character\n"
       "tree.time: value {}: expected more than 0s\n"
       "tree.b.name: value \"\": expected at least 1 character\n"},
  };
  Schema schema;
  for (const WalkCase& c : kCases) {
    EXPECT_EQ(c.errors, schema.Check(std::string(kGood) + c.text)) << c.text;
  }
  EXPECT_EQ(
      "nothing set of 'choice': expected one of a, b\n"
      "required: not set: expected a value\n"
      "leaves: 0 items: expected at least 1\n"
      "needed: not set: expected a value\n"
      "time: not set: expected a value\n",
      schema.Check(""));
}

TEST(ConstraintsTest, TheApiInsideAnyToo) {
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  Errors errors;
  ParseYaml(R"(
static_resources:
  clusters:
  - name: ""
    connect_timeout: 0s
  listeners:
  - address: {socket_address: {address: "", port_value: 70000}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": "type.googleapis.com/envoy.extensions.filters.network.\
            http_connection_manager.v3.HttpConnectionManager"
          stat_prefix: ""
          route_config:
            virtual_hosts: [{name: a, domains: []}]
          http_filters:
          - name: x
            typed_config:
              "@type": type.googleapis.com/xds.type.v3.TypedStruct
              type_url: type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              value: {abort: {percentage: {numerator: 1}}}
)",
            bootstrap, errors);
  ASSERT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_EQ(
      "static_resources.listeners[0].address.socket_address.address: value \"\": expected at least "
      "1 character\n"
      "static_resources.listeners[0].address.socket_address.port_value: value 70000: expected at "
      "most 65535\n"
      "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefix: value "
      "\"\": expected at least 1 character\n"
      "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config."
      "virtual_hosts[0].domains: 0 items: expected at least 1\n"
      "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0]."
      "typed_config.abort: nothing set of 'error_type': expected one of http_status, grpc_status, "
      "header_abort\n"
      "static_resources.clusters[0].name: value \"\": expected at least 1 character\n"
      "static_resources.clusters[0].connect_timeout: value {}: expected more than 0s\n",
      ErrorsOf(bootstrap));
}

TEST(ConstraintsTest, BrokenAnyIsAnErrorAndAnUnknownTypeIsNot) {
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/envoy.config.cluster.v3.Cluster");
  any.set_value("\xff");
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name("a");
  (*cluster.mutable_typed_extension_protocol_options())["x"] = any;
  EXPECT_EQ(
      "typed_extension_protocol_options[\"x\"]: broken bytes of envoy.config.cluster.v3.Cluster\n",
      ErrorsOf(cluster));
  any.set_type_url("type.googleapis.com/no.Such");
  (*cluster.mutable_typed_extension_protocol_options())["x"] = any;
  EXPECT_EQ("", ErrorsOf(cluster));
}

TEST(ConstraintsTest, AnyWithinAnyEnds) {
  google::protobuf::Any any;
  for (int i = 0; i < 100; ++i) {
    envoy::config::cluster::v3::Cluster cluster;
    cluster.set_name("a");
    if (i > 0) (*cluster.mutable_typed_extension_protocol_options())["x"] = any;
    any.PackFrom(cluster);
  }
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name("a");
  (*cluster.mutable_typed_extension_protocol_options())["x"] = any;
  EXPECT_NE(std::string::npos, ErrorsOf(cluster).find("Any nested deeper than 16 levels"));
}

TEST(ConstraintsTest, SecretsAreNotRepeatedInErrors) {
  envoy::extensions::transport_sockets::tls::v3::TlsCertificate certificate;
  certificate.mutable_private_key()->set_filename("");
  EXPECT_EQ("private_key.filename: value [redacted]: expected at least 1 character\n",
            ErrorsOf(certificate));
}

}  // namespace
}  // namespace proxenos::config
