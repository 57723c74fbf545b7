// The transcoder: rules and what they bind, bodies, answers of one message and of many, errors, and
// what is left alone or refused.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit.pb.h"
#include "envoy/extensions/filters/http/grpc_json_transcoder/v3/transcoder.pb.h"
#include "google/api/annotations.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using google::protobuf::TextFormat;
using Proto = envoy::extensions::filters::http::grpc_json_transcoder::v3::GrpcJsonTranscoder;

constexpr char kFile[] = R"(
  name: "shop.proto" package: "shop" syntax: "proto3"
  dependency: "google/protobuf/timestamp.proto" dependency: "google/api/httpbody.proto"
  message_type { name: "Item"
    field { name: "id" number: 1 type: TYPE_INT64
      label: LABEL_OPTIONAL json_name: "id" }
    field { name: "full_name" number: 2 type: TYPE_STRING
      label: LABEL_OPTIONAL json_name: "fullName" }
    field { name: "tags" number: 3 type: TYPE_STRING
      label: LABEL_REPEATED json_name: "tags" }
    field { name: "color" number: 4 type: TYPE_ENUM type_name: ".shop.Color"
      label: LABEL_OPTIONAL json_name: "color" }
    field { name: "made" number: 5 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp"
      label: LABEL_OPTIONAL json_name: "made" }
    field { name: "data" number: 6 type: TYPE_BYTES
      label: LABEL_OPTIONAL json_name: "data" }
    field { name: "sold" number: 7 type: TYPE_BOOL
      label: LABEL_OPTIONAL json_name: "sold" } }
  message_type { name: "Ask"
    field { name: "shelf" number: 1 type: TYPE_STRING
      label: LABEL_OPTIONAL json_name: "shelf" }
    field { name: "item" number: 2 type: TYPE_MESSAGE type_name: ".shop.Item"
      label: LABEL_OPTIONAL json_name: "item" }
    field { name: "limit" number: 3 type: TYPE_INT32
      label: LABEL_OPTIONAL json_name: "limit" }
    field { name: "n" number: 4 type: TYPE_MESSAGE type_name: ".shop.Ask"
      label: LABEL_OPTIONAL json_name: "n" }
    field { name: "files" number: 5 type: TYPE_MESSAGE type_name: ".google.api.HttpBody"
      label: LABEL_REPEATED json_name: "files" }
    field { name: "file" number: 6 type: TYPE_MESSAGE type_name: ".google.api.HttpBody"
      label: LABEL_OPTIONAL json_name: "file" } }
  enum_type { name: "Color" value { name: "NONE" number: 0 } value { name: "RED" number: 1 } }
  service { name: "Shop"
    method { name: "Get" input_type: ".shop.Ask" output_type: ".shop.Item"
      options { [google.api.http] { get: "/v1/shelves/{shelf}/items/{item.id}"
        additional_bindings { get: "/v1/{shelf=all/*}" }
        additional_bindings { get: "/v1/deep/{shelf=**}" }
        additional_bindings { custom { kind: "LOOK" path: "/v1/look" } } } } }
    method { name: "Put" input_type: ".shop.Ask" output_type: ".shop.Item"
      options { [google.api.http] { post: "/v1/shelves/{shelf}/items" body: "item"
        additional_bindings { put: "/v1/whole/{shelf}" body: "*" }
        additional_bindings { post: "/v1/limit" body: "limit" }
        additional_bindings { post: "/v1/shelves/{shelf}:clear" } } } }
    method { name: "List" input_type: ".shop.Ask" output_type: ".shop.Item" server_streaming: true
      options { [google.api.http] { get: "/v1/list" } } }
    method { name: "Fill" input_type: ".shop.Ask" output_type: ".shop.Item" client_streaming: true
      options { [google.api.http] { post: "/v1/fill/{shelf}" body: "*" } } }
    method { name: "Raw" input_type: ".shop.Ask" output_type: ".google.api.HttpBody"
      options { [google.api.http] { get: "/v1/raw" } } }
    method { name: "RawList" input_type: ".shop.Ask" output_type: ".google.api.HttpBody"
      server_streaming: true options { [google.api.http] { get: "/v1/raws" } } }
    method { name: "Echo" input_type: ".shop.Ask" output_type: ".shop.Ask" server_streaming: true
      options { [google.api.http] { post: "/v1/files" body: "files" response_body: "file"
        additional_bindings { post: "/v1/file" body: "file" } } } }
    method { name: "Plain" input_type: ".shop.Ask" output_type: ".shop.Item" } }
)";

