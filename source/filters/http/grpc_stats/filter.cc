// Counting calls.
#include "source/filters/http/grpc_stats/filter.h"

#include <algorithm>

namespace proxenos::filters::grpc_stats {

using filter::Verdict;

Verdict GrpcStatsFilter::OnRequestHeaders(http::RequestHead& head, bool) {
  active_ = stats_ != nullptr && rpc::IsGrpcType(head.headers.Get(http::HeaderId::kContentType));
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnRequestBody(buffer::Buffer& body, bool) {
  if (!active_) return Verdict::kContinue;
  request_messages_ += requests_.Add(body);
  CountMessages();
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnResponseHeaders(http::ResponseHead& head, bool end) {
  if (active_ && end) status_ = rpc::StatusIn(head.headers);
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnResponseBody(buffer::Buffer& body, bool) {
  if (!active_) return Verdict::kContinue;
  response_messages_ += responses_.Add(body);
  CountMessages();
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnResponseTrailers(http::HeaderMap& trailers) {
  if (active_) status_ = rpc::StatusIn(trailers);
  return Verdict::kContinue;
}

void GrpcStatsFilter::CountMessages() {
  if (request_messages_ + response_messages_ == 0 || stream_.info.upstream_cluster.empty()) return;
  GrpcStats& stats = stats_->Of(stream_.info.upstream_cluster);
  stats.request_message_count.Add(request_messages_);
  stats.response_message_count.Add(response_messages_);
  request_messages_ = response_messages_ = 0;
}

void GrpcStatsFilter::OnComplete() {
  if (!active_ || stream_.info.upstream_cluster.empty()) return;
  CountMessages();
  const filter::StreamInfo& info = stream_.info;
  GrpcStats& stats = stats_->Of(info.upstream_cluster);
  if (upstream_time_ && info.last_upstream_tx != 0 && info.last_upstream_rx != 0) {
    stats.upstream_rq_time.Record(static_cast<uint64_t>(
        std::max<base::Nanos>(info.last_upstream_rx - info.last_upstream_tx, 0) /
        base::kMillisecond));
  }
  if (!status_.has_value()) return;
  stats.total.Inc();
  (*status_ == rpc::Status::kOk ? stats.success : stats.failure).Inc();
  const auto code = static_cast<uint32_t>(*status_);
  if (code < GrpcStats::kStatuses) stats.status[code].Inc();
}

}  // namespace proxenos::filters::grpc_stats
