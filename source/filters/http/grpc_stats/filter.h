// GrpcStatsFilter: counts gRPC calls and their messages by cluster, and by method where that is
// asked for.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/grpc_stats/stats.h"
#include "source/rpc/frame.h"
#include "source/rpc/status.h"

namespace proxenos::filters::grpc_stats {

// Thread: any (immutable).
struct GrpcStatsOptions {
  bool upstream_time = false;
  bool all_methods = false;
  bool dots_replaced = false;  // Those of the service, by underscores; with all_methods.
  bool emits_state = false;    // emit_filter_state
  absl::flat_hash_set<std::string> methods = {};  // "package.Service/Method"
};

// What stats call the method of a request to `path`; empty when it has no counters of its own: it
// is not listed, or its name is none that gRPC allows.
std::string MethodName(const GrpcStatsOptions& options, absl::string_view path);

class GrpcStatsFilter final : public filter::HttpFilter {
 public:
  // `options` outlives it.
  GrpcStatsFilter(const GrpcStatsOptions& options, filter::StreamContext& stream,
                  ClusterGrpcStats* stats)
      : options_(options), stream_(stream), stats_(stats) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnComplete() override;

 private:
  // The counters of this call. REQUIRES: the cluster is known.
  GrpcStats& CallStats() { return stats_->Of(stream_.info.upstream_cluster, method_); }
  // Counts what has been seen of messages, once the cluster is known.
  void CountMessages();
  // Of so many more messages, to whoever reads filter state.
  void Tell(uint64_t requests, uint64_t responses);

  const GrpcStatsOptions& options_;
  filter::StreamContext& stream_;
  ClusterGrpcStats* const stats_;  // Null: this is no gRPC call, or nothing is kept.
  bool active_ = false;
  std::string method_;  // As stats name it; empty: it has none of its own.
  rpc::FrameCounter requests_;
  rpc::FrameCounter responses_;
  uint64_t request_messages_ = 0;  // Not yet counted.
  uint64_t response_messages_ = 0;
  uint64_t told_requests_ = 0;  // Of the whole call.
  uint64_t told_responses_ = 0;
  std::optional<rpc::Status> status_;
};

}  // namespace proxenos::filters::grpc_stats