constexpr char kHttpBodyFile[] = R"(
  name: "google/api/httpbody.proto" package: "google.api" syntax: "proto3"
  message_type { name: "HttpBody"
    field { name: "content_type" number: 1 type: TYPE_STRING
      label: LABEL_OPTIONAL json_name: "contentType" }
    field { name: "data" number: 2 type: TYPE_BYTES
      label: LABEL_OPTIONAL json_name: "data" } }
)";

class GrpcJsonTranscoderTest : public ::testing::Test {
 protected:
  GrpcJsonTranscoderTest() {
    EXPECT_TRUE(TextFormat::ParseFromString(kHttpBodyFile, set_.add_file()));
    EXPECT_TRUE(TextFormat::ParseFromString(kFile, set_.add_file()));
    google::protobuf::FileDescriptorProto time;
    google::protobuf::DescriptorPool::generated_pool()
        ->FindFileByName("google/protobuf/timestamp.proto")
        ->CopyTo(&time);
    pool_.BuildFile(time);
    pool_.BuildFile(set_.file(0));
    EXPECT_NE(pool_.BuildFile(set_.file(1)), nullptr);
  }

  google::protobuf::Any Config(const std::string& text) {
    Proto proto;
    EXPECT_TRUE(TextFormat::ParseFromString(text, &proto));
    proto.set_proto_descriptor_bin(set_.SerializeAsString());
    proto.add_services("shop.Shop");
    google::protobuf::Any any;
    any.PackFrom(proto);
    return any;
  }
  void Begin(const std::string& method, const std::string& path, const std::string& text = "",
             const Fields& fields = {}) {
    stream_ = MakeStream(Config(text), {.method = method, .path = path, .fields = fields});
  }
  // The whole request; what the service gets of it, as text, or the answer when it is refused.
  std::string Send(const std::string& method, const std::string& path, const std::string& body = "",
                   const std::string& text = "") {
    Begin(method, path, text, {{"content-type", "application/json"}});
    stream_->SendRequest(body.empty());
    if (!body.empty()) stream_->SendRequestBody(body, true);
    if (stream_->replied()) return ResponseText(*stream_);
    return Messages("shop.Ask", stream_->request_out.body.ToString());
  }
  std::string Messages(const std::string& type, std::string frames) {
    std::string text;
    google::protobuf::DynamicMessageFactory factory(&pool_);
    while (frames.size() >= 5) {
      const size_t size = static_cast<uint8_t>(frames[3]) * 256u + static_cast<uint8_t>(frames[4]);
      std::unique_ptr<google::protobuf::Message> message(
          factory.GetPrototype(pool_.FindMessageTypeByName(type))->New());
      EXPECT_TRUE(message->ParseFromString(frames.substr(5, size)));
      if (!text.empty()) text += " | ";
      text += message->ShortDebugString();
      frames.erase(0, 5 + size);
    }
    EXPECT_EQ(frames, "");
    return text;
  }
  std::string Item(const std::string& text) {
    google::protobuf::DynamicMessageFactory factory(&pool_);
    std::unique_ptr<google::protobuf::Message> message(
        factory.GetPrototype(pool_.FindMessageTypeByName("shop.Item"))->New());
    EXPECT_TRUE(TextFormat::ParseFromString(text, message.get()));
    return Frame(message->SerializeAsString());
  }
  void Answer(const std::string& body, const Fields& trailers = {{"grpc-status", "0"}}) {
    stream_->response.headers.Add("content-type", "application/grpc");
    stream_->SendResponse(200, body, false);
    if (!trailers.empty()) stream_->SendResponseTrailers(trailers);
  }

