// The two bridges between gRPC and HTTP/1.1.
#include <string>

#include "envoy/extensions/filters/http/grpc_http1_bridge/v3/config.pb.h"
#include "envoy/extensions/filters/http/grpc_http1_reverse_bridge/v3/config.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using BridgeProto = envoy::extensions::filters::http::grpc_http1_bridge::v3::Config;
namespace reverse = envoy::extensions::filters::http::grpc_http1_reverse_bridge::v3;

std::unique_ptr<FilterHarness> Bridge(const std::string& config, const RequestLine& line) {
  return MakeStream(Pack<BridgeProto>(config), line);
}

TEST(GrpcHttp1BridgeTest, TrailersGoIntoTheHead) {
  auto stream = Bridge("", {.fields = {{"content-type", "application/grpc"}}});
  stream->SendRequest(false);
  stream->SendRequestBody(Frame("q"), true);
  EXPECT_EQ(stream->request_out.body.ToString(), Frame("q"));
  stream->SendResponse(200, Frame("answer"), false);
  EXPECT_EQ(ResponseText(*stream), "none");
  stream->SendResponseTrailers({{"grpc-status", "7"}, {"grpc-message", "no"}});
  EXPECT_EQ(stream->response.status, 503);
  EXPECT_EQ(stream->response_out.body.ToString(), Frame("answer"));
  EXPECT_EQ(Value(stream->response.headers, "grpc-status"), "7");
  EXPECT_EQ(Value(stream->response.headers, "grpc-message"), "no");
  EXPECT_EQ(Value(stream->response.headers, "content-length"), "11");
  EXPECT_EQ(stream->response.framing.kind, http::Framing::kLength);
  EXPECT_EQ(stream->response.framing.length, 11u);
}

TEST(GrpcHttp1BridgeTest, OkStaysOkAndTrailersOnlyIsRead) {
  auto good = Bridge("", {.fields = {{"content-type", "application/grpc"}}});
  good->SendRequest(true);
  good->SendResponse(200, Frame("a"), false);
  good->SendResponseTrailers({{"grpc-status", "0"}});
  EXPECT_EQ(good->response.status, 200);

  auto bad = Bridge("", {.fields = {{"content-type", "application/grpc"}}});
  bad->SendRequest(true);
  bad->response.headers.Add("grpc-status", "12");
  bad->SendResponse(200, "", true);
  EXPECT_EQ(bad->response.status, 503);
  EXPECT_EQ(Value(bad->response.headers, "content-length"), "0");
}

TEST(GrpcHttp1BridgeTest, Http2AndOtherTypesPass) {
  for (const RequestLine& line :
       {RequestLine{.fields = {{"content-type", "application/grpc"}},
       .version = http::Version::kHttp2},
        RequestLine{.fields = {{"content-type", "application/x-protobuf"}}}}) {
    auto stream = Bridge("", line);
    stream->SendRequest(true);
    stream->SendResponse(200, "part", false);
    EXPECT_EQ(ResponseText(*stream), "200 part ...");
    stream->SendResponseTrailers({{"grpc-status", "7"}});
    EXPECT_EQ(ResponseText(*stream), "200 part [grpc-status=7;]");
  }
}

TEST(GrpcHttp1BridgeTest, ProtobufIsFramedBothWays) {
  auto stream =
      Bridge("upgrade_protobuf_to_grpc: true ignore_query_parameters: true",
             {.path = "/s/M?key=1", .fields = {{"content-type", "application/x-protobuf"}}});
  stream->SendRequest(false);
  stream->SendRequestBody("que", false);
  EXPECT_FALSE(stream->request_out.head);
  stream->SendRequestBody("ry", true);
  EXPECT_EQ(stream->request.path, "/s/M");
  EXPECT_EQ(stream->request_out.body.ToString(), Frame("query"));
  EXPECT_EQ(Value(stream->request.headers, "content-type"), "application/grpc");
  EXPECT_EQ(Value(stream->request.headers, "content-length"), "10");
  EXPECT_TRUE(stream->request.te_trailers);
  stream->response.headers.Add("content-type", "application/grpc");
  stream->SendResponse(200, Frame("answer"), false);
  stream->SendResponseTrailers({{"grpc-status", "0"}});
  EXPECT_EQ(stream->response_out.body.ToString(), "answer");
  EXPECT_EQ(Value(stream->response.headers, "content-type"), "application/x-protobuf");
  EXPECT_EQ(Value(stream->response.headers, "content-length"), "6");
}

