// What becomes of heads and bodies.
#include "source/filters/http/grpc_json_transcoder/filter.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "source/base/limits.h"
#include "source/event/event_loop.h"
#include "source/filter/filter_override.h"
#include "source/http/content_coding.h"
#include "source/http/percent.h"

namespace proxenos::filters::grpc_json_transcoder {
namespace {

using filter::BodyMode;
using filter::BodyNeed;
using filter::Verdict;
using http::HeaderId;

constexpr absl::string_view kOriginalPath = "x-envoy-original-path";
constexpr absl::string_view kOriginalMethod = "x-envoy-original-method";
constexpr absl::string_view kDetails = "grpc-status-details-bin";
constexpr absl::string_view kJson = "application/json";
constexpr absl::string_view kBroken = "the service sent a broken message";
// Details, as Envoy has them: early is what comes of the request's head alone.
constexpr absl::string_view kFailure = "grpc_json_transcode_failure";
constexpr absl::string_view kInvalid = "grpc_json_transcode_failure{INVALID_ARGUMENT}";
constexpr absl::string_view kEarlyInvalid = "early_grpc_json_transcode_failure{INVALID_ARGUMENT}";
constexpr absl::string_view kEarlyNotFound = "early_grpc_json_transcode_failure{NOT_FOUND}";
// A message may have five bytes, and takes some microseconds whatever it has.
constexpr uint32_t kMaxMessagesOfTurn = 256;
// What a stream's head waits for; the type of a first message that is larger is not known.
constexpr uint32_t kMaxFirstBytes = 1024 * 1024 * 1024;

void SetLength(uint64_t length, http::Framing& framing, http::HeaderMap& headers) {
  framing = http::Framing{http::Framing::kLength, length};
  headers.Set(HeaderId::kContentLength, absl::AlphaNum(length).Piece());
}

// As peers write it, with padding or without.
std::string BinaryValue(absl::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) && !absl::WebSafeBase64Unescape(text, &bytes)) {
    bytes.clear();
  }
  return bytes;
}

// As many of its first bytes, or all.
std::string FrontOf(const buffer::Buffer& body, size_t count) {
  std::string bytes;
  for (size_t i = 0; i < body.slice_count() && bytes.size() < count; ++i) {
    absl::StrAppend(&bytes, body.slice(i).view().substr(0, count - bytes.size()));
  }
  return bytes;
}

// Lines are JSON too, as in Envoy.
absl::string_view TypeOfStream(Settings::Stream stream) {
  return stream == Settings::Stream::kEvents ? absl::string_view("text/event-stream") : kJson;
}

}  // namespace

GrpcJsonTranscoder::GrpcJsonTranscoder(const Settings& settings,
                                       const filter::FilterFactory& factory,
                                       filter::StreamContext& stream)
    : stream_(stream),
      settings_(filter::FindSettings<Settings>(stream, factory)),
      decoder_((settings_ == nullptr ? settings : *settings_).max_response_bytes) {
  if (settings_ == nullptr) settings_ = &settings;
  if (settings_->rules.empty() || stream.IsGrpcCall()) return;
  const http::RequestHead& head = stream.request;
  Matched matched = FindRule(*settings_, head.method_text, head.path);
  if (matched.outcome == Matched::Outcome::kNoRule && !settings_->rejects_unknown_method) return;
  if (matched.outcome == Matched::Outcome::kBadQuery && !settings_->rejects_unknown_parameters) {
    return;
  }
  matched_ = std::make_unique<const Matched>(std::move(matched));
}

BodyNeed GrpcJsonTranscoder::RequestBodyNeed(const BodyNeed& declared) const {
  if (!called() || matched_->outcome != Matched::Outcome::kFound) return declared;
  return BodyNeed{BodyMode::kBuffer, settings_->max_request_bytes};
}

bool GrpcJsonTranscoder::translates() const {
  return begun_ && !stream_.replied() &&
         rpc::IsGrpcType(stream_.response.headers.Get(HeaderId::kContentType));
}

