// Requests: from the first byte of a request line to the choice of framing.
#include <array>

#include "absl/strings/match.h"
#include "source/http/authority.h"
#include "source/http/chars.h"
#include "source/http1/decoder.h"
#include "source/http1/request_target.h"
#include "source/http1/spelling_section.h"
#include "source/http1/start_line.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;
using http::Framing;
using http::HeaderId;
using http::Method;
using http::Version;

// Fields that do not simply go into the header map.
constexpr std::array<bool, static_cast<size_t>(HeaderId::kCount)> kSpecial = [] {
  std::array<bool, static_cast<size_t>(HeaderId::kCount)> table{};
  for (HeaderId id :
       {HeaderId::kConnection, HeaderId::kContentLength, HeaderId::kExpect, HeaderId::kHost,
        HeaderId::kHttp2Settings, HeaderId::kKeepAlive, HeaderId::kProxyConnection, HeaderId::kTe,
        HeaderId::kTransferEncoding, HeaderId::kUpgrade}) {
    table[static_cast<size_t>(id)] = true;
  }
  return table;
}();

// Whether the upgrade that a request asks for is one in HTTP/2 as well, where it is an extended
// CONNECT (RFC 8441): that has a path, and stands for a GET where it opens a WebSocket, as the
// handshake has to be (RFC 6455, 4.1). With another method the origin would be asked for something
// else than what was allowed on the way; with an asterisk it would refuse the whole connection.
bool IsUpgrade(const http::RequestHead& head) {
  if (head.path == "*") return false;
  return head.method == Method::kGet || !absl::EqualsIgnoreCase(head.upgrade, "websocket");
}

}  // namespace

RequestDecoder::RequestDecoder(const RequestDecoderOptions& options, http::RequestVisitor& visitor)
    : options_(options), visitor_(visitor) {}

DecodeResult RequestDecoder::Fail(CodecError error) {
  state_ = State::kError;
  error_ = error;
  head_ = nullptr;
  return DecodeResult::kError;
}

DecodeResult RequestDecoder::Decode(buffer::Slice& bytes) {
  if (state_ == State::kIdle) {
    if (bytes.empty()) return DecodeResult::kNeedMore;
    const DecodeResult result = Begin(bytes);
    if (state_ != State::kHead) return result;
  }
  if (state_ == State::kHead) {
    const DecodeResult result = DecodeHead(bytes);
    if (state_ != State::kBody) return result;
  }
  if (state_ == State::kBody) {
    const DecodeResult result = body_.Decode(bytes, visitor_);
    if (result == DecodeResult::kError) return Fail(body_.error());
    if (result == DecodeResult::kMessageComplete) state_ = State::kIdle;
    return result;
  }
  if (state_ == State::kTunnelRefused) {
    return bytes.empty() ? DecodeResult::kNeedMore : Fail(CodecError::kBadUpgrade);
  }
  return DecodeResult::kError;
}

DecodeResult RequestDecoder::Begin(buffer::Slice& bytes) {
  const char first = *bytes.data();
  if (first == '\r' && !skipped_empty_line_) {
    // RFC 9112, 2.2: one empty line before a request is to be ignored (old clients send it behind
    // the body of a POST).
    if (bytes.size() < 2) return DecodeResult::kNeedMore;
    if (bytes.data()[1] != '\n') return Fail(CodecError::kBareCarriageReturn);
    bytes.RemovePrefix(2);
    skipped_empty_line_ = true;
    return bytes.empty() ? DecodeResult::kNeedMore : Begin(bytes);
  }
  if (first == '\n') return Fail(CodecError::kBareLineFeed);
  // Said at once and not at the end of the line: a TLS handshake has none.
  if (!http::IsTokenChar(first)) return Fail(CodecError::kBadMethod);

  state_ = State::kHead;
  skipped_empty_line_ = has_request_line_ = has_host_ = authority_from_target_ = false;
  facts_ = HeadFacts();
  head_ = &visitor_.OnMessageBegin();
  section_.Begin(bytes.data(), options_.max_head_bytes, CodecError::kHeadTooLarge,
                 options_.max_headers);
  const uint64_t line_limit = uint64_t{options_.max_target_bytes} + kRequestLineOverhead;
  if (line_limit < options_.max_head_bytes) {
    section_.SetLimit(static_cast<uint32_t>(line_limit), CodecError::kTargetTooLong);
  }
  return DecodeResult::kNeedMore;
}