  google::protobuf::FileDescriptorSet set_;
  google::protobuf::DescriptorPool pool_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(GrpcJsonTranscoderTest, PathsAndQueriesBind) {
  EXPECT_EQ(Send("GET", "/v1/shelves/s%2F1/items/7?limit=3&item.tags=a&item.tags=b%20c"),
            R"(shelf: "s/1" item { id: 7 tags: "a" tags: "b c" } limit: 3)");
  const http::RequestHead& head = stream_->request;
  EXPECT_EQ(head.path, "/shop.Shop/Get");
  EXPECT_EQ(head.method_text, "POST");
  EXPECT_TRUE(head.te_trailers);
  EXPECT_EQ(Value(head.headers, "content-type"), "application/grpc");
  EXPECT_EQ(Value(head.headers, "x-envoy-original-method"), "GET");
  EXPECT_EQ(Value(head.headers, "x-envoy-original-path"),
            "/v1/shelves/s%2F1/items/7?limit=3&item.tags=a&item.tags=b%20c");
  EXPECT_EQ(stream_->reroutes, 1);
  EXPECT_EQ(Send("GET", "/v1/all/x%2Fy"), R"(shelf: "all/x%2Fy")");
  EXPECT_EQ(Send("GET", "/v1/all/x%2Fy%20", "", "url_unescape_spec: ALL_CHARACTERS"),
            R"(shelf: "all/x/y ")");
  EXPECT_EQ(Send("GET", "/v1/deep/a/b/c"), R"(shelf: "a/b/c")");
  EXPECT_EQ(Send("LOOK", "/v1/look?shelf=a+b"), R"(shelf: "a+b")");
  EXPECT_EQ(Send("LOOK", "/v1/look?shelf=a+b", "", "query_param_unescape_plus: true"),
            R"(shelf: "a b")");
  EXPECT_EQ(Send("POST", "/v1/shelves/x:clear"), R"(shelf: "x")");
  EXPECT_EQ(Send("GET",
                 "/v1/shelves/s/items/1?item.fullName=f&item.color=RED&item.sold=true"
                 "&item.made=1970-01-01T00:00:02Z&item.data=AQ=="),
            R"(shelf: "s" item { id: 1 full_name: "f" color: RED made { seconds: 2 } data: "\001" )"
            R"(sold: true })");
  EXPECT_EQ(Send("GET", "/v1/deep/a?item.sold=1"), R"(shelf: "a" item { sold: true })");
  EXPECT_EQ(Send("GET", "/v1/deep/a?limit&pretty&=1&12345"), R"(shelf: "a")");
  // The path holds where the query says something else.
  EXPECT_EQ(Send("GET", "/v1/deep/a?shelf=b"), R"(shelf: "a")");
}

TEST_F(GrpcJsonTranscoderTest, BodiesAreMessagesOrFields) {
  EXPECT_EQ(Send("POST", "/v1/shelves/s/items", R"({"id": "5", "fullName": "x", "color": "RED"})"),
            R"(shelf: "s" item { id: 5 full_name: "x" color: RED })");
  EXPECT_EQ(Value(stream_->request.headers, "content-length"), "-");
  EXPECT_EQ(Send("PUT", "/v1/whole/s", R"({"limit": 2, "item": {"full_name": "y"}})"),
            R"(shelf: "s" item { full_name: "y" } limit: 2)");
  // As in Envoy, what the body says of a bound field holds.
  EXPECT_EQ(Send("PUT", "/v1/whole/s", R"({"shelf": "t"})"), R"(shelf: "t")");
  EXPECT_EQ(Send("PUT", "/v1/whole/s", R"({"shelf": "t"})",
                 "request_validation_options { reject_binding_body_field_collisions: true }"),
            "400 the body and the path or query say different things of \"shelf\"");
  EXPECT_EQ(Send("PUT", "/v1/whole/s/", R"({"nope": 1})"), R"(shelf: "s")");
  EXPECT_EQ(Send("POST", "/v1/limit", "4"), "limit: 4");
  // Nothing but the field.
  EXPECT_EQ(Send("POST", "/v1/limit", R"(4, "shelf": "x")"), "400 expected JSON");
  EXPECT_EQ(Send("PUT", "/v1/whole/s", R"({"item": {"color": "red"}})",
                 "case_insensitive_enum_parsing: true"),
            R"(shelf: "s" item { color: RED })");
  EXPECT_EQ(Send("POST", "/v1/fill/s", R"([{"limit": 1}, {"limit": 2, "shelf": "a,]"}])"),
            R"(shelf: "s" limit: 1 | shelf: "a,]" limit: 2)");
}

