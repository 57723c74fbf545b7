// ReverseBridge: lets gRPC clients call an origin that speaks plain HTTP/1.1 with a body of its own
// type: the content type is exchanged, frames are taken off and put back where wanted, and the
// response's status becomes grpc-status.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <string>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/rpc/status.h"

namespace proxenos::filters::grpc_http1_reverse_bridge {

// envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig
struct ReverseBridgeConfig {
  std::string content_type;
  bool withhold_grpc_frames = false;
  std::string response_size_header;  // Lower case; empty: the response is held to be measured.
};

// FilterConfigPerRoute
struct ReverseBridgeOverride {
  bool disabled = false;
};

class ReverseBridge final : public filter::HttpFilter {
 public:
  ReverseBridge(const ReverseBridgeConfig& config, const ReverseBridgeOverride* override_settings,
                filter::StreamContext& stream)
      : config_(config),
        stream_(stream),
        disabled_(override_settings != nullptr && override_settings->disabled) {}

  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  // What the proxy itself answers is gRPC already.
  void OnLocalReply() override { active_ = false; }

 private:
  bool measures() const {
    return config_.withhold_grpc_frames && config_.response_size_header.empty();
  }
  filter::Verdict Refuse(rpc::Status status, absl::string_view message, absl::string_view details);
  // Sets message_size_. False: the origin did not say.
  bool ReadSize(const http::ResponseHead& head);

  const ReverseBridgeConfig& config_;
  filter::StreamContext& stream_;
  const bool disabled_;
  bool active_ = false;
  absl::string_view client_type_;  // The request's, for the response.
  uint32_t prefix_left_ = 0;       // Of the request's frame header, still to be taken off.
  uint64_t message_size_ = 0;      // Of the response, as the origin said.
  uint64_t received_ = 0;          // Of the response's body.
  bool frame_begun_ = false;
  rpc::Status status_ = rpc::Status::kOk;
};

}  // namespace proxenos::filters::grpc_http1_reverse_bridge
