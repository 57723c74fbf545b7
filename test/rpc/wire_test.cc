// The wire format against protobuf's own reader and writer.
#include "source/rpc/wire.h"

#include <optional>
#include <string>

#include "envoy/service/auth/v3/external_auth.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "gtest/gtest.h"
#include "source/json/parse.h"
#include "source/json/struct_config.h"
#include "source/rpc/header_wire.h"

namespace proxenos::rpc {
namespace {

constexpr char kSample[] =
    R"({"deep":{"a":{"b":"c"}},"list":[1,"a",[{}]],"none":null,"number":1.5,"text":"t"})";

TEST(WireTest, ProtobufReadsWhatIsWritten) {
  std::string message;
  WireWriter(message).Message(1, [](WireWriter& attributes) {
    attributes.Message(4, [](WireWriter& request) {
      request.Timestamp(1, 1'700'000'000'123'456);
      request.Message(2, [](WireWriter& http) {
        http.Text(2, std::string(300, 'M'));  // A length of two bytes.
        http.Entry(3, "name", "value");
        http.Number(9, 1'000'000'000'000);
      });
    });
    attributes.Message(11, [](WireWriter& metadata) {
      metadata.Message(1, [](WireWriter& entry) {
        entry.Text(1, "space");
        entry.Struct(2, *json::ParseObject(kSample));
      });
    });
  });
  envoy::service::auth::v3::CheckRequest read;
  ASSERT_TRUE(read.ParseFromString(message));
  const auto& request = read.attributes().request();
  EXPECT_EQ(request.time().seconds(), 1'700'000'000);
  EXPECT_EQ(request.time().nanos(), 123'456'000);
  EXPECT_EQ(request.http().method(), std::string(300, 'M'));
  EXPECT_EQ(request.http().headers().at("name"), "value");
  EXPECT_EQ(request.http().size(), 1'000'000'000'000);
  const auto& space = read.attributes().metadata_context().filter_metadata().at("space");
  EXPECT_EQ(json::ToJson(json::Value(json::FromProto(space))), kSample);
}

// Protobuf's readers take no message with such a string in it.
TEST(WireTest, WhatIsNoTextIsMarked) {
  envoy::service::auth::v3::AttributeContext::HttpRequest http;
  std::string message;
  WireWriter(message).Entry(3, "a\xff", "b\xc3");
  ASSERT_TRUE(http.ParseFromString(message));
  EXPECT_EQ(http.headers().at("a!"), "b!");
  json::Object object;
  object.emplace("k\xff", json::Value(std::string("\xe2\x82\xac\xff")));
  object.emplace("list", json::Value(json::List{json::Value(std::string("\x80"))}));
  std::string bytes;
  WireWriter(bytes).Struct(1, object);
  WireReader reader(bytes);
  ASSERT_TRUE(reader.Next());
  google::protobuf::Struct proto;
  ASSERT_TRUE(proto.ParseFromString(std::string(reader.bytes())));
  EXPECT_EQ(proto.fields().at("k!").string_value(), "\xe2\x82\xac!");
  EXPECT_EQ(proto.fields().at("list").list_value().values(0).string_value(), "!");
}

TEST(WireTest, ReadsWhatProtobufWrites) {
  google::protobuf::Struct proto;
  auto& fields = *proto.mutable_fields();
  fields["text"].set_string_value("t");
  fields["number"].set_number_value(-1.5);
  fields["yes"].set_bool_value(true);
  fields["none"].set_null_value(google::protobuf::NULL_VALUE);
  fields["list"].mutable_list_value()->add_values()->set_number_value(2);
  (*fields["deep"].mutable_struct_value()->mutable_fields())["a"].set_string_value("b");
  const auto object = ReadStruct(proto.SerializeAsString());
  ASSERT_TRUE(object.has_value());
  EXPECT_EQ(*object, json::FromProto(proto));
  EXPECT_EQ(json::ToJson(json::Value(*object)),
            R"({"deep":{"a":"b"},"list":[2],"none":null,"number":-1.5,"text":"t","yes":true})");
}

TEST(WireTest, BrokenMessagesAreNotRead) {
  google::protobuf::Struct proto;
  (*proto.mutable_fields())["k"].mutable_struct_value();
  (*(*proto.mutable_fields())["k"].mutable_struct_value()->mutable_fields())["n"].set_string_value(
      "value");
  const std::string whole = proto.SerializeAsString();
  ASSERT_TRUE(ReadStruct(whole).has_value());
  for (size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(ReadStruct(whole.substr(0, size)).has_value()) << size;
  }
  for (const std::string& broken :
       {std::string("\xff", 1), std::string("\x0a\xff\xff\xff\xff\x0f"), std::string("\x0b"),
        std::string(1, '\0'), std::string("\x09\x01"), std::string(11, '\xff')}) {
    WireReader reader(broken);
    while (reader.Next()) {
    }
    EXPECT_FALSE(reader.ok()) << broken;
  }
}

TEST(WireTest, NestingIsLimited) {
  const auto nested = [](int depth) {
    google::protobuf::Struct proto;
    google::protobuf::Struct* level = &proto;
    for (int i = 0; i < depth; ++i) {
      level = (*level->mutable_fields())["x"].mutable_struct_value();
    }
    return proto.SerializeAsString();
  };
  EXPECT_TRUE(ReadStruct(nested(json::kMaxDepth)).has_value());
  EXPECT_FALSE(ReadStruct(nested(json::kMaxDepth + 1)).has_value());
}

TEST(HeaderWire, ReadsAnOptionWhole) {
  std::string bytes;
  WireWriter writer(bytes);
  writer.Message(1, [](WireWriter& header) {
    header.Text(1, "X-Name");
    header.Text(3, "raw");
  });
  writer.Message(2, [](WireWriter& flag) { flag.Flag(1, true); });
  writer.Number(3, 2);
  HeaderOption option;
  ASSERT_TRUE(ReadHeaderOption(bytes, &option));
  EXPECT_EQ(option.name, "x-name");
  EXPECT_EQ(option.value, "raw");
  EXPECT_EQ(option.append, std::optional<bool>(true));
  EXPECT_EQ(option.action, 2u);
  bytes.pop_back();
  HeaderOption cut;
  EXPECT_FALSE(ReadHeaderOption(bytes, &cut));
}

TEST(HeaderWire, NamesOfPairsKeepTheirCase) {
  std::string bytes;
  WireWriter writer(bytes);
  writer.Text(1, "Key");
  writer.Text(2, "text");
  writer.Text(3, "");
  std::string name;
  std::string value;
  ASSERT_TRUE(ReadNameAndValue(bytes, &name, &value));
  EXPECT_EQ(name, "Key");
  EXPECT_EQ(value, "text");
}

}  // namespace
}  // namespace proxenos::rpc
