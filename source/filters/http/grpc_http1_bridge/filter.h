// GrpcHttp1Bridge: lets HTTP/1.1 clients, which see no trailers, make unary gRPC calls: the
// response is held until its trailers are there, and they go into its head.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::filters::grpc_http1_bridge {

// envoy.extensions.filters.http.grpc_http1_bridge.v3.Config
struct BridgeConfig {
  bool upgrade_protobuf_to_grpc = false;
  bool ignore_query_parameters = false;
};

class GrpcHttp1Bridge final : public filter::HttpFilter {
 public:
  GrpcHttp1Bridge(const BridgeConfig& config, filter::StreamContext& stream);

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  // To a message without frames the proxy answers without gRPC.
  void OnLocalReply() override { bridges_ = bridges_ && !frames_; }

 private:
  const BridgeConfig& config_;
  filter::StreamContext& stream_;
  bool frames_ = false;   // The message comes and goes without its gRPC frame.
  bool bridges_ = false;  // The response's trailers go into its head.
};

}  // namespace proxenos::filters::grpc_http1_bridge