TEST_F(GrpcJsonTranscoderTest, WhatDoesNotFitIsRefused) {
  for (const char* body : {"{", "[]", R"({"limit": "x"})", R"({"item": {"color": "BLUE"}})"}) {
    EXPECT_EQ(Send("PUT", "/v1/whole/s", body).substr(0, 4), "400 ") << body;
    EXPECT_EQ(stream_->info.details, "grpc_json_transcode_failure{INVALID_ARGUMENT}");
  }
  EXPECT_EQ(Send("GET", "/v1/shelves/s/items/x"),
            R"(400 item.id: invalid value "x" for type TYPE_INT64)");
  EXPECT_EQ(stream_->info.details, "early_grpc_json_transcode_failure{INVALID_ARGUMENT}");
  EXPECT_EQ(Send("GET", "/v1/deep/a?item=1"),
            R"(400 item: invalid value "1" for type type.googleapis.com/shop.Item)");
  EXPECT_EQ(Send("GET", "/v1/deep/a?item.sold=maybe"),
            R"(400 item.sold: invalid value "maybe" for type TYPE_BOOL)");
  EXPECT_EQ(Send("GET", "/v1/deep/%ff").substr(0, 4), "400 ");
  EXPECT_EQ(
      Send("PUT", "/v1/whole/s", std::string(101, ' '), "max_request_body_size { value: 100 }"),
      "413 Payload Too Large");
  EXPECT_EQ(Send("PUT", "/v1/whole/s", std::string(20000, '[')).substr(0, 4), "400 ");  // Deep.
}

