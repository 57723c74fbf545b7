// What an attempt's entry tells: of the request and the client what the request's own tells, of
// times, bytes, answer and flags what is the attempt's.
#include "source/filters/http/router/upstream_logs.h"

#include <new>
#include <utility>

#include "source/filter/no_peer.h"
#include "source/filters/http/router/upstream_failure.h"

namespace proxenos::filters::router {

AttemptLog::AttemptLog(const UpstreamLogs& logs, const Router::Attempt& attempt,
                       filter::StreamContext& stream)
    : logs_(logs),
      attempt_(attempt),
      stream_(stream),
      begin_(attempt.started),
      begin_wall_(stream.environment.loop.wall_now()),
      number_(stream.info.attempts + 1) {
  if (logs.interval == 0) return;
  interval_.emplace(stream.environment.loop.timers(), [this] {
    Write(access_log::LogType::kUpstreamPeriodic);
    interval_->ArmIn(logs_.interval);
  });
  interval_->ArmIn(logs.interval);
}

void AttemptLog::OnConnected() {
  host_ = HostFacts::Of(stream_.info);
  connected_at_ = stream_.environment.loop.now();
  if (logs_.at_begin) Write(access_log::LogType::kUpstreamPoolReady);
}

// What becomes of the head on its way to the client is none of the attempt's.
void AttemptLog::OnHead(const http::ResponseHead& head) {
  buffer::Arena& arena = stream_.arena;
  auto* copy = new (arena.Allocate(sizeof(http::ResponseHead))) http::ResponseHead(arena);
  copy->status = head.status;
  for (const http::Header& field : head.headers) {
    copy->headers.Add(arena.Copy(field.name()), field.value());
  }
  head_ = copy;
  head_at_ = stream_.environment.loop.now();
}

void AttemptLog::OnEnd() {
  interval_.reset();
  Write(access_log::LogType::kUpstreamEnd);
}

filter::StreamInfo AttemptLog::Describe() const {
  const filter::StreamInfo& request = stream_.info;
  filter::StreamInfo info;
  info.connection = request.connection;
  info.remote = request.remote;
  info.route_name = request.route_name;
  info.virtual_host_name = request.virtual_host_name;
  info.virtual_cluster_name = request.virtual_cluster_name;
  info.upstream_cluster = request.upstream_cluster;
  info.upstream_stat_name = request.upstream_stat_name;
  info.cluster_metadata = request.cluster_metadata;
  info.original_path = request.original_path;
  info.filter_chain_name = request.filter_chain_name;
  info.health_check = request.health_check;
  info.trace = request.trace;
  info.notes = request.notes;
  info.request_header_bytes = request.request_header_bytes;
  info.downstream_wire_bytes_received = request.downstream_wire_bytes_received;
  info.start_wall = begin_wall_;
  info.start = begin_;
  info.complete = stream_.environment.loop.now();
  info.first_upstream_rx = head_at_;
  info.protocol = request.protocol;
  info.flags = flags;
  info.attempts = number_;
  info.response_code = head_ == nullptr ? 0 : head_->status;
  if ((flags & filter::kUpstreamConnectionFailure) != 0) {
    info.upstream_failure_reason =
        stream_.arena.Copy(TransportFailure(attempt_.failure, attempt_.failure_detail));
  }
  // The request's instants are those of its latest attempt, where they are not older.
  info.first_upstream_tx = connected_at_;
  if (connected_at_ != 0 && request.last_upstream_tx >= connected_at_) {
    info.last_upstream_tx = request.last_upstream_tx;
  }
  if (head_at_ != 0 && request.last_upstream_rx >= head_at_) {
    info.last_upstream_rx = request.last_upstream_rx;
  }
  info.bytes_received = attempt_.sizes.response_body;
  info.bytes_sent = attempt_.sizes.request_body;
  info.upstream_wire_bytes_received = attempt_.wire_bytes_received;
  info.upstream_wire_bytes_sent = attempt_.wire_bytes_sent;
  if (attempt_.host != nullptr) {
    info.upstream_remote = attempt_.host->address();
    info.upstream_peer = filter::NoPeer();
    info.upstream_host_name = attempt_.host->hostname();
    info.upstream_metadata = &*attempt_.host->identity().metadata;
  }
  if (host_.has_value()) {
    host_->Tell(info);
    if (host_->protocol.has_value()) info.protocol = *host_->protocol;
  }
  return info;
}

void AttemptLog::Write(access_log::LogType type) {
  filter::StreamInfo info = Describe();
  // What filters left to each other is the request's: lent for the time of writing.
  std::swap(info.metadata, stream_.info.metadata);
  std::swap(info.state, stream_.info.state);
  const access_log::FormatInput input{&info,
                                      &stream_.request,
                                      head_,
                                      attempt_.trailers,
                                      {},
                                      stream_.environment.runtime,
                                      stream_.environment.remote_logs,
                                      type};
  for (const access_log::AccessLog& log : logs_.logs) log.Log(input);
  std::swap(info.metadata, stream_.info.metadata);
  std::swap(info.state, stream_.info.state);
}

}  // namespace proxenos::filters::router