TEST(GrpcHttp1BridgeTest, WhatIsNoGrpcStaysWhatItIs) {
  auto stream = Bridge("upgrade_protobuf_to_grpc: true",
                       {.fields = {{"content-type", "application/x-protobuf"}}});
  stream->SendRequest(false);
  stream->SendRequestBody("query", true);
  stream->response.headers.Add("content-type", "text/html");
  stream->SendResponse(502, "<html>", true);
  EXPECT_EQ(stream->response.status, 502);
  EXPECT_EQ(stream->response_out.body.ToString(), "<html>");
  EXPECT_EQ(Value(stream->response.headers, "content-type"), "text/html");
  EXPECT_EQ(Value(stream->response.headers, "content-length"), "6");
}

TEST(GrpcHttp1BridgeTest, EmptyProtobufIsAFrameToo) {
  auto stream = Bridge("upgrade_protobuf_to_grpc: true",
                       {.fields = {{"content-type", "application/x-protobuf"}}});
  stream->SendRequest(true);
  EXPECT_EQ(stream->request_out.body.ToString(), Frame(""));
  EXPECT_TRUE(stream->request_out.end);
  EXPECT_EQ(Value(stream->request.headers, "content-length"), "5");
}

TEST(GrpcHttp1BridgeTest, MoreThanFitsIsRefused) {
  auto stream = Bridge("", {.fields = {{"content-type", "application/grpc"}}});
  stream->SendRequest(true);
  stream->SendResponse(200, std::string((1 << 20) + 1, 'x'), false);
  EXPECT_EQ(stream->response.status, 503);  // Local replies are bridged too.
  EXPECT_EQ(Value(stream->response.headers, "grpc-status"), "2");
  EXPECT_EQ(stream->info.details, "response_payload_too_large");
}

class ReverseBridgeTest : public ::testing::Test {
 protected:
  void Start(const std::string& config, const Fields& more = {}, const std::string& routes = "") {
    RequestLine line{.version = http::Version::kHttp2};
    line.fields = {{"content-type", "application/grpc+proto"}};
    line.fields.insert(line.fields.end(), more.begin(), more.end());
    if (!routes.empty()) {
      envoy::config::route::v3::RouteConfiguration proto;
      ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(routes, &proto));
      (*proto.mutable_virtual_hosts(0)->mutable_typed_per_filter_config())["f"] =
          Pack<reverse::FilterConfigPerRoute>("disabled: true");
      routes_ = MakeRoutes(proto);
    }
    stream_ = MakeStream(Pack<reverse::FilterConfig>(config), line, routes_);
  }
  void Answer(uint16_t status, const std::string& body, const Fields& fields) {
    for (const auto& [name, value] : fields) stream_->response.headers.Add(name, value);
    stream_->SendResponse(status, body, true);
  }

  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

constexpr char kWithhold[] = "content_type: 'application/x-protobuf' withhold_grpc_frames: true";

TEST_F(ReverseBridgeTest, FramesAreWithheldAndPutBack) {
  Start(kWithhold, {{"content-length", "10"}});
  stream_->SendRequest(false);
  for (const char byte : Frame("query")) stream_->SendRequestBody(std::string(1, byte), false);
  stream_->SendRequestBody("", true);
  EXPECT_EQ(stream_->request_out.body.ToString(), "query");
  EXPECT_EQ(Value(stream_->request.headers, "content-type"), "application/x-protobuf");
  EXPECT_EQ(Value(stream_->request.headers, "accept"), "application/x-protobuf");
  EXPECT_EQ(Value(stream_->request.headers, "content-length"), "5");
  EXPECT_EQ(stream_->request.framing.length, 5u);
  Answer(200, "answer", {{"content-type", "application/x-protobuf"}});
  EXPECT_EQ(ResponseText(*stream_), "200 " + Frame("answer") + " [grpc-status=0;]");
  EXPECT_EQ(Value(stream_->response.headers, "content-type"), "application/grpc+proto");
  EXPECT_EQ(Value(stream_->response.headers, "content-length"), "11");
}