BodyNeed GrpcJsonTranscoder::ResponseBodyNeed(const BodyNeed& declared) const {
  if (!translates()) return declared;
  if (matched_->rule->method->response_streams) return BodyNeed{BodyMode::kStream, 0};
  return BodyNeed{BodyMode::kBuffer, settings_->max_response_bytes};
}

Verdict GrpcJsonTranscoder::Refuse(uint16_t status, absl::string_view why,
                                   absl::string_view details) {
  stream_.Reply(status, stream_.arena.Copy(why), details, 0);
  return Verdict::kReplied;
}

void GrpcJsonTranscoder::BecomeCall(http::RequestHead& head) {
  begun_ = true;
  content_type_ = std::string(head.headers.Get(HeaderId::kContentType));
  head.headers.Set(kOriginalPath, head.path);
  head.headers.Set(kOriginalMethod, head.method_text);
  head.method = http::Method::kPost;
  head.method_text = "POST";
  head.path = matched_->rule->method->path;
  head.te_trailers = true;
  head.headers.Set(HeaderId::kContentType, rpc::kContentType);
  http::ForgetLength(head.framing, head.headers);
  if (!settings_->keeps_route) stream_.Reroute();
}

Verdict GrpcJsonTranscoder::OnRequestHeaders(http::RequestHead& head, bool end) {
  if (!called()) return Verdict::kContinue;
  if (matched_->outcome == Matched::Outcome::kNoRule) {
    const absl::string_view path = head.path.substr(0, head.path.find('?'));
    return Refuse(404, absl::StrCat("Could not resolve ", path, " to a method."), kEarlyNotFound);
  }
  if (matched_->outcome == Matched::Outcome::kBadQuery) {
    return Refuse(400, matched_->error, kEarlyInvalid);
  }
  BecomeCall(head);
  if (!end) return Verdict::kContinue;
  if (!MakeFrames(stream_.added_body, kEarlyInvalid)) return Verdict::kReplied;
  SetLength(stream_.added_body.size(), head.framing, head.headers);
  return Verdict::kContinue;
}

bool GrpcJsonTranscoder::MakeFrames(buffer::Buffer& out, absl::string_view details) {
  const auto frames = ToFrames(*settings_, *matched_, content_type_, asked_.ToString());
  asked_.Clear();
  if (!frames.ok()) {
    Refuse(400, frames.status().message(), details);
    return false;
  }
  out.Append(*frames);
  return true;
}

Verdict GrpcJsonTranscoder::OnRequestBody(buffer::Buffer& body, bool end) {
  if (!begun_) return Verdict::kContinue;
  asked_.Append(std::move(body));
  body.Clear();
  if (asked_.size() > settings_->max_request_bytes) {
    stream_.Reply(413, "Payload Too Large", "request_payload_too_large", 0);
    return Verdict::kReplied;
  }
  return !end || MakeFrames(body, kInvalid) ? Verdict::kContinue : Verdict::kReplied;
}

// Calls have none.
Verdict GrpcJsonTranscoder::OnRequestTrailers(http::HeaderMap& trailers) {
  if (!begun_) return Verdict::kContinue;
  trailers.Clear();
  return MakeFrames(stream_.added_body, kInvalid) ? Verdict::kContinue : Verdict::kReplied;
}

bool GrpcJsonTranscoder::ShowStatus(const http::HeaderMap& told, http::ResponseHead& head,
                                    std::string* body) {
  const auto status = rpc::StatusIn(told);
  if (!status.has_value()) {
    head.status = 503;  // Not how a call ends.
    return false;
  }
  if (*status == rpc::Status::kOk) {
    rpc::SetStatus(*status, head.headers);
    return false;
  }
  head.status = rpc::HttpStatusOf(*status);
  const http::Header* const text = told.Find(HeaderId::kGrpcMessage);
  if (settings_->converts_status && body->empty()) {
    const http::Header* const details = told.Find(kDetails);
    *body = StatusToJson(*settings_, static_cast<uint32_t>(*status),
                         text == nullptr ? "" : http::PercentDecoded(text->value()),
                         details == nullptr ? "" : BinaryValue(details->value()));
    head.headers.Remove(HeaderId::kGrpcStatus);
    head.headers.Remove(HeaderId::kGrpcMessage);
    head.headers.Remove(kDetails);
    return true;
  }
  const std::string kept = text == nullptr ? std::string() : std::string(text->value());
  rpc::SetStatus(*status, head.headers);
  if (text != nullptr) head.headers.Set(HeaderId::kGrpcMessage, kept);
  return false;
}