// A type that has a field of itself is as deep as the client likes.
TEST_F(GrpcJsonTranscoderTest, FieldsThatAreNestedTooDeepAreNone) {
  const auto path = [](size_t levels) {
    std::string text = "/v1/list?";
    for (size_t i = 0; i < levels; ++i) text += "n.";
    return text + "limit=1";
  };
  const std::string strict = "request_validation_options { reject_unknown_query_parameters: true }";
  EXPECT_EQ(Send("GET", path(30'000), "", strict), "400 a field that is nested too deep");
  EXPECT_EQ(Send("GET", path(100), "", strict), "400 a field that is nested too deep");
  const std::string deep = Send("GET", path(99), "", strict);
  EXPECT_EQ(deep.substr(0, 12), "n { n { n { ");
}

TEST_F(GrpcJsonTranscoderTest, WhatIsNoRulesIsLeftAloneOrRefused) {
  const auto passes = [this](const std::string& method, const std::string& path,
                             const std::string& text = "") {
    Begin(method, path, text);
    stream_->SendRequest(true);
    return !stream_->replied() && stream_->request.path == path;
  };
  EXPECT_TRUE(passes("GET", "/v1/none"));
  EXPECT_TRUE(passes("POST", "/v1/list"));
  EXPECT_TRUE(passes("GET", "/v1/list?nope=1"));
  EXPECT_FALSE(passes("GET", "/v1/list?nope=1", "ignore_unknown_query_parameters: true"));
  EXPECT_FALSE(passes("GET", "/v1/list?nope=1", "ignored_query_parameters: 'nope'"));
  EXPECT_FALSE(stream_->replied());
  EXPECT_TRUE(passes("POST", "/shop.Shop/Plain"));
  EXPECT_EQ(Send("POST", "/shop.Shop/Plain", R"({"limit": 1})", "auto_mapping: true"), "limit: 1");
  const std::string strict =
      "request_validation_options { reject_unknown_method: true "
      "reject_unknown_query_parameters: true }";
  EXPECT_EQ(Send("GET", "/v1/none", "", strict), "404 Could not resolve /v1/none to a method.");
  EXPECT_EQ(stream_->info.details, "early_grpc_json_transcode_failure{NOT_FOUND}");
  EXPECT_EQ(Send("GET", "/v1/list?nope=1", "", strict),
            "400 Could not find field \"nope\" in the type \"shop.Ask\".");
  // Calls are nobody's but the service's.
  Begin("POST", "/v1/none", strict, {{"content-type", "application/grpc"}});
  stream_->SendRequest(true);
  EXPECT_FALSE(stream_->replied());
}

TEST_F(GrpcJsonTranscoderTest, OneMessageIsShown) {
  Send("GET", "/v1/deep/a");
  Answer(Item("id: 5 full_name: 'x' color: RED"));
  EXPECT_EQ(ResponseText(*stream_), R"(200 {"id":"5","fullName":"x","color":"RED"})");
  EXPECT_EQ(Value(stream_->response.headers, "content-type"), "application/json");
  EXPECT_EQ(Value(stream_->response.headers, "content-length"), "39");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "0");
  Send("GET", "/v1/deep/a", "",
       "print_options { always_print_enums_as_ints: true preserve_proto_field_names: true }");
  Answer(Item("full_name: 'x' color: RED"));
  EXPECT_EQ(ResponseText(*stream_), R"(200 {"full_name":"x","color":1})");
}

TEST_F(GrpcJsonTranscoderTest, ErrorsAreStatuses) {
  Send("GET", "/v1/deep/a");
  Answer("", {{"grpc-status", "5"}, {"grpc-message", "no%20such"}});
  EXPECT_EQ(ResponseText(*stream_), "404 ");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "5");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-message"), "no%20such");
  Send("GET", "/v1/deep/a", "", "convert_grpc_status: true");
  Answer("", {{"grpc-status", "5"}, {"grpc-message", "no%20such"}});
  EXPECT_EQ(ResponseText(*stream_), R"(404 {"code":5,"message":"no such"})");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "-");
  // Trailers alone, with details: Status { code: 7 message: "m" }.
  Send("GET", "/v1/deep/a", "", "convert_grpc_status: true");
  stream_->response.headers.Add("content-type", "application/grpc");
  stream_->response.headers.Add("grpc-status", "7");
  stream_->response.headers.Add("grpc-status-details-bin", absl::Base64Escape("\x08\x07\x12\x01m"));
  stream_->SendResponse(200, "", true);
  EXPECT_EQ(ResponseText(*stream_), R"(403 {"code":7,"message":"m"})");
  Send("GET", "/v1/deep/a");
  Answer("", {});
  stream_->SendResponseBody("", true);
  EXPECT_EQ(ResponseText(*stream_), "503 ");
}

TEST_F(GrpcJsonTranscoderTest, BrokenAnswersAreNotShown) {
  for (const std::string& body :
       {Frame("\xff"), Frame("", 1), std::string("\0\0", 2), Item("id: 1") + Item("id: 2")}) {
    Send("GET", "/v1/deep/a");
    Answer(body);
    EXPECT_EQ(ResponseText(*stream_).substr(0, 4), "502 ");
  }
  Send("GET", "/v1/deep/a");
  stream_->SendResponse(503, "not grpc", true);
  EXPECT_EQ(ResponseText(*stream_), "503 not grpc");
}