TEST_F(ReverseBridgeTest, StatusOfTheOriginBecomesGrpcStatus) {
  Start(kWithhold);
  stream_->SendRequest(false);
  stream_->SendRequestBody(Frame("q"), true);
  Answer(403, "", {{"content-type", "application/x-protobuf"}});
  EXPECT_EQ(ResponseText(*stream_), "200 " + Frame("") + " [grpc-status=7;]");
}

TEST_F(ReverseBridgeTest, WrongTypeIsAnError) {
  Start(kWithhold);
  stream_->SendRequest(false);
  stream_->SendRequestBody(Frame("q"), true);
  Answer(404, "<html>", {{"content-type", "text/html"}});
  EXPECT_EQ(ResponseText(*stream_), "200 ");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "2");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-message"),
            "reverse bridge: upstream responded with unsupported content-type text/html, status "
            "code 404");
  EXPECT_EQ(Value(stream_->response.headers, "content-type"), "application/grpc");
}

TEST_F(ReverseBridgeTest, TooSmallRequestIsRefused) {
  Start(kWithhold);
  stream_->SendRequest(false);
  stream_->SendRequestBody("abc", true);
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "2");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-message"), "invalid request body");
}

TEST_F(ReverseBridgeTest, SizeFromTheOriginStreams) {
  const std::string config = std::string(kWithhold) + " response_size_header: 'X-Size'";
  Start(config);
  stream_->SendRequest(false);
  stream_->SendRequestBody(Frame("q"), true);
  stream_->response.headers.Add("content-type", "application/x-protobuf");
  stream_->response.headers.Add("x-size", "6");
  stream_->SendResponse(200, "ans", false);
  EXPECT_EQ(ResponseText(*stream_), "200 " + Frame("answer").substr(0, 8) + " ...");
  stream_->SendResponseBody("wer", true);
  EXPECT_EQ(ResponseText(*stream_), "200 " + Frame("answer") + " [grpc-status=0;]");

  Start(config);
  stream_->SendRequest(false);
  stream_->SendRequestBody(Frame("q"), true);
  Answer(200, "answer", {{"content-type", "application/x-protobuf"}});
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "13");

  Start(config);
  stream_->SendRequest(false);
  stream_->SendRequestBody(Frame("q"), true);
  stream_->MarkResponseSent();
  Answer(200, "answer", {{"content-type", "application/x-protobuf"}, {"x-size", "7"}});
  EXPECT_TRUE(stream_->aborted());
}

TEST_F(ReverseBridgeTest, FramesMayStay) {
  Start("content_type: 'application/grpc'");
  stream_->SendRequest(false);
  stream_->SendRequestBody(Frame("q"), true);
  EXPECT_EQ(stream_->request_out.body.ToString(), Frame("q"));
  Answer(200, Frame("a"), {{"content-type", "application/grpc"}});
  EXPECT_EQ(ResponseText(*stream_), "200 " + Frame("a") + " [grpc-status=0;]");
}

TEST_F(ReverseBridgeTest, RoutesSwitchItOff) {
  Start(kWithhold, {},
        "virtual_hosts { name: 'v' domains: '*' routes { match { prefix: '/' } "
        "route { cluster: 'c' } } }");
  stream_->SendRequest(false);
  stream_->SendRequestBody(Frame("q"), true);
  EXPECT_EQ(stream_->request_out.body.ToString(), Frame("q"));
  EXPECT_EQ(Value(stream_->request.headers, "content-type"), "application/grpc+proto");
}

}  // namespace
}  // namespace proxenos::filters
