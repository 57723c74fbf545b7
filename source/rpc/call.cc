// From question to status.
#include "source/rpc/call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/limits.h"
#include "source/http/percent.h"
#include "source/rpc/call_retrying.h"
#include "source/rpc/failure_text.h"
#include "source/rpc/judging.h"
#include "source/rpc/timeout.h"
#include "source/stats/request_origin.h"
#include "source/upstream/client_stream.h"
#include "source/upstream/connection_kind.h"
#include "source/upstream/request_name.h"

namespace proxenos::rpc {

using http::HeaderId;
using upstream::Exchange;
using upstream::PoolFailure;
using upstream::ResetReason;

Call::Attempt::Attempt(Call& owner) : Exchange(owner.response_), call(owner) {
  body_limit = base::limits::kStreamBufferBytes;
}

void Call::Attempt::OnProgress() { call.loop_.Schedule(&call); }

Call::Call(base::Rc<upstream::WorkerCluster> cluster, const CallOptions& options,
           absl::AnyInvocable<void()> on_progress)
    : loop_(cluster->loop()),
      cluster_(std::move(cluster)),
      on_progress_(std::move(on_progress)),
      max_message_bytes_(options.max_message_bytes),
      request_(arena_),
      response_(arena_),
      decoder_(options.max_message_bytes) {
  FillHead(options);
  if (options.timeout > 0) {
    deadline_.emplace(loop_.timers(), [this] {
      timed_out_ = true;
      loop_.Schedule(this);
    });
    deadline_->ArmIn(options.timeout);
  }
  if (options.retries.most > 0 && options.retries.on != 0) {
    retrying_ = std::make_unique<Retrying>(*cluster_, options.retries);
  }
  Connect(options.host != nullptr ? &options.host : nullptr);
}

void Call::Connect(const std::shared_ptr<const upstream::Host>* host) {
  attempt_ = std::make_unique<Attempt>(*this);
  counted_ = cluster_->TryAcquireRequest();
  if (cluster_->config().protocol == upstream::HttpProtocol::kHttp1) {
    attempt_->state = Exchange::State::kFailed;
    attempt_->failure_detail = "the cluster does not speak HTTP/2";
  } else if (counted_) {
    // As if the question had come in HTTP/2, where that matters.
    upstream::ConnectionNeeds needs;
    needs.http2 = true;
    upstream::NameConnection(cluster_->config(), request_, needs);
    attempt_->needs = &needs;
    attempt_->wanted_host = host;
    cluster_->Acquire(*attempt_);
    attempt_->wanted_host = nullptr;
  } else {
    cluster_->stats().upstream_rq_pending_overflow.Inc();
    attempt_->state = Exchange::State::kFailed;
    attempt_->failure = PoolFailure::kOverflow;
  }
  if (attempt_->state != Exchange::State::kPending) loop_.Schedule(this);
}

Call::~Call() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  if (head_sent_) CountEnd(*cluster_, *attempt_);
  if (counted_) cluster_->ReleaseRequest();
}

void Call::FillHead(const CallOptions& options) {
  request_.method = http::Method::kPost;
  request_.method_text = "POST";
  request_.version = http::Version::kHttp2;
  request_.path = arena_.Copy(options.path);
  request_.authority = arena_.Copy(options.authority);
  request_.scheme = cluster_->config().tls.empty() ? "http" : "https";
  request_.te_trailers = true;
  request_.framing = http::Framing{http::Framing::kChunked, 0};
  http::HeaderMap& headers = request_.headers;
  if (options.timeout > 0) headers.Add(HeaderId::kGrpcTimeout, FormatTimeout(options.timeout));
  headers.Add(HeaderId::kContentType, kContentType);
  for (const auto& [name, value] : options.metadata) headers.Add(name, value);
}

