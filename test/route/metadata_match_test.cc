// What requests ask of subsets: routes, weighted clusters and dynamic metadata over each other.
#include "source/route/metadata_match.h"

#include <string>

#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "source/json/flat_struct_config.h"
#include "source/json/parse.h"
#include "source/route/metadata_match_config.h"
#include "source/route/metadata_value.h"

namespace proxenos::route {
namespace {

google::protobuf::Struct StructOf(const std::string& text) {
  google::protobuf::Struct proto;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &proto).ok()) << text;
  return proto;
}

MetadataFields Fields(const std::string& text) { return json::FlattenStruct(StructOf(text)); }

std::shared_ptr<const MetadataMatch> Compile(const std::string& text,
                                             std::shared_ptr<const MetadataMatch> under = nullptr) {
  envoy::config::core::v3::Metadata proto;
  (*proto.mutable_filter_metadata())[kLbMetadata] = StructOf(text);
  return CompileMetadataMatch(proto, std::move(under));
}

json::Object ObjectOf(const std::string& text) {
  std::optional<json::Value> value = json::Parse(text);
  EXPECT_TRUE(value.has_value() && value->object() != nullptr) << text;
  return *value->object();
}

TEST(MetadataMatchTest, ValuesAreTheBytesOfProtobuf) {
  for (const char* text :
       {R"({"a":"text","b":1.5,"c":true,"d":null,"e":[1,"x",[]],"f":{"z":0,"y":{"x":false}}})",
        R"({"a":"","b":0,"c":false,"e":[],"f":{},"n":-3})"}) {
    MetadataFields fields;
    for (const auto& [name, value] : ObjectOf(text)) {
      fields.emplace_back(name, std::string());
      AppendProtoValue(value, fields.back().second);
    }
    EXPECT_EQ(fields, Fields(text)) << text;
  }
  const std::string text(300, 'x');
  std::string bytes;
  AppendProtoValue(json::Value(text), bytes);
  EXPECT_EQ(bytes, Fields(R"({"a":")" + text + R"("})")[0].second);
}

TEST(MetadataMatchTest, AClustersOwnIsOverTheRoutes) {
  const auto route = Compile(R"({"stage":"prod","version":"1"})");
  EXPECT_EQ(Compile(R"({"version":"2","x":"y"})", route)->fields,
            Fields(R"({"stage":"prod","version":"2","x":"y"})"));
  EXPECT_EQ(CompileMetadataMatch({}, route), route);
  EXPECT_EQ(CompileMetadataMatch({}, nullptr), nullptr);
  EXPECT_TRUE(route->fallbacks.empty());
}

TEST(MetadataMatchTest, ARequestsOwnIsOverBoth) {
  const auto route = Compile(R"({"stage":"prod","version":"1"})");
  EXPECT_EQ(MergeMatch(route.get(), ObjectOf(R"({"a":1,"version":"2"})")).fields,
            Fields(R"({"a":1,"stage":"prod","version":"2"})"));
  EXPECT_EQ(MergeMatch(nullptr, ObjectOf(R"({"a":true})")).fields, Fields(R"({"a":true})"));
}

TEST(MetadataMatchTest, FallbackListsAreMerged) {
  const auto match =
      Compile(R"({"version":"1","fallback_list":[{"version":"2","hw":"c64"},7,{"hw":"c32"},{}]})");
  const std::vector<MetadataFields> expected = {Fields(R"({"hw":"c64","version":"2"})"),
                                                Fields(R"({"hw":"c32","version":"1"})"),
                                                Fields(R"({"version":"1"})")};
  EXPECT_EQ(match->fallbacks, expected);
  EXPECT_EQ(match->fields.size(), 2u);
  const MetadataMatch merged = MergeMatch(match.get(), ObjectOf(R"({"version":"3"})"));
  EXPECT_EQ(merged.fallbacks[0], expected[0]);
  EXPECT_EQ(merged.fallbacks[1], Fields(R"({"hw":"c32","version":"3"})"));
  EXPECT_EQ(Compile(R"({"version":"1","fallback_list":[]})")->fallbacks,
            std::vector<MetadataFields>{Fields(R"({"version":"1"})")});
}

}  // namespace
}  // namespace proxenos::route
