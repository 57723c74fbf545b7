// gRPC-Web: binary and text, trailers in the body, responses that are not gRPC.
#include <string>

#include "absl/strings/escaping.h"
#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/filters/http/grpc_web/base64_stream.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

google::protobuf::Any Config() {
  return Pack<envoy::extensions::filters::http::grpc_web::v3::GrpcWeb>("");
}

std::unique_ptr<FilterHarness> Stream(const Fields& fields) {
  return MakeStream(Config(), RequestLine{.fields = fields});
}

std::string Base64(const std::string& text) { return absl::Base64Escape(text); }

TEST(GrpcWebTest, BinaryRequestBecomesGrpc) {
  for (const char* type : {"application/grpc-web", "application/grpc-web+proto"}) {
    auto stream = Stream({{"content-type", type}, {"content-length", "6"}});
    stream->SendRequest(false);
    stream->SendRequestBody(Frame("m"), true);
    EXPECT_EQ(Value(stream->request.headers, "content-type"), "application/grpc");
    EXPECT_EQ(Value(stream->request.headers, "content-length"), "-");
    EXPECT_EQ(Value(stream->request.headers, "grpc-accept-encoding"), "identity");
    EXPECT_TRUE(stream->request.te_trailers);
    EXPECT_EQ(stream->request.framing.kind, http::Framing::kChunked);
    EXPECT_EQ(stream->request_out.body.ToString(), Frame("m"));
  }
}

TEST(GrpcWebTest, OthersPassUntouched) {
  for (const char* type : {"application/grpc", "application/json", "application/grpc-web+json"}) {
    auto stream = Stream({{"content-type", type}});
    stream->SendRequest(true);
    EXPECT_EQ(Value(stream->request.headers, "content-type"), type);
    EXPECT_FALSE(stream->request.te_trailers);
    stream->response.headers.Add("content-type", "text/html");
    stream->SendResponse(200, "page", true);
    EXPECT_EQ(ResponseText(*stream), "200 page");
    EXPECT_EQ(Value(stream->response.headers, "content-type"), "text/html");
  }
}

TEST(GrpcWebTest, TrailersBecomeTheLastFrame) {
  auto stream = Stream({{"content-type", "application/grpc-web+proto"}});
  stream->SendRequest(true);
  stream->response.headers.Add("content-type", "application/grpc");
  stream->SendResponse(200, Frame("answer"), false);
  EXPECT_EQ(ResponseText(*stream), "200 " + Frame("answer") + " ...");
  stream->SendResponseTrailers({{"grpc-status", "0"}, {"x", "y"}});
  const std::string trailers = "grpc-status:0\r\nx:y\r\n";
  EXPECT_EQ(ResponseText(*stream), "200 " + Frame("answer") + Frame(trailers, '\x80'));
  EXPECT_EQ(Value(stream->response.headers, "content-type"), "application/grpc-web+proto");
}

TEST(GrpcWebTest, TrailersOnlyStaysAHead) {
  auto stream = Stream(
      {{"content-type", "application/grpc-web-text"}, {"accept", "application/grpc-web-text"}});
  stream->SendRequest(true);
  stream->response.headers.Add("content-type", "application/grpc");
  stream->response.headers.Add("grpc-status", "5");
  stream->SendResponse(200, "", true);
  EXPECT_EQ(ResponseText(*stream), "200 ");
  EXPECT_EQ(Value(stream->response.headers, "grpc-status"), "5");
  EXPECT_EQ(Value(stream->response.headers, "content-type"), "application/grpc-web-text+proto");
}

TEST(GrpcWebTest, TextRequestInPiecesOfEverySize) {
  // Two padded texts, one behind the other: a client that flushes frames does so.
  const std::string text = Base64(Frame("ab")) + Base64(Frame("c"));
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    auto stream = Stream({{"content-type", "application/grpc-web-text+proto"}});
    stream->SendRequest(false);
    for (size_t at = 0; at < text.size(); at += piece) {
      stream->SendRequestBody(text.substr(at, piece), at + piece >= text.size());
    }
    EXPECT_EQ(stream->request_out.body.ToString(), Frame("ab") + Frame("c")) << piece;
    EXPECT_TRUE(stream->request_out.end);
  }
}