Verdict GrpcJsonTranscoder::ShowWhole(http::ResponseHead& head, bool end) {
  filter::Parts& in = stream_.response_in;
  std::string body, type(kJson);
  const bool streams = matched_->rule->method->response_streams;
  if (!end) {
    const auto result = decoder_.Next(in.body);
    if (result == rpc::FrameDecoder::Result::kFrame) {
      if (decoder_.flags() != 0) return Refuse(502, "the message is compressed", kFailure);
      const auto shown = ToShown(*settings_, *matched_->rule, decoder_.TakeMessage().ToString());
      if (!shown.ok()) return Refuse(502, shown.status().message(), kFailure);
      body = shown->bytes;
      if (!shown->content_type.empty()) type = shown->content_type;
    }
    if (!in.body.empty() || !decoder_.at_boundary()) {
      return Refuse(502, "expected one message", kFailure);
    }
  }
  const http::HeaderMap& told = in.trailers == nullptr ? head.headers : *in.trailers;
  if (ShowStatus(told, head, &body)) type = std::string(kJson);
  head.headers.Set(HeaderId::kContentType, streams ? TypeOfStream(settings_->stream) : type);
  in.trailers = nullptr;
  SetLength(body.size(), head.framing, head.headers);
  (end ? stream_.added_body : in.body).Append(body);
  return Verdict::kContinue;
}

Verdict GrpcJsonTranscoder::OnResponseHeaders(http::ResponseHead& head, bool end) {
  if (!translates()) return Verdict::kContinue;
  if (end || !matched_->rule->method->response_streams) return ShowWhole(head, end);
  streams_ = true;
  const bool raw = ShowsHttpBodies(*matched_->rule);
  head.headers.Set(HeaderId::kContentType, raw ? absl::string_view("application/octet-stream")
                                               : TypeOfStream(settings_->stream));
  http::ForgetLength(head.framing, head.headers);
  awaits_first_ = raw && !TakeTypeOfFirst();
  return awaits_first_ ? Verdict::kPause : Verdict::kContinue;
}

bool GrpcJsonTranscoder::TakeTypeOfFirst() {
  const filter::Parts& in = stream_.response_in;
  uint64_t wanted = rpc::kFrameHeaderBytes;
  const std::string frame = FrontOf(in.body, wanted);
  if (frame.size() == wanted) {
    uint32_t size = 0;
    for (const char byte : frame.substr(1)) size = size << 8 | static_cast<uint8_t>(byte);
    // What cannot be read is refused when it is to be.
    if (frame[0] != 0 || size > settings_->max_response_bytes || size > kMaxFirstBytes) return true;
    wanted += size;
  }
  if (in.body.size() < wanted) {
    if (in.end) return true;
    stream_.AwaitBody(filter::Direction::kResponse, static_cast<uint32_t>(wanted - 1));
    return false;
  }
  const std::string message = FrontOf(in.body, wanted);
  const auto shown = ToShown(*settings_, *matched_->rule,
                             absl::string_view(message).substr(rpc::kFrameHeaderBytes));
  if (shown.ok()) stream_.response.headers.Set(HeaderId::kContentType, shown->content_type);
  return true;
}

