// What an external processor is told of a request besides its messages: attributes, once for each
// direction; and what the filter leaves of itself in filter state.
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/struct.pb.h"
#include "test/filters/http/ext_proc_world.h"

namespace proxenos::filters {
namespace {

// "name=value;" of the attributes that come with a question, by name.
std::string AttributesOf(const ProcessingRequest& request) {
  std::string text;
  const auto found = request.attributes().find("envoy.filters.http.ext_proc");
  if (found == request.attributes().end()) return request.attributes().empty() ? "-" : "other";
  std::map<std::string, google::protobuf::Value> values(found->second.fields().begin(),
                                                        found->second.fields().end());
  for (const auto& [name, value] : values) {
    absl::StrAppend(&text, name, "=", value.ShortDebugString(), ";");
  }
  return text;
}

TEST_F(ExtProcTest, AttributesComeWithTheFirstQuestionOfADirection) {
  Begin(R"(processing_mode { request_body_mode: STREAMED }
           request_attributes: "request.path"
           request_attributes: "request.method == 'POST'"
           request_attributes: "request.size"
           request_attributes: "request.headers['x-one']"
           request_attributes: "request.headers['x-none']"
           request_attributes: "request.headers"
           response_attributes: "response.code"
           response_attributes: "request.method"
           response_attributes: "response.headers['x-bytes']")",
        {{"x-one", "1"}, {"content-length", "3"}});
  stream().SendRequest(false);
  EXPECT_EQ(AttributesOf(Next()),
            "request.headers=string_value: \"CelMap value\";"
            "request.headers['x-one']=string_value: \"1\";"
            "request.method == 'POST'=bool_value: true;"
            "request.path=string_value: \"/service/Method\";request.size=number_value: 3;");
  Answer("request_headers {}");
  ASSERT_TRUE(Passes());
  stream().SendRequestBody("abc", true);
  EXPECT_EQ(AttributesOf(Next()), "-");
  Answer("request_body {}");
  ASSERT_TRUE(Ends());
  stream().response.headers.Add("x-bytes", "a\xff");
  stream().SendResponse(204, "", true);
  EXPECT_EQ(AttributesOf(Next()),
            "request.method=string_value: \"POST\";response.code=number_value: 204;"
            "response.headers['x-bytes']=string_value: \"a!\";");
  Answer("response_headers {}");
  ASSERT_TRUE(Responds());
}

// What gateways name to learn which of their backends was chosen.
TEST_F(ExtProcTest, MetadataOfTheHostAndItsCluster) {
  envoy::config::core::v3::Metadata host;
  (*(*host.mutable_filter_metadata())["gateway"].mutable_fields())["backend"].set_string_value("b");
  const std::string of_host = host.SerializeAsString();
  const std::string of_cluster;
  Begin(R"x(request_attributes: "xds.upstream_host_metadata.filter_metadata['gateway']['backend']"
           request_attributes: "xds.upstream_host_metadata.filter_metadata['none']['backend']"
           request_attributes: "'gateway' in xds.cluster_metadata.filter_metadata"
           request_attributes: "size(xds.upstream_host_metadata.filter_metadata)")x");
  stream().info.upstream_metadata = &of_host;
  stream().info.cluster_metadata = &of_cluster;
  stream().SendRequest(true);
  EXPECT_EQ(
      AttributesOf(Next()),
      "'gateway' in xds.cluster_metadata.filter_metadata=bool_value: false;"
      "size(xds.upstream_host_metadata.filter_metadata)=number_value: 1;"
      "xds.upstream_host_metadata.filter_metadata['gateway']['backend']=string_value: \"b\";");
}

TEST_F(ExtProcTest, MetadataAsAWhole) {
  envoy::config::core::v3::Metadata host;
  auto& fields = *(*host.mutable_filter_metadata())["gate\"way"].mutable_fields();
  fields["text"].set_string_value("a\nb\"\xc3\xa9");
  fields["none"].set_null_value(google::protobuf::NULL_VALUE);
  fields["flag"].set_bool_value(false);
  fields["third"].set_number_value(1.0 / 3);
  fields["many"].set_number_value(1e21);
  fields["list"].mutable_list_value()->add_values()->set_number_value(-2);
  fields["empty"].mutable_list_value();
  (*fields["inner"].mutable_struct_value()->mutable_fields())["x"].set_string_value("");
  (*host.mutable_filter_metadata())["a"];
  const std::string of_host = host.SerializeAsString();
  const std::string none;
  const auto told = [this](const std::string* metadata) {
    Begin(R"(request_attributes: "xds.upstream_host_metadata"
             request_attributes: "xds.cluster_metadata"
             request_attributes: "xds.route_metadata")");
    stream().info.upstream_metadata = metadata;
    stream().info.cluster_metadata = metadata;
    stream().SendRequest(true);
    std::map<std::string, std::string> values;
    const auto asked = Next();
    for (const auto& [name, value] :
         asked.attributes().at("envoy.filters.http.ext_proc").fields()) {
      values[name] = value.string_value();
    }
    return values;
  };
  const std::map<std::string, std::string> whole = told(&of_host);
  EXPECT_EQ(whole.at("xds.upstream_host_metadata"), host.ShortDebugString() + " ");
  EXPECT_EQ(whole.at("xds.cluster_metadata"), host.ShortDebugString() + " ");
  EXPECT_EQ(whole.at("xds.route_metadata"), "");
  const std::map<std::string, std::string> of_nothing{{"xds.upstream_host_metadata", "NULL"},
                                                      {"xds.cluster_metadata", ""},
                                                      {"xds.route_metadata", ""}};
  EXPECT_EQ(told(&none), of_nothing);
  // Before a host has been picked there is nobody to ask about.
  EXPECT_EQ(told(nullptr).count("xds.upstream_host_metadata"), 0u);
}

TEST_F(ExtProcTest, AttributesWaitForAQuestion) {
  // Nothing is known of the response's head that the processor would be told.
  Begin(R"(processing_mode { request_header_mode: SKIP response_header_mode: SKIP
                             response_body_mode: BUFFERED }
           response_attributes: "response.code" response_attributes: "response.grpc_status")");
  stream().SendRequest(true);
  ASSERT_TRUE(Passes());
  stream().SendResponse(200, "body", true);
  const ProcessingRequest asked = Next();
  EXPECT_EQ(asked.response_body().body(), "body");
  EXPECT_EQ(AttributesOf(asked),
            "response.code=number_value: 200;response.grpc_status=number_value: 2;");
  Answer("response_body {}");
  ASSERT_TRUE(Responds());
}

