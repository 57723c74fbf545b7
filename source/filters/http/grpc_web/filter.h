// GrpcWeb: lets browsers call gRPC servers: gRPC-Web (PROTOCOL-WEB.md of gRPC) on the client's
// side, gRPC on the origin's. Trailers become the last frame of the body; -text is base64 both
// ways.
//
// Nothing is held back but what cannot be judged yet: up to three letters of base64, and responses
// that are not gRPC, whose body becomes grpc-message.
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/grpc_web/base64_stream.h"
#include "source/rpc/frame.h"

namespace proxenos::filters::grpc_web {

class GrpcWeb final : public filter::HttpFilter {
 public:
  explicit GrpcWeb(filter::StreamContext& stream) : stream_(stream) {}

  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;

 private:
  // Whether the response at hand is gRPC already, or gRPC-Web.
  bool SpeaksGrpc() const;
  filter::Verdict RefuseText(absl::string_view details);
  void BodyToMessage(http::ResponseHead& head);

  filter::StreamContext& stream_;
  bool active_ = false;  // The request is gRPC-Web.
  bool text_request_ = false;
  bool text_response_ = false;
  bool drops_body_ = false;  // It is in grpc-message.
  Base64Decoder decoder_;
  Base64Encoder encoder_;
  rpc::FrameCounter frames_;
};

}  // namespace proxenos::filters::grpc_web