void RequestDecoder::MoveTo(char* base) {
  http::RequestHead& head = *head_;
  head.method_text = section_.Moved(head.method_text, base);
  head.path = section_.Moved(head.path, base);
  head.authority = section_.Moved(head.authority, base);
  head.upgrade = section_.Moved(head.upgrade, base);
  head.headers.Rebase(section_.base(), section_.parsed(), base);
  section_.MoveTo(base);
}

DecodeResult RequestDecoder::DecodeHead(buffer::Slice& bytes) {
  if (bytes.data() != section_.base()) MoveTo(bytes.data());
  char* const end = bytes.data() + bytes.size();
  SectionStatus status = SectionStatus::kDone;
  if (!has_request_line_) status = TakeRequestLine(end);
  if (status == SectionStatus::kDone) {
    if (head_->spellings != nullptr) {
      KeepSpellings(section_, end, options_.max_headers, *head_->spellings, head_->headers.arena());
    }
    status = section_.ReadFields(end, [this](const FieldLine& field) { return TakeField(field); });
  }
  if (status == SectionStatus::kMore) return DecodeResult::kNeedMore;
  if (status == SectionStatus::kError) return Fail(section_.error());
  const CodecError error = FinishHead();
  if (error != CodecError::kNone) return Fail(error);

  state_ = State::kBody;
  body_.Begin(head_->framing, {options_.max_trailer_bytes, options_.max_headers,
                               options_.enable_trailers, options_.underscores});
  head_ = nullptr;
  const uint32_t head_size = section_.parsed();
  buffer::Slice head_bytes = bytes.Sub(0, head_size);
  bytes.RemovePrefix(head_size);
  visitor_.OnHead(std::move(head_bytes));
  return DecodeResult::kNeedMore;
}

SectionStatus RequestDecoder::TakeRequestLine(char* end) {
  if (!section_.HasLine(end)) return section_.Unfinished(end);
  RequestLine line;
  const LineStatus status = ReadRequestLine(section_.line(), end, line);
  // Of a line that is refused, too: the answer to HEAD has no content.
  head_->method = line.method;
  if (status == LineStatus::kPartial) return section_.Unfinished(end);
  if (status == LineStatus::kBad) return section_.Refuse(line.error, end);
  if (!section_.FinishLine(line.next)) return SectionStatus::kError;
  has_request_line_ = true;
  section_.SetLimit(options_.max_head_bytes, CodecError::kHeadTooLarge);

  http::RequestHead& head = *head_;
  head.method_text = line.method_text;
  head.version = line.version;
  if (line.target.size() > options_.max_target_bytes) {
    return section_.Fail(CodecError::kTargetTooLong);
  }
  if (line.version == Version::kHttp10 && !options_.accept_http_10) {
    return section_.Fail(CodecError::kHttp10Refused);
  }
  const CodecError error = ParseTarget(line.target, options_.allow_absolute_url, head);
  authority_from_target_ = !head.authority.empty();
  return error == CodecError::kNone ? SectionStatus::kDone : section_.Fail(error);
}

inline CodecError RequestDecoder::TakeField(const FieldLine& field) {
  if (field.underscore && options_.underscores != Underscores::kAllow) {
    return options_.underscores == Underscores::kDropHeader ? CodecError::kNone
                                                            : CodecError::kUnderscoreInName;
  }
  if (kSpecial[static_cast<size_t>(field.id)]) return TakeSpecialField(FieldLine(field));
  head_->headers.AddView(field.id, field.name_view(), field.value_view());
  return CodecError::kNone;
}

