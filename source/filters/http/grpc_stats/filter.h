// GrpcStatsFilter: counts gRPC calls and their messages by cluster.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <optional>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/grpc_stats/stats.h"
#include "source/rpc/frame.h"
#include "source/rpc/status.h"

namespace proxenos::filters::grpc_stats {

class GrpcStatsFilter final : public filter::HttpFilter {
 public:
  GrpcStatsFilter(bool upstream_time, filter::StreamContext& stream, ClusterGrpcStats* stats)
      : upstream_time_(upstream_time), stream_(stream), stats_(stats) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnComplete() override;

 private:
  // Counts what has been seen of messages, once the cluster is known.
  void CountMessages();

  const bool upstream_time_;
  filter::StreamContext& stream_;
  ClusterGrpcStats* const stats_;  // Null: this is no gRPC call, or nothing is kept.
  bool active_ = false;
  rpc::FrameCounter requests_;
  rpc::FrameCounter responses_;
  uint64_t request_messages_ = 0;  // Not yet counted.
  uint64_t response_messages_ = 0;
  std::optional<rpc::Status> status_;
};

}  // namespace proxenos::filters::grpc_stats