bool GrpcJsonTranscoder::ShowNext(absl::string_view message, buffer::Buffer& out) {
  const auto shown = ToShown(*settings_, *matched_->rule, message);
  if (!shown.ok()) return false;
  const bool first = std::exchange(first_, false);
  if (!shown->content_type.empty()) {
    out.Append(shown->bytes);
    return true;
  }
  switch (settings_->stream) {
    case Settings::Stream::kArray:
      out.Append(absl::StrCat(first ? "[" : ",", shown->bytes));
      break;
    case Settings::Stream::kLines:
      out.Append(absl::StrCat(shown->bytes, "\n"));
      break;
    case Settings::Stream::kEvents:
      out.Append(absl::StrCat("data: ", shown->bytes, "\n\n"));
      break;
  }
  return true;
}

void GrpcJsonTranscoder::ShowEnd(buffer::Buffer& out) {
  if (settings_->stream != Settings::Stream::kArray || ShowsHttpBodies(*matched_->rule)) return;
  out.Append(absl::string_view(first_ ? "[]" : "]"));
}

Verdict GrpcJsonTranscoder::OnResponseBody(buffer::Buffer& body, bool end) {
  if (!streams_ || stream_.replied()) return Verdict::kContinue;
  buffer::Buffer from = std::move(body);
  body.Clear();
  if (!ShowSome(from, body)) return Refuse(502, kBroken, kFailure);
  if (!from.empty()) {
    rest_ =
        std::make_unique<Rest>(stream_.environment.loop.timers(), [this] { stream_.Wake(*this); });
    rest_->from = std::move(from);
    rest_->shown = std::move(body);
    body.Clear();
    rest_->held = &body;
    rest_->end = end;
    rest_->next_turn.ArmIn(base::kMillisecond);
    return Verdict::kPause;
  }
  if (end && !decoder_.at_boundary()) return Refuse(502, kBroken, kFailure);
  if (end) ShowEnd(body);
  return Verdict::kContinue;
}

void GrpcJsonTranscoder::OnWake() {
  if (awaits_first_) {
    if (!stream_.replied() && !TakeTypeOfFirst()) return;
    awaits_first_ = false;
    if (!stream_.replied()) stream_.Resume(*this, filter::Direction::kResponse);
    return;
  }
  if (rest_ == nullptr) return;
  if (stream_.replied()) return rest_.reset();
  Rest& rest = *rest_;
  // Where the client takes no more, no more is made of it: this is called again when it has.
  if (rest.next_turn.armed() || stream_.injecting(*this, filter::Direction::kResponse)) return;
  if (!rest.complete) {
    const bool good = ShowSome(rest.from, rest.shown);
    rest.complete = rest.from.empty();
    if (!good || (rest.complete && rest.end && !decoder_.at_boundary())) {
      rest_.reset();
      Refuse(502, kBroken, kFailure);
      return;
    }
    if (rest.complete && rest.end) ShowEnd(rest.shown);
    if (!rest.complete) rest.next_turn.ArmIn(base::kMillisecond);
  }
  if (rest.shown.size() >= base::limits::kStreamBufferBytes ||
      (rest.complete && rest.passed_on && !rest.shown.empty())) {
    rest.passed_on = true;
    stream_.Inject(*this, filter::Direction::kResponse, std::move(rest.shown));
    rest.shown.Clear();
    return;
  }
  if (!rest.complete) return;
  if (!rest.passed_on) rest.held->Append(std::move(rest.shown));
  rest_.reset();
  stream_.Resume(*this, filter::Direction::kResponse);
}

bool GrpcJsonTranscoder::ShowSome(buffer::Buffer& from, buffer::Buffer& out) {
  for (uint32_t count = 0; count < kMaxMessagesOfTurn; ++count) {
    const auto result = decoder_.Next(from);
    if (result == rpc::FrameDecoder::Result::kNeedMore) return true;
    if (result == rpc::FrameDecoder::Result::kTooLarge || decoder_.flags() != 0 ||
        !ShowNext(decoder_.TakeMessage().ToString(), out)) {
      return false;
    }
  }
  return true;
}

Verdict GrpcJsonTranscoder::OnResponseTrailers(http::HeaderMap&) {
  if (streams_ && !stream_.replied()) ShowEnd(stream_.added_body);
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::grpc_json_transcoder