CodecError RequestDecoder::TakeSpecialField(const FieldLine& field) {
  const absl::string_view value = field.value_view();
  switch (field.id) {
    case HeaderId::kHost:
      if (has_host_ || !http::IsAuthority(value)) return CodecError::kBadHost;
      has_host_ = true;
      if (!authority_from_target_) head_->authority = value;
      return CodecError::kNone;
    case HeaderId::kContentLength:
      head_->headers.AddView(field.id, field.name_view(), value);
      return TakeContentLength(value, facts_);
    case HeaderId::kTransferEncoding:
      return TakeTransferEncoding(value, facts_);
    case HeaderId::kConnection: {
      const CodecError error = TakeConnection(field, facts_);
      if (facts_.names_fields) head_->headers.AddView(field.id, field.name_view(), value);
      return error;
    }
    case HeaderId::kUpgrade: {
      absl::string_view protocol;
      if (!ChooseUpgrade(value, options_.ignored_upgrades.get(), protocol)) {
        return CodecError::kBadUpgrade;
      }
      if (head_->upgrade.empty()) head_->upgrade = protocol;
      return CodecError::kNone;
    }
    case HeaderId::kTe:
      TakeTe(value, facts_);
      return CodecError::kNone;
    case HeaderId::kExpect:
      // The connection answers 100 itself, so the field does not travel. RFC 9110, 10.1.1: from an
      // HTTP/1.0 client this expectation is to be ignored, and without content it means nothing.
      if (!absl::EqualsIgnoreCase(value, "100-continue")) return CodecError::kBadExpect;
      head_->expects_continue = head_->version != Version::kHttp10;
      return CodecError::kNone;
    default:
      return CodecError::kNone;  // Keep-Alive, Proxy-Connection, HTTP2-Settings: dropped.
  }
}

CodecError RequestDecoder::FinishHead() {
  http::RequestHead& head = *head_;
  if (!has_host_) {
    if (head.version == Version::kHttp11) return CodecError::kBadHost;
    if (head.authority.empty()) head.authority = options_.default_host_for_http_10;
  }
  if (facts_.names_fields) RemoveConnectionFields(head.headers);
  head.te_trailers = facts_.te_trailers;
  head.keep_alive = !facts_.close && (head.version == Version::kHttp11 || facts_.keep_alive);
  return ChooseFraming();
}

CodecError RequestDecoder::ChooseFraming() {
  http::RequestHead& head = *head_;
  if (options_.allow_chunked_length && DropLength(facts_, head.headers)) head.keep_alive = false;
  const CodecError error = CheckFraming(facts_);
  if (error != CodecError::kNone) return error;
  const bool has_body = facts_.chunked || (facts_.has_length && facts_.length > 0);
  // RFC 9112, 6.1: an HTTP/1.0 peer knows no codings; somebody on the way may not have either.
  if (facts_.chunked && head.version == Version::kHttp10) return CodecError::kBadTransferEncoding;
  head.expects_continue &= has_body;
  if (facts_.chunked) {
    head.framing.kind = Framing::kChunked;
  } else if (facts_.has_length) {
    head.framing = Framing{Framing::kLength, facts_.length};
  }
  const bool connect = head.method == Method::kConnect;
  // Content of a CONNECT has no meaning (RFC 9110, 9.3.6), and who takes it for the tunnel's first
  // bytes disagrees with who does not.
  if (connect && has_body) {
    return facts_.chunked ? CodecError::kBadTransferEncoding : CodecError::kBadContentLength;
  }
  // RFC 9110, 7.8: Upgrade counts only when Connection names it, and never in HTTP/1.0. With
  // content it could, but the content would have to be read as HTTP first; it is taken out instead.
  if (connect || !facts_.upgrade || !options_.allow_upgrade || has_body ||
      head.version == Version::kHttp10 || !IsUpgrade(head)) {
    head.upgrade = absl::string_view();
  }
  if (connect || !head.upgrade.empty()) {
    if (facts_.has_length) head.headers.Remove(HeaderId::kContentLength);
    head.framing = Framing{Framing::kTunnel, 0};
  }
  return CodecError::kNone;
}

DecodeResult RequestDecoder::OnEof() {
  switch (state_) {
    case State::kIdle:
    case State::kTunnelRefused:
      return DecodeResult::kNeedMore;
    case State::kBody:
      if (!body_.OnEof(visitor_)) return Fail(CodecError::kUnexpectedEnd);
      state_ = State::kIdle;
      return DecodeResult::kMessageComplete;
    case State::kHead:
      return Fail(CodecError::kUnexpectedEnd);
    case State::kError:
      break;
  }
  return DecodeResult::kError;
}

void RequestDecoder::RefuseTunnel() { state_ = State::kTunnelRefused; }

}  // namespace proxenos::http1
