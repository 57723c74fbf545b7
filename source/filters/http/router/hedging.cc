// Setting attempts aside, and what becomes of them.
#include "source/filters/http/router/hedging.h"

#include <new>
#include <utility>

#include "source/filters/http/router/upstream_failure.h"
#include "source/filters/http/router/upstream_logs.h"
#include "source/tracing/stream_trace.h"
#include "source/upstream/client_stream.h"

namespace proxenos::filters::router {
namespace {

using upstream::Exchange;

// The same bytes once more.
buffer::Buffer Shared(const buffer::Buffer& from) {
  buffer::Buffer shared;
  for (size_t i = 0; i < from.slice_count(); ++i) shared.Append(from.slice(i));
  return shared;
}

}  // namespace

HostFacts HostFacts::Of(const filter::StreamInfo& info) {
  return {info.upstream_remote,    info.upstream_peer,     info.upstream_local,
          info.upstream_host_name, info.upstream_metadata, info.upstream_connection_id,
          info.upstream_protocol,  info.upstream_tls};
}

void HostFacts::Tell(filter::StreamInfo& info) const {
  info.upstream_remote = remote;
  info.upstream_peer = peer;
  info.upstream_local = local;
  info.upstream_host_name = name;
  info.upstream_metadata = metadata;
  info.upstream_connection_id = connection_id;
  info.upstream_protocol = protocol;
  info.upstream_tls = tls;
}

bool Router::hedged() const { return hedges_ != nullptr && !hedges_->earlier.empty(); }

http::ResponseHead& Router::NextHead() {
  if (!retry_.hedges()) return stream_.response;
  buffer::Arena& arena = stream_.arena;
  return *new (arena.Allocate(sizeof(http::ResponseHead))) http::ResponseHead(arena);
}

void Router::TakeHead() {
  const http::ResponseHead& from = attempt_->response;
  http::ResponseHead& to = stream_.response;
  if (&from == &to || attempt_->filters != nullptr) return;  // It came out of the filters.
  to.status = from.status;
  to.version = from.version;
  to.keep_alive = from.keep_alive;
  to.reason = from.reason;
  to.upgrade = from.upgrade;
  to.framing = from.framing;
  to.spellings = from.spellings;
  to.headers.Clear();
  for (const http::Header& field : from.headers) {
    to.headers.AddView(field.id, field.name(), field.value());
  }
  stream_.response_head_bytes = attempt_->head_bytes;
}

void Router::OnSlow() {
  attempt_->timed_out = false;
  attempt_->slow = true;
  cluster_->CountUnanswered(*attempt_->host, /*timeout=*/true);
  // Whatever the policy's reasons are: that a try takes too long is one by itself.
  if (retry_.any() && !attempt_->retried && AcquireRetry()) {
    late_ = true;
    SetAside();
  }
}

void Router::SetAside() {
  choice_.Note(*attempt_);
  if (stream_.trace != nullptr) stream_.trace->EndAttempt(0);
  attempt_->retried = true;
  if (hedges_ == nullptr) hedges_ = std::make_unique<Hedges>();
  hedges_->earlier.push_back(
      {std::move(attempt_), HostFacts::Of(stream_.info), Shared(stream_.request_out.body)});
  ScheduleRetry(BackOff());
}

void Router::WakeHedges() {
  std::vector<Earlier>& earlier = hedges_->earlier;
  for (size_t i = 0; i < earlier.size();) {
    Attempt& attempt = *earlier[i].attempt;
    attempt.informational = nullptr;  // The client has no use for those of several tries.
    if (!attempt.head && attempt.state == Exchange::State::kActive && !attempt.expired) {
      upstream::ClientStream& stream = *attempt.stream.get();
      if (!stream.request_complete()) {
        stream.SendBody(earlier[i].rest, /*end=*/true, stream_.request_out.trailers);
      }
      ++i;
      continue;
    }
    Earlier done = std::move(earlier[i]);
    earlier.erase(earlier.begin() + static_cast<std::ptrdiff_t>(i));
    const bool last = attempt_ == nullptr && !waiting_to_retry_ && earlier.empty();
    const bool good = attempt.head && !retry_.Wants(retry_.ReasonsOf(attempt.response));
    if (good || last) return Prefer(std::move(done));
    Drop(std::move(done));
  }
}

void Router::Prefer(Earlier&& chosen) {
  AbandonHedges();
  AbandonAttempt();
  back_off_.reset();
  waiting_to_retry_ = back_off_over_ = false;
  // What waits for the attempt that was given up has been kept, or is lost to internal redirects.
  sent_body_.Pass(stream_.request_out.body, [](buffer::Buffer& body) {
    body.Clear();
    return true;
  });
  if (!chosen.rest.empty()) sent_body_.Drop();
  stream_.request_out.body = std::move(chosen.rest);
  attempt_ = std::move(chosen.attempt);
  host_ = attempt_->host;
  chosen.facts.Tell(stream_.info);
}

void Router::Drop(Earlier&& broken) {
  std::swap(attempt_, broken.attempt);
  if (attempt_->head) {
    TakeHead();
    if (attempt_->log != nullptr) attempt_->log->OnHead(stream_.response);
    JudgeHost();
  } else if (attempt_->state == Exchange::State::kReset) {
    cluster_->stats().upstream_rq_rx_reset.Inc();
    cluster_->CountUnanswered(*attempt_->host, /*timeout=*/false);
    CountStatus(WordsOf(attempt_->reset).status);
  }
  AbandonAttempt();
  std::swap(attempt_, broken.attempt);
}

size_t Router::AbandonHedges() {
  if (hedges_ == nullptr) return 0;
  std::vector<Earlier> given_up = std::exchange(hedges_->earlier, {});
  for (Earlier& each : given_up) {
    std::swap(attempt_, each.attempt);
    AbandonAttempt();
    std::swap(attempt_, each.attempt);
  }
  return given_up.size();
}

}  // namespace proxenos::filters::router