TEST_F(GrpcJsonTranscoderTest, AnHttpBodyIsShownAsItIs) {
  const auto show = [this](const std::string& message) {
    Send("GET", "/v1/raw");
    Answer(Frame(message));
    return ResponseText(*stream_);
  };
  EXPECT_EQ(show("\x0a\x08text/css\x12\x02zz"), "200 zz");
  EXPECT_EQ(Value(stream_->response.headers, "content-type"), "text/css");
  EXPECT_EQ(show("\x12\x02zz"), "200 zz");
  EXPECT_EQ(Value(stream_->response.headers, "content-type"), "application/octet-stream");
  // A service may give back what a client once said.
  for (const absl::string_view type : {"a\r\nset-cookie: b", "a\nb", "a\x7f"}) {
    EXPECT_EQ(show(absl::StrCat("\x0a", std::string(1, static_cast<char>(type.size())), type)),
              "502 the content type can not stand in a head");
  }
}

TEST_F(GrpcJsonTranscoderTest, AnHttpBodyIsTakenAsItIs) {
  EXPECT_EQ(Send("POST", "/v1/file", "a b"),
            R"(file { content_type: "application/json" data: "a b" })");
  EXPECT_EQ(Send("POST", "/v1/files", "a b"),
            R"(files { content_type: "application/json" data: "a b" })");
}

// What a control plane says of it ends no request but its own.
TEST_F(GrpcJsonTranscoderTest, AnHttpBodyMayBeAnother) {
  for (const char* fields :
       {"", "field { name: 'data' number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL }",
        "field { name: 'n' number: 1 type: TYPE_MESSAGE type_name: '.google.api.HttpBody' "
        "label: LABEL_OPTIONAL }"}) {
    ASSERT_TRUE(TextFormat::ParseFromString(
        absl::StrCat("name: 'google/api/httpbody.proto' package: 'google.api' syntax: 'proto3' "
                     "message_type { name: 'HttpBody' ",
                     fields, " }"),
        set_.mutable_file(0)));
    Begin("POST", "/v1/file", "");
    stream_->SendRequest(false);
    stream_->SendRequestBody("a b", true);
    EXPECT_TRUE(stream_->replied() || stream_->request_out.end) << fields;
  }
}

TEST_F(GrpcJsonTranscoderTest, AStreamOfHttpBodiesHasTheTypeOfTheFirst) {
  const std::string first = Frame("\x0a\x08text/css\x12\x02zz");
  const std::string second = Frame("\x0a\x01x\x12\x01y");
  for (const size_t cut : {size_t{3}, size_t{5}, first.size() - 1, first.size()}) {
    Send("GET", "/v1/raws");
    stream_->response.headers.Add("content-type", "application/grpc");
    stream_->SendResponse(200, first.substr(0, cut), false);
    EXPECT_EQ(stream_->response_out.head, cut == first.size()) << cut;
    stream_->SendResponseBody(first.substr(cut) + second, false);
    EXPECT_TRUE(stream_->response_out.head) << cut;
    stream_->SendResponseTrailers({{"grpc-status", "0"}});
    EXPECT_EQ(ResponseText(*stream_), "200 zzy [grpc-status=0;]");
    EXPECT_EQ(Value(stream_->response.headers, "content-type"), "text/css");
  }
  Send("GET", "/v1/raws");
  Answer("");
  EXPECT_EQ(ResponseText(*stream_), "200  [grpc-status=0;]");
  Send("GET", "/v1/raws");
  Answer(Frame("\xff"));
  EXPECT_EQ(ResponseText(*stream_).substr(0, 4), "502 ");
  Send("POST", "/v1/files", "a");
  Answer(
      Frame("\x32\x09\x0a\x03"
            "a/b\x12\x02zz"));
  EXPECT_EQ(ResponseText(*stream_), "200 zz [grpc-status=0;]");
  EXPECT_EQ(Value(stream_->response.headers, "content-type"), "a/b");
}