TEST_F(ExtProcTest, AnObserverIsToldAttributesToo) {
  Begin(R"(observability_mode: true request_attributes: "request.method")");
  stream().SendRequest(true);
  EXPECT_EQ(AttributesOf(Next()), "request.method=string_value: \"POST\";");
  EXPECT_TRUE(stream().request_out.head);
}

TEST_F(ExtProcTest, AttributesThatCannotBe) {
  const auto wrong = [](const std::string& text) {
    config::Errors errors;
    const auto any = Pack<v3::ExternalProcessor>(kService + text);
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (any.type_url() != absl::StrCat("type.googleapis.com/", kind.type)) continue;
      EXPECT_EQ(kind.create(any, config::Path("f"), errors), nullptr);
    }
    return errors.ToStatus().ToString();
  };
  EXPECT_NE(wrong("request_attributes: 'request.colour'").find("f.request_attributes[0]"),
            std::string::npos);
  EXPECT_NE(wrong("request_attributes: 'response.code'").find("f.request_attributes[0]"),
            std::string::npos);
  EXPECT_NE(wrong("response_attributes: '1 +'").find("f.response_attributes[0]"),
            std::string::npos);
}

TEST_F(ExtProcTest, MetadataOfTheFilterStandsInFilterState) {
  Begin(R"(filter_metadata { fields { key: "team" value { string_value: "edge" } }
                             fields { key: "tier" value { number_value: 2 } } })");
  const std::string* noted = stream().info.state.Find("f");
  ASSERT_NE(noted, nullptr);
  EXPECT_EQ(*noted, R"({"team":"edge","tier":2})");
}

}  // namespace
}  // namespace proxenos::filters
