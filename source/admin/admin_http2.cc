// Streams: requests in, answers out.
#include "source/admin/admin_http2.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/admin/admin_request.h"
#include "source/http/codec.h"

namespace proxenos::admin {
namespace {

using http::HeaderId;
using rpc::FrameDecoder;

// Answers may be large, and each stream holds one.
constexpr uint32_t kMaxStreams = 10;

http2::Options OptionsFor(const AdminLimits& limits) {
  http2::Options options;
  options.max_concurrent_streams = kMaxStreams;
  // A page's body is looked at whole; one that is too large is refused, not waited for.
  options.initial_stream_window = limits.max_body_bytes + options.max_frame_size;
  return options;
}

}  // namespace

// One request and its answers.
class AdminHttp2::Stream final : public http::RequestVisitor {
 public:
  Stream(AdminHttp2& owner, http2::StreamId id)
      : owner_(owner), id_(id), decoder_(owner.server_.limits_.max_body_bytes) {
    info_.connection = &owner.info_;
    info_.remote = owner.info_.direct_remote;
    info_.start = owner.server_.loop_.now();
    info_.start_wall = owner.server_.loop_.wall_now();
    info_.protocol = http::Version::kHttp2;
    auto& stats = *owner.server_.http_stats_;
    stats.downstream_rq_total.Inc();
    stats.downstream_rq_http2_total.Inc();
    stats.downstream_rq_active.Inc();
  }
  ~Stream() override { Log(); }

  // http::RequestVisitor.
  http::RequestHead& OnMessageBegin() override { return request_; }
  void OnHead(buffer::Slice) override { has_head_ = true; }
  void OnBody(buffer::Slice data) override {
    info_.bytes_received += data.size();
    in_.Append(std::move(data));
  }
  http::HeaderMap& OnTrailersBegin() override { return trailers_; }
  void OnTrailers(buffer::Slice) override {}
  void OnComplete() override {
    request_complete_ = true;
    info_.request_complete = owner_.server_.loop_.now();
  }

  void Refuse(http::CodecError error) { refused_ = error; }
  // Nothing can be sent any more.
  void Abandon() { answered_ = true; }
  void Advance();
  bool idle() const { return answered_ || (in_.empty() && out_.empty()); }

 private:
  void Begin();
  void AnswerPage();
  void AnswerMessages();
  bool AnswerMessage();
  // The end of a gRPC call.
  void End(rpc::Status status, absl::string_view error);
  void SendGrpcHead();
  void SendPage(Response response);
  // True when all that there is to send was taken.
  bool Flush();
  void Log();