TEST_F(GrpcJsonTranscoderTest, StreamsAreArraysLinesOrEvents) {
  const auto show = [this](const std::string& text) {
    Send("GET", "/v1/list", "", text);
    stream_->response.headers.Add("content-type", "application/grpc");
    const std::string one = Item("id: 1");
    stream_->SendResponse(200, one.substr(0, 3), false);
    stream_->SendResponseBody(one.substr(3), false);
    stream_->SendResponseBody(Item("id: 2"), false);
    stream_->SendResponseTrailers({{"grpc-status", "0"}});
    return ResponseText(*stream_);
  };
  EXPECT_EQ(show(""), R"(200 [{"id":"1"},{"id":"2"}] [grpc-status=0;])");
  EXPECT_EQ(show("print_options { stream_newline_delimited: true }"),
            "200 {\"id\":\"1\"}\n{\"id\":\"2\"}\n [grpc-status=0;]");
  EXPECT_EQ(Value(stream_->response.headers, "content-type"), "application/json");
  EXPECT_EQ(show("print_options { stream_sse_style_delimited: true }"),
            "200 data: {\"id\":\"1\"}\n\ndata: {\"id\":\"2\"}\n\n [grpc-status=0;]");
  Send("GET", "/v1/list");
  Answer("");
  EXPECT_EQ(ResponseText(*stream_), "200 [] [grpc-status=0;]");
}

// A worker has others to serve: what costs much and weighs little is made bit by bit.
TEST_F(GrpcJsonTranscoderTest, ManyTinyMessagesTakeTurns) {
  constexpr int kMessages = 3000;
  std::string frames, expected = "[";
  for (int i = 0; i < kMessages; ++i) {
    frames += std::string(5, '\0');
    expected += i == 0 ? "{}" : ",{}";
  }
  for (const bool whole : {true, false}) {
    Send("GET", "/v1/list");
    stream_->response.headers.Add("content-type", "application/grpc");
    stream_->SendResponse(200, whole ? frames : frames + std::string(3, '\0'), true);
    EXPECT_FALSE(stream_->response_out.end);
    int turns = 0;
    while (!stream_->response_out.end && !stream_->aborted() && ++turns < 100) {
      stream_->Advance(base::kMillisecond);
      stream_->Turn();
      stream_->Run();
    }
    EXPECT_GT(turns, 5);
    // Nothing has been sent yet: what was begun makes room for the error.
    EXPECT_EQ(stream_->response.status, whole ? 200 : 502);
    EXPECT_EQ(stream_->response_out.body.ToString() == expected + "]", whole);
  }
}

// What messages become goes on while others wait for their turn, and not faster than the client
// takes it.
TEST_F(GrpcJsonTranscoderTest, WhatIsShownDoesNotPileUp) {
  constexpr int kMessages = 60000;
  std::string frames, expected = "[";
  for (int i = 0; i < kMessages; ++i) {
    frames += std::string(5, '\0');
    expected += i == 0 ? "{}" : ",{}";
  }
  Send("GET", "/v1/list");
  stream_->response.headers.Add("content-type", "application/grpc");
  stream_->SendResponse(200, frames, true);
  const auto turn = [this] {
    stream_->Advance(base::kMillisecond);
    stream_->Turn();
    stream_->Run();
  };
  for (int turns = 0; turns < 1000; ++turns) turn();
  EXPECT_LT(stream_->response_out.body.size(), 150u * 1024);
  EXPECT_FALSE(stream_->response_out.end);
  std::string seen;
  for (int turns = 0; turns < 1000 && !stream_->response_out.end; ++turns) {
    seen += stream_->response_out.body.ToString();
    stream_->response_out.body.Clear();
    turn();
  }
  EXPECT_TRUE(stream_->response_out.end);
  EXPECT_TRUE(seen + stream_->response_out.body.ToString() == expected + "]");
}