void Call::Send(absl::string_view message) {
  DCHECK(!closing_);
  if (done_) return;
  AppendFrameHeader(0, static_cast<uint32_t>(message.size()), unsent_);
  unsent_.Append(message);
  if (retrying_ != nullptr) retrying_->Keep(message);
  if (head_sent_) loop_.Schedule(this);
}

void Call::CloseSend() {
  closing_ = true;
  if (head_sent_) loop_.Schedule(this);
}

std::optional<buffer::Buffer> Call::Receive() {
  std::optional<buffer::Buffer> message = std::exchange(received_, std::nullopt);
  // The next one is decoded on the loop's time, not on the caller's.
  if (message.has_value() && !done_) loop_.Schedule(this);
  return message;
}

void Call::Run() {
  if (done_) return;
  Advance();
  bool destroyed = false;
  destroyed_ = &destroyed;
  absl::AnyInvocable<void()> tell = std::move(on_progress_);
  tell();
  if (destroyed) return;
  destroyed_ = nullptr;
  on_progress_ = std::move(tell);
}

void Call::Advance() {
  if (timed_out_) {
    if (retrying_ != nullptr) retrying_->over = true;
    if (head_sent_ && !attempt_->head) JudgeLate(*cluster_, *attempt_);
    return Finish(Status::kDeadlineExceeded, "deadline exceeded");
  }
  if (attempt_ == nullptr) return;  // Between two tries.
  Attempt& attempt = *attempt_;
  if (attempt.state == Exchange::State::kPending) return;
  if (attempt.state == Exchange::State::kFailed) {
    unreachable_ = true;
    JudgeFailure(*cluster_, attempt);
    return Finish(Status::kUnavailable,
                  absl::StrCat(FailureText(attempt.failure),
                               attempt.failure_detail.empty() ? "" : ": ", attempt.failure_detail));
  }
  if (attempt.head && !head_seen_) ReadHead();
  if (attempt_ != nullptr) ReadBody();
  if (attempt_ == nullptr) return;
  SendMore();
  // An answer that is more than its status has begun: it stands.
  const bool begun = received_.has_value() || !decoder_.at_boundary();
  if (head_seen_ && (begun || !attempt.end)) KeepAnswer();
  if (received_.has_value()) return;  // What follows comes after the message.
  if (attempt.end) return ReadEnd();
  if (attempt.state == Exchange::State::kReset) return FinishFailed();
}

void Call::SendMore() {
  upstream::ClientStream* stream = attempt_->stream.get();
  if (stream == nullptr) return;
  if (!head_sent_) {
    head_sent_ = true;
    CountBegin(*cluster_, *attempt_);
    stream->SendHead(request_, /*end=*/false);
  }
  if (closed_ || (unsent_.empty() && !closing_)) return;
  closed_ = stream->SendBody(unsent_, closing_, nullptr) && closing_;
}

// A response that is no gRPC says by its HTTP status what is wrong; else trailers have the word.
void Call::ReadHead() {
  head_seen_ = true;
  head_bytes_ = attempt_->head_bytes;
  // Envoy marks its own requests as internal.
  cluster_->stats().upstream_rq.Inc(
      stats::StatusOf(stats::RequestOrigin::kInternal, response_.status));
  JudgeHead(*cluster_, *attempt_, response_, /*grpc=*/true);
  if (StatusIn(response_.headers).has_value()) return;
  if (response_.status != 200) {
    return Finish(StatusOfHttp(response_.status),
                  absl::StrCat("the server answered with HTTP status ", response_.status));
  }
  const absl::string_view type = response_.headers.Get(HeaderId::kContentType);
  if (!IsGrpcType(type)) {
    Finish(Status::kUnknown, absl::StrCat("the server answered with content-type '", type, "'"));
  }
}