  AdminHttp2& owner_;
  const http2::StreamId id_;
  buffer::Arena arena_;
  http::RequestHead request_{arena_};
  http::HeaderMap trailers_{arena_};
  http::ResponseHead response_{arena_};
  http::HeaderMap end_{arena_};  // gRPC's trailers.
  filter::StreamInfo info_;
  FrameDecoder decoder_;
  buffer::Buffer in_;
  buffer::Buffer out_;
  std::optional<http::CodecError> refused_;
  GrpcMethod* method_ = nullptr;
  bool has_head_ = false;
  bool request_complete_ = false;
  bool begun_ = false;
  bool grpc_ = false;
  bool head_sent_ = false;
  bool any_message_ = false;
  bool ending_ = false;    // What is in out_ is the last.
  bool answered_ = false;  // All was given to the session.
};

void AdminHttp2::Stream::Advance() {
  if (answered_) return;
  if (refused_.has_value() && !begun_) {
    begun_ = true;
    const int status = http::StatusOf(*refused_);
    SendPage(Response::Error(status, std::string(http::ReasonPhrase(http::StatusOf(*refused_)))));
  } else if (has_head_ && !begun_) {
    begun_ = true;
    Begin();
  }
  if (!Flush() || ending_ || !begun_) return;
  if (grpc_) {
    AnswerMessages();
  } else {
    AnswerPage();
  }
  Flush();
}

void AdminHttp2::Stream::Begin() {
  if (!rpc::IsGrpcType(request_.headers.Get(HeaderId::kContentType))) return;
  grpc_ = true;
  const size_t query = request_.path.find('?');
  method_ = owner_.server_.endpoints_.FindGrpc(request_.path.substr(0, query));
  if (method_ == nullptr) End(rpc::Status::kUnimplemented, "there is no such method");
}

void AdminHttp2::Stream::AnswerPage() {
  if (info_.bytes_received > owner_.server_.limits_.max_body_bytes) {
    owner_.server_.http_stats_->downstream_rq_too_large.Inc();
    return SendPage(Response::Error(413, "Payload Too Large"));
  }
  if (!request_complete_) return;
  SendPage(owner_.server_.endpoints_.Serve(RequestOf(request_, in_.ToString())));
}

void AdminHttp2::Stream::AnswerMessages() {
  while (!ending_ && !in_.empty()) {
    const uint64_t before = in_.size();
    const FrameDecoder::Result result = decoder_.Next(in_);
    owner_.session_.Consume(id_, before - in_.size());
    if (result == FrameDecoder::Result::kNeedMore) break;
    if (result == FrameDecoder::Result::kTooLarge) {
      return End(rpc::Status::kResourceExhausted, "the message is too large");
    }
    if (!AnswerMessage()) return;
  }
  if (ending_ || !request_complete_) return;
  if (!decoder_.at_boundary()) return End(rpc::Status::kInternal, "the message was cut short");
  if (!method_->streams && !any_message_) return End(rpc::Status::kInternal, "there is no message");
  End(rpc::Status::kOk, "");
}

// False: what follows waits.
bool AdminHttp2::Stream::AnswerMessage() {
  if (decoder_.flags() != 0) {
    End(rpc::Status::kUnimplemented, "compressed messages are not understood");
    return false;
  }
  if (std::exchange(any_message_, true) && !method_->streams) {
    End(rpc::Status::kInternal, "the method takes one message");
    return false;
  }
  GrpcAnswer answer = method_->handler(decoder_.TakeMessage().ToString());
  if (answer.status != rpc::Status::kOk) {
    End(answer.status, answer.error);
    return false;
  }
  SendGrpcHead();
  rpc::AppendFrameHeader(0, static_cast<uint32_t>(answer.message.size()), out_);
  out_.Append(answer.message);
  return Flush();
}

void AdminHttp2::Stream::SendGrpcHead() {
  if (std::exchange(head_sent_, true)) return;
  response_.status = 200;
  response_.framing = http::Framing{http::Framing::kChunked, 0};
  response_.headers.Add(HeaderId::kContentType, rpc::kContentType);
  owner_.session_.SendHead(id_, response_, /*end=*/false);
}

void AdminHttp2::Stream::End(rpc::Status status, absl::string_view error) {
  SendGrpcHead();
  rpc::SetStatus(status, end_);
  if (!error.empty()) end_.Add(HeaderId::kGrpcMessage, rpc::PercentEncode(error));
  ending_ = true;
}

void AdminHttp2::Stream::SendPage(Response response) {
  response_.status = static_cast<uint16_t>(response.status);
  response_.framing = http::Framing{http::Framing::kLength, response.body.size()};
  AddResponseHeaders(response, owner_.server_.date_.Get(owner_.server_.loop_.wall_now()),
                     response_.headers);
  head_sent_ = true;
  ending_ = true;
  const bool no_body = request_.method == http::Method::kHead || response.body.empty();
  owner_.session_.SendHead(id_, response_, no_body);
  if (no_body) {
    answered_ = true;
  } else {
    out_.Append(response.body);
  }
}

bool AdminHttp2::Stream::Flush() {
  if (answered_ || !head_sent_ || (out_.empty() && !ending_)) return true;
  const uint64_t before = out_.size();
  const bool all = owner_.session_.SendBody(id_, out_, ending_, grpc_ && ending_ ? &end_ : nullptr);
  info_.bytes_sent += before - out_.size();
  answered_ = all && ending_;
  // RFC 9113, 8.1: the answer is complete, the rest of the request is not wanted.
  if (answered_ && !request_complete_) owner_.session_.Reset(id_, http2::ErrorCode::kNoError);
  return all;
}

void AdminHttp2::Stream::Log() {
  info_.complete = owner_.server_.loop_.now();
  info_.response_code = response_.status;
  info_.details = "admin_filter_response";
  owner_.server_.CountRequest(info_, request_, response_);
}

AdminHttp2::AdminHttp2(AdminServer& server, const filter::ConnectionInfo& info)
    : server_(server),
      info_(info),
      options_(OptionsFor(server.limits_)),
      stats_(server.registry_.Open<stats::Http2Stats>(stats::ScopeName(stats::kHttp2Scope, {}))),
      session_(options_, *stats_, *this) {}

AdminHttp2::~AdminHttp2() = default;

bool AdminHttp2::Receive(const buffer::Slice& bytes) {
  broken_ = !session_.Receive(bytes);
  if (!broken_) Advance();
  return !broken_;
}

void AdminHttp2::Produce(buffer::Buffer& out, uint64_t limit) {
  // A stream's queue is smaller than what its answer may have left, and the peer, while it has
  // window, says nothing that would wake us: as long as something leaves, more is put behind it.
  // So afterwards nothing waits but for the peer, or else wants_write() says so.
  bool moved = true;
  while (moved && out.size() < limit) {
    const uint64_t before = out.size();
    session_.Produce(out, limit);
    moved = out.size() > before;
    if (moved && !broken_) Advance();
  }
}

void AdminHttp2::Advance() {
  for (auto& [id, stream] : streams_) stream->Advance();
  for (const http2::StreamId id : std::exchange(closed_, {})) streams_.erase(id);
}

bool AdminHttp2::idle() const {
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const auto& each) { return each.second->idle(); });
}

void AdminHttp2::CutStreams() { streams_.clear(); }

http::RequestVisitor* AdminHttp2::OnStreamBegin(http2::StreamId id) {
  auto stream = std::make_unique<Stream>(*this, id);
  Stream* made = stream.get();
  streams_.emplace(id, std::move(stream));
  return made;
}

void AdminHttp2::OnReset(http2::StreamId id, http2::ErrorCode, bool) {
  const auto found = streams_.find(id);
  if (found != streams_.end()) found->second->Abandon();
}

void AdminHttp2::OnClosed(http2::StreamId id) {
  OnReset(id, http2::ErrorCode::kNoError, false);
  closed_.push_back(id);
}

void AdminHttp2::OnHeadRefused(http2::StreamId id, http::CodecError error) {
  const auto found = streams_.find(id);
  if (found != streams_.end()) found->second->Refuse(error);
}

}  // namespace proxenos::admin