TEST_F(GrpcJsonTranscoderTest, AnArrayOfARequestHasItsLimit) {
  const auto sent = [this](size_t count) {
    std::string body = "[{}";
    for (size_t i = 1; i < count; ++i) body += ",{}";
    Send("POST", "/v1/fill/s", body + "]");
    return stream_->replied() ? stream_->response.status : 0;
  };
  EXPECT_EQ(sent(4096), 0);
  EXPECT_EQ(sent(4097), 400);
}

// A filter before it may pass the body on bit by bit.
TEST_F(GrpcJsonTranscoderTest, ABodyInPiecesIsOneMessage) {
  using Limit = envoy::extensions::filters::http::bandwidth_limit::v3::BandwidthLimit;
  const auto slow =
      MakeFactory(Pack<Limit>("stat_prefix: 'p' enable_mode: REQUEST limit_kbps { value: 1 }"));
  for (const bool trailers : {false, true}) {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{slow, MakeFactory(Config(""))}, [](filter::StreamContext& stream) {
          FillRequest({.method = "PUT", .path = "/v1/whole/s"}, stream.request, stream.arena);
        });
    stream_->SendRequest(false);
    stream_->SendRequestBody(absl::StrCat("{\"limit\": 4", std::string(200, ' '), "}"), !trailers);
    if (trailers) stream_->SendRequestTrailers({{"x", "y"}});
    for (int ticks = 0; ticks < 30; ++ticks) {
      stream_->Advance(50 * base::kMillisecond);
      stream_->Turn();
      stream_->Run();
    }
    EXPECT_FALSE(stream_->replied());
    EXPECT_TRUE(stream_->request_out.end);
    EXPECT_EQ(Messages("shop.Ask", stream_->request_out.body.ToString()), "shelf: \"s\" limit: 4");
  }
}

TEST_F(GrpcJsonTranscoderTest, RoutesMayTurnItOff) {
  auto routes = RouteToOrigin();
  Proto off;
  off.set_proto_descriptor_bin("");
  (*routes.mutable_virtual_hosts(0)->mutable_routes(0)->mutable_typed_per_filter_config())["f"]
      .PackFrom(off);
  const auto table = MakeRoutes(routes);
  stream_ = MakeStream(Config(""), {.method = "GET", .path = "/v1/list"}, table);
  stream_->SendRequest(true);
  EXPECT_EQ(stream_->request.path, "/v1/list");
}

TEST_F(GrpcJsonTranscoderTest, WrongConfigurationsAreNamed) {
  const auto errors_of = [](Proto proto) {
    google::protobuf::Any any;
    any.PackFrom(proto);
    config::Errors errors;
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (any.type_url() == absl::StrCat("type.googleapis.com/", kind.type)) {
        EXPECT_EQ(kind.create(any, config::Path("f"), errors), nullptr);
      }
    }
    return std::string(errors.ToStatus().message());
  };
  Proto proto;
  proto.add_services("shop.None");
  proto.set_proto_descriptor_bin("\xff");
  EXPECT_NE(errors_of(proto).find("f.proto_descriptor_bin"), std::string::npos);
  proto.set_proto_descriptor_bin(set_.SerializeAsString());
  EXPECT_NE(errors_of(proto).find("f.services[0]: there is no such service"), std::string::npos);
  auto* rule = set_.mutable_file(1)
                   ->mutable_service(0)
                   ->mutable_method(0)
                   ->mutable_options()
                   ->MutableExtension(google::api::http);
  proto.set_services(0, "shop.Shop");
  for (const char* path : {"v1", "/v1/{", "/v1/{none}", "/**/x", "/v1/{shelf=}", "/v1/list"}) {
    rule->set_get(path);
    proto.set_proto_descriptor_bin(set_.SerializeAsString());
    EXPECT_NE(errors_of(proto).find("the rule of /shop.Shop/"), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace proxenos::filters