TEST(GrpcWebTest, BrokenTextIsRefused) {
  for (const char* text : {"AAA", "AA!A", "A===", "====", "AA=A"}) {
    auto stream = Stream({{"content-type", "application/grpc-web-text"}});
    stream->SendRequest(false);
    stream->SendRequestBody(text, true);
    EXPECT_EQ(stream->response.status, 400) << text;
    EXPECT_EQ(Value(stream->response.headers, "grpc-status"), "13");
    EXPECT_EQ(Value(stream->response.headers, "grpc-message"),
              "Bad gRPC-web request, invalid base64 data.");
  }
}

TEST(GrpcWebTest, TextResponseIsWholeAtTheEndOfEachMessage) {
  auto stream = Stream({{"content-type", "application/grpc-web-text"},
                        {"accept", "application/grpc-web-text+proto"}});
  stream->SendRequest(true);
  stream->response.headers.Add("content-type", "application/grpc+proto");
  stream->response.headers.Add("content-length", "7");
  stream->response.status = 200;
  stream->response_in.head = true;
  std::string sent;
  for (const char byte : Frame("ab")) stream->SendResponseBody(std::string(1, byte), false);
  EXPECT_EQ(stream->response_out.body.ToString(), Base64(Frame("ab")));
  EXPECT_EQ(Value(stream->response.headers, "content-length"), "-");
  stream->SendResponseTrailers({{"grpc-status", "0"}});
  EXPECT_EQ(ResponseText(*stream),
            "200 " + Base64(Frame("ab")) + Base64(Frame("grpc-status:0\r\n", '\x80')));
}

TEST(GrpcWebTest, WhatIsNotGrpcBecomesAMessage) {
  auto stream = Stream({{"content-type", "application/grpc-web"}});
  stream->SendRequest(true);
  stream->response.headers.Add("content-type", "text/html");
  stream->SendResponse(503, "no 50% ", false);
  EXPECT_EQ(ResponseText(*stream), "none");
  stream->SendResponseBody("luck\n", true);
  EXPECT_EQ(ResponseText(*stream), "503 ");
  EXPECT_EQ(Value(stream->response.headers, "grpc-status"), "14");
  EXPECT_EQ(Value(stream->response.headers, "grpc-message"), "no 50%25 luck%0A");
  EXPECT_EQ(Value(stream->response.headers, "content-length"), "0");
}

TEST(GrpcWebTest, LongForeignBodyIsCutAndTrailersAreDropped) {
  auto stream = Stream({{"content-type", "application/grpc-web"}});
  stream->SendRequest(true);
  stream->response.headers.Add("content-type", "text/html");
  stream->SendResponse(500, std::string(40000, 'x'), false);
  stream->SendResponseTrailers({{"a", "b"}});
  EXPECT_EQ(ResponseText(*stream), "500 ");
  EXPECT_EQ(Value(stream->response.headers, "grpc-message").size(), 16384u);
}

TEST(GrpcWebTest, Base64OfRandomPieces) {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    grpc_web::Base64Encoder encoder;
    grpc_web::Base64Decoder decoder;
    std::string decoded;
    for (int piece = 0; piece < 8; ++piece) {
      std::string part;
      for (uint64_t n = random.Below(9000); n > 0; --n) part += static_cast<char>(random.Next());
      bytes += part;
      buffer::Buffer body;
      body.Append(part);
      encoder.Encode(body, piece == 7);
      ASSERT_TRUE(decoder.Decode(body));
      decoded += body.ToString();
    }
    EXPECT_TRUE(decoder.complete());
    EXPECT_EQ(decoded, bytes);
  }
}

}  // namespace
}  // namespace proxenos::filters
