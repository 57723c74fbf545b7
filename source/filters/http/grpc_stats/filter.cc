// Counting calls.
#include "source/filters/http/grpc_stats/filter.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace proxenos::filters::grpc_stats {

using filter::Verdict;

namespace {

constexpr size_t kMaxMethodBytes = 256;  // Of what goes into the names of stats.
constexpr absl::string_view kState = "envoy.filters.http.grpc_stats";

// Of a service or a method: letters, digits and what generated code has besides.
bool IsNamePart(absl::string_view text, absl::string_view besides) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [besides](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || besides.find(c) != besides.npos;
  });
}

}  // namespace

std::string MethodName(const GrpcStatsOptions& options, absl::string_view path) {
  if (!options.all_methods && options.methods.empty()) return "";
  path = path.substr(0, path.find('?'));
  if (!absl::ConsumePrefix(&path, "/") || path.size() > kMaxMethodBytes) return "";
  const size_t slash = path.find('/');
  if (slash == path.npos) return "";
  const absl::string_view service = path.substr(0, slash);
  const absl::string_view method = path.substr(slash + 1);
  if (!IsNamePart(service, "._-") || !IsNamePart(method, "_-")) return "";
  if (!options.all_methods) {
    return options.methods.contains(path) ? absl::StrCat(service, ".", method) : "";
  }
  std::string name(service);
  if (options.dots_replaced) std::replace(name.begin(), name.end(), '.', '_');
  absl::StrAppend(&name, ".", method);
  return name;
}

Verdict GrpcStatsFilter::OnRequestHeaders(http::RequestHead& head, bool) {
  active_ = stats_ != nullptr && rpc::IsGrpcType(head.headers.Get(http::HeaderId::kContentType));
  if (active_) method_ = MethodName(options_, head.path);
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnRequestBody(buffer::Buffer& body, bool) {
  if (!active_) return Verdict::kContinue;
  const uint64_t messages = requests_.Add(body);
  request_messages_ += messages;
  Tell(messages, 0);
  CountMessages();
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnResponseHeaders(http::ResponseHead& head, bool end) {
  if (active_ && end) status_ = rpc::StatusIn(head.headers);
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnResponseBody(buffer::Buffer& body, bool) {
  if (!active_) return Verdict::kContinue;
  const uint64_t messages = responses_.Add(body);
  response_messages_ += messages;
  Tell(0, messages);
  CountMessages();
  return Verdict::kContinue;
}

Verdict GrpcStatsFilter::OnResponseTrailers(http::HeaderMap& trailers) {
  if (active_) status_ = rpc::StatusIn(trailers);
  return Verdict::kContinue;
}

// As Envoy writes it.
void GrpcStatsFilter::Tell(uint64_t requests, uint64_t responses) {
  if (!options_.emits_state || requests + responses == 0) return;
  told_requests_ += requests;
  told_responses_ += responses;
  stream_.info.state.Set(kState, absl::StrCat(told_requests_, ",", told_responses_));
}

void GrpcStatsFilter::CountMessages() {
  if (request_messages_ + response_messages_ == 0 || stream_.info.upstream_cluster.empty()) return;
  GrpcStats& stats = CallStats();
  stats.request_message_count.Add(request_messages_);
  stats.response_message_count.Add(response_messages_);
  request_messages_ = response_messages_ = 0;
}

void GrpcStatsFilter::OnComplete() {
  if (!active_ || stream_.info.upstream_cluster.empty()) return;
  CountMessages();
  const filter::StreamInfo& info = stream_.info;
  GrpcStats& stats = CallStats();
  if (options_.upstream_time && info.last_upstream_tx != 0 && info.last_upstream_rx != 0) {
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
