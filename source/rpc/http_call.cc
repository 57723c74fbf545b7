// From request to answer.
#include "source/rpc/http_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/limits.h"
#include "source/rpc/failure_text.h"
#include "source/rpc/judging.h"
#include "source/stats/request_origin.h"
#include "source/upstream/client_stream.h"
#include "source/upstream/connection_kind.h"
#include "source/upstream/request_name.h"

namespace proxenos::rpc {

using upstream::Exchange;
using upstream::PoolFailure;

HttpCall::Attempt::Attempt(HttpCall& owner) : Exchange(owner.response_), call(owner) {
  body_limit = base::limits::kStreamBufferBytes;
}

void HttpCall::Attempt::OnProgress() { call.loop_.Schedule(&call); }

HttpCall::HttpCall(base::Rc<upstream::WorkerCluster> cluster, const Limits& limits,
                   absl::AnyInvocable<void()> on_done)
    : loop_(cluster->loop()),
      cluster_(std::move(cluster)),
      on_done_(std::move(on_done)),
      limits_(limits),
      request_(arena_),
      response_(arena_) {
  request_.method_text = "GET";
  request_.path = "/";
  request_.scheme = cluster_->config().tls.empty() ? "http" : "https";
}

HttpCall::~HttpCall() {
  if (!done_ && head_sent_) CountEnd(*cluster_, *attempt_);
  if (counted_) cluster_->ReleaseRequest();
}

void HttpCall::Start(buffer::Buffer body) {
  DCHECK(attempt_ == nullptr && !done_);
  unsent_ = std::move(body);
  request_.method = http::ParseMethod(request_.method_text);
  // A POST without a body says so (RFC 9110, section 8.6).
  const bool has_content = !unsent_.empty() || request_.method == http::Method::kPost ||
                           request_.method == http::Method::kPut;
  request_.headers.Remove(http::HeaderId::kContentLength);
  request_.framing = http::Framing{http::Framing::kNone, 0};
  if (has_content) {
    request_.framing = http::Framing{http::Framing::kLength, unsent_.size()};
    request_.headers.Set(http::HeaderId::kContentLength, absl::AlphaNum(unsent_.size()).Piece());
  }
  if (limits_.timeout > 0) {
    deadline_.emplace(loop_.timers(), [this] {
      timed_out_ = true;
      loop_.Schedule(this);
    });
    deadline_->ArmIn(limits_.timeout);
  }
  started_ = loop_.now();
  attempt_ = std::make_unique<Attempt>(*this);
  counted_ = cluster_->TryAcquireRequest();
  if (counted_) {
    Acquire();
  } else {
    cluster_->stats().upstream_rq_pending_overflow.Inc();
    attempt_->state = Exchange::State::kFailed;
    attempt_->failure = PoolFailure::kOverflow;
  }
  if (attempt_->state != Exchange::State::kPending) loop_.Schedule(this);
}

void HttpCall::Acquire() {
  upstream::ConnectionNeeds needs;
  if (cluster_->connections_vary()) {
    upstream::NameConnection(cluster_->config(), request_, needs);
    attempt_->needs = &needs;
  }
  cluster_->Acquire(*attempt_);
  attempt_->needs = nullptr;
}

void HttpCall::Run() {
  if (done_) return;
  Advance();
  if (!done_) return;
  auto tell = std::move(on_done_);
  tell();  // This may be gone now.
}

void HttpCall::Advance() {
  Attempt& attempt = *attempt_;
  if (timed_out_) {
    if (head_sent_ && !attempt.head) JudgeLate(*cluster_, attempt);
    return Finish(End::kTimeout, "timeout");
  }
  if (attempt.state == Exchange::State::kPending) return;
  if (attempt.state == Exchange::State::kFailed) {
    JudgeFailure(*cluster_, attempt);
    return Finish(End::kFailed,
                  absl::StrCat(FailureText(attempt.failure),
                               attempt.failure_detail.empty() ? "" : ": ", attempt.failure_detail));
  }
  if (attempt.head && !head_seen_) {
    head_seen_ = true;
    head_bytes_ = attempt.head_bytes;
    JudgeHead(*cluster_, attempt, response_, /*grpc=*/false);
  }
  attempt.informational = nullptr;
  TakeBody();
  if (body_bytes_ > limits_.max_body_bytes) {
    return Finish(End::kTooLarge,
                  absl::StrCat("the answer has more than ", limits_.max_body_bytes, " bytes"));
  }
  if (attempt.end) {
    auto& stats = cluster_->stats();
    // Envoy marks its own requests as internal.
    stats.upstream_rq.Inc(stats::StatusOf(stats::RequestOrigin::kInternal, response_.status));
    stats.upstream_rq_time.Record(
        static_cast<uint64_t>((loop_.now() - started_) / base::kMillisecond));
    return Finish(End::kAnswer, std::string());
  }
  if (attempt.state == Exchange::State::kReset) {
    // Of a body some may have gone already.
    const bool whole = request_.framing.kind == http::Framing::kNone;
    if (!repeated_ && whole && attempt.IsRepeatable(request_.method)) return Repeat();
    cluster_->stats().upstream_rq_rx_reset.Inc();
    JudgeFailure(*cluster_, attempt);
    return Finish(End::kFailed, "the connection ended before the answer did");
  }
  SendMore();
}

void HttpCall::Repeat() {
  repeated_ = true;
  if (head_sent_) CountEnd(*cluster_, *attempt_);
  head_sent_ = body_sent_ = false;
  attempt_ = std::make_unique<Attempt>(*this);
  attempt_->wants_fresh = true;
  Acquire();
  if (attempt_->state != Exchange::State::kPending) loop_.Schedule(this);
}

void HttpCall::TakeBody() {
  const uint64_t size = attempt_->body.size();
  if (size == 0) return;
  body_bytes_ += size;
  if (limits_.keeps_body) {
    body_.Append(std::move(attempt_->body));
  } else {
    attempt_->body.Clear();
  }
  attempt_->BodyTaken(size);
}

void HttpCall::SendMore() {
  upstream::ClientStream* stream = attempt_->stream.get();
  if (stream == nullptr) return;
  if (!head_sent_) {
    head_sent_ = true;
    CountBegin(*cluster_, *attempt_);
    stream->SendHead(request_, /*end=*/unsent_.empty());
  }
  if (!body_sent_) body_sent_ = stream->SendBody(unsent_, /*end=*/true, nullptr);
}

void HttpCall::Finish(End end, std::string message) {
  done_ = true;
  end_ = end;
  error_message_ = std::move(message);
  unsent_.Clear();
  deadline_.reset();
  if (head_sent_) CountEnd(*cluster_, *attempt_);
  attempt_.reset();
  if (counted_) cluster_->ReleaseRequest();
  counted_ = false;
}

}  // namespace proxenos::rpc