void Call::ReadBody() {
  buffer::Buffer& body = attempt_->body;
  if (received_.has_value() || body.empty()) return;
  const uint64_t before = body.size();
  const FrameDecoder::Result result = decoder_.Next(body);
  attempt_->BodyTaken(before - body.size());
  switch (result) {
    case FrameDecoder::Result::kNeedMore:
      return;
    case FrameDecoder::Result::kTooLarge:
      return Finish(
          Status::kResourceExhausted,
          absl::StrCat("the server sent a message of more than ", max_message_bytes_, " bytes"));
    case FrameDecoder::Result::kFrame:
      break;
  }
  if (decoder_.flags() != 0) {  // No encoding was offered.
    return Finish(Status::kInternal, "the server sent a compressed message");
  }
  received_ = decoder_.TakeMessage();
}

void Call::ReadEnd() {
  trailers_ = attempt_->trailers;
  trailer_bytes_ = attempt_->trailer_bytes;
  const http::HeaderMap& told = trailers_ == nullptr ? response_.headers : *trailers_;
  const std::optional<Status> status = StatusIn(told);
  if (!status.has_value()) return Finish(Status::kUnknown, "the server sent no grpc-status");
  if (*status == Status::kOk && !decoder_.at_boundary()) {
    return Finish(Status::kInternal, "the last message was cut short");
  }
  Finish(*status, http::PercentDecoded(told.Get(HeaderId::kGrpcMessage)));
}

void Call::FinishFailed() {
  unreachable_ = true;
  JudgeFailure(*cluster_, *attempt_);
  switch (attempt_->reset) {
    case ResetReason::kRefusedStream:
      return Finish(Status::kUnavailable, "the server refused the stream");
    case ResetReason::kProtocolError:
      return Finish(Status::kInternal,
                    absl::StrCat("protocol error", attempt_->codec_detail.empty() ? "" : ": ",
                                 attempt_->codec_detail));
    case ResetReason::kRemoteReset:
    case ResetReason::kLocalReset:
      return Finish(Status::kInternal, "the stream was reset");
    case ResetReason::kNone:
    case ResetReason::kRemoteClosed:
      break;
  }
  Finish(Status::kUnavailable, "the server closed the connection");
}

void Call::EndAttempt() {
  if (head_sent_) CountEnd(*cluster_, *attempt_);
  head_sent_ = false;
  attempt_.reset();
  if (counted_) cluster_->ReleaseRequest();
  counted_ = false;
}

void Call::Finish(Status status, std::string message) {
  const uint32_t reasons = retrying_ != nullptr && attempt_ != nullptr ? RetryReasons() : 0;
  EndAttempt();
  if (retrying_ != nullptr && TriesAgain(reasons)) return;
  done_ = true;
  status_ = status;
  error_message_ = std::move(message);
  received_.reset();
  unsent_.Clear();
  deadline_.reset();
  retrying_.reset();  // With the pause, if it was in one.
}

UnaryCall::UnaryCall(base::Rc<upstream::WorkerCluster> cluster, const CallOptions& options,
                     absl::string_view question, OnDone on_done)
    : on_done_(std::move(on_done)), call_(std::move(cluster), options, [this] { OnProgress(); }) {
  call_.Send(question);
  call_.CloseSend();
}

void UnaryCall::OnProgress() {
  std::optional<buffer::Buffer> message = call_.Receive();
  Result result{Status::kInternal, "the server sent several messages", buffer::Buffer()};
  const bool several = message.has_value() && answer_.has_value();
  if (message.has_value() && !several) answer_ = *std::move(message);
  if (!several) {
    if (!call_.done()) return;
    result.status = call_.status();
    result.error_message = call_.error_message();
    if (result.status == Status::kOk && !answer_.has_value()) {
      result.status = Status::kInternal;
      result.error_message = "the server sent no message";
    }
  }
  if (on_done_ == nullptr) return;
  if (result.status == Status::kOk) result.answer = *std::move(answer_);
  OnDone tell = std::exchange(on_done_, nullptr);
  tell(std::move(result));  // This may be gone now.
}

}  // namespace proxenos::rpc
