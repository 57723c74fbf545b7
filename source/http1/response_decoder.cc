// Responses: from the first byte of a status line to the choice of framing.
#include <array>

#include "source/base/check.h"
#include "source/http1/decoder.h"
#include "source/http1/spelling_section.h"
#include "source/http1/start_line.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;
using http::Framing;
using http::HeaderId;
using http::Method;
using http::Version;

// More interim responses than this before a final one are a flood.
constexpr int kMaxInformational = 32;

// Fields that do not simply go into the header map.
constexpr std::array<bool, static_cast<size_t>(HeaderId::kCount)> kSpecial = [] {
  std::array<bool, static_cast<size_t>(HeaderId::kCount)> table{};
  for (HeaderId id : {HeaderId::kConnection, HeaderId::kContentLength, HeaderId::kHttp2Settings,
                      HeaderId::kKeepAlive, HeaderId::kProxyConnection, HeaderId::kTe,
                      HeaderId::kTransferEncoding, HeaderId::kUpgrade}) {
    table[static_cast<size_t>(id)] = true;
  }
  return table;
}();

}  // namespace

ResponseDecoder::ResponseDecoder(const ResponseDecoderOptions& options,
                                 http::ResponseVisitor& visitor)
    : options_(options), visitor_(visitor) {}

void ResponseDecoder::Expect(Method method, bool upgrade) {
  DCHECK(!expecting_ && state_ == State::kIdle);
  expecting_ = true;
  method_ = method;
  upgrade_asked_ = upgrade;
  informational_ = 0;
}

DecodeResult ResponseDecoder::Fail(CodecError error) {
  state_ = State::kError;
  error_ = error;
  head_ = nullptr;
  return DecodeResult::kError;
}

DecodeResult ResponseDecoder::Decode(buffer::Slice& bytes) {
  // Each round is one head: informational ones come before the final.
  while (state_ == State::kIdle || state_ == State::kHead) {
    if (state_ == State::kIdle) {
      if (bytes.empty()) return DecodeResult::kNeedMore;
      if (!expecting_) return Fail(CodecError::kUnexpectedResponse);
      Begin(bytes);
    }
    const DecodeResult result = DecodeHead(bytes);
    if (state_ == State::kHead || state_ == State::kError) return result;
  }
  if (state_ == State::kBody) {
    const DecodeResult result = body_.Decode(bytes, visitor_);
    if (result == DecodeResult::kError) return Fail(body_.error());
    if (result == DecodeResult::kMessageComplete) Finish();
    return result;
  }
  return DecodeResult::kError;
}

void ResponseDecoder::Begin(const buffer::Slice& bytes) {
  state_ = State::kHead;
  has_status_line_ = false;
  facts_ = HeadFacts();
  head_ = &visitor_.OnMessageBegin();
  section_.Begin(bytes.data(), options_.max_head_bytes, CodecError::kHeadTooLarge,
                 options_.max_headers);
}

void ResponseDecoder::Finish() {
  state_ = State::kIdle;
  expecting_ = false;
}

void ResponseDecoder::MoveTo(char* base) {
  http::ResponseHead& head = *head_;
  head.reason = section_.Moved(head.reason, base);
  head.upgrade = section_.Moved(head.upgrade, base);
  head.headers.Rebase(section_.base(), section_.parsed(), base);
  section_.MoveTo(base);
}

DecodeResult ResponseDecoder::DecodeHead(buffer::Slice& bytes) {
  if (bytes.data() != section_.base()) MoveTo(bytes.data());
  char* const end = bytes.data() + bytes.size();
  SectionStatus status = SectionStatus::kDone;
  if (!has_status_line_) status = TakeStatusLine(end);
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

  const http::ResponseHead& head = *head_;
  head_ = nullptr;
  const uint32_t head_size = section_.parsed();
  buffer::Slice head_bytes = bytes.Sub(0, head_size);
  bytes.RemovePrefix(head_size);
  if (head.status < 200 && head.status != 101) {
    state_ = State::kIdle;  // Still expecting.
    visitor_.OnInformational(std::move(head_bytes));
  } else {
    state_ = State::kBody;
    body_.Begin(head.framing,
                {options_.max_trailer_bytes, options_.max_headers, options_.enable_trailers});
    visitor_.OnHead(std::move(head_bytes));
  }
  return DecodeResult::kNeedMore;
}

SectionStatus ResponseDecoder::TakeStatusLine(char* end) {
  // Said at once: what speaks no HTTP may never send the end of a line.
  if (*section_.line() != 'H') return section_.Fail(CodecError::kBadStartLine);
  if (!section_.HasLine(end)) return section_.Unfinished(end);
  StatusLine line;
  const LineStatus status = ReadStatusLine(section_.line(), end, line);
  if (status == LineStatus::kPartial) return section_.Unfinished(end);
  if (status == LineStatus::kBad) return section_.Refuse(line.error, end);
  if (!section_.FinishLine(line.next)) return SectionStatus::kError;
  has_status_line_ = true;
  head_->status = line.status;
  head_->version = line.version;
  head_->reason = line.reason;
  return SectionStatus::kDone;
}

inline CodecError ResponseDecoder::TakeField(const FieldLine& field) {
  if (kSpecial[static_cast<size_t>(field.id)]) return TakeSpecialField(FieldLine(field));
  head_->headers.AddView(field.id, field.name_view(), field.value_view());
  return CodecError::kNone;
}

CodecError ResponseDecoder::TakeSpecialField(const FieldLine& field) {
  const absl::string_view value = field.value_view();
  switch (field.id) {
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
      if (!ChooseUpgrade(value, nullptr, protocol)) return CodecError::kBadUpgrade;
      if (head_->upgrade.empty()) head_->upgrade = protocol;
      return CodecError::kNone;
    }
    default:
      return CodecError::kNone;  // Keep-Alive, Proxy-Connection, TE, HTTP2-Settings.
  }
}

CodecError ResponseDecoder::FinishHead() {
  http::ResponseHead& head = *head_;
  if (facts_.names_fields) RemoveConnectionFields(head.headers);
  head.keep_alive = !facts_.close && (head.version == Version::kHttp11 || facts_.keep_alive);
  const bool informational = head.status < 200 && head.status != 101;
  if (informational && ++informational_ > kMaxInformational) {
    return CodecError::kUnexpectedResponse;
  }
  if (head.status != 101) {
    head.upgrade = absl::string_view();  // An offer to upgrade is for the one connection only.
  } else if (!upgrade_asked_ || head.upgrade.empty()) {
    return CodecError::kBadUpgrade;
  }
  return ChooseFraming();
}

// RFC 9112, 6.3, in its order.
CodecError ResponseDecoder::ChooseFraming() {
  http::ResponseHead& head = *head_;
  if (method_ == Method::kConnect && head.status >= 200 && head.status < 300) {
    // RFC 9110, 9.3.6: lengths and codings in it must be ignored.
    head.headers.Remove(HeaderId::kContentLength);
    head.framing = Framing{Framing::kTunnel, 0};
    return CodecError::kNone;
  }
  if (options_.allow_chunked_length && DropLength(facts_, head.headers)) head.keep_alive = false;
  const CodecError error = CheckFraming(facts_);
  if (error != CodecError::kNone) return error;
  // RFC 9112, 6.1: nobody may send codings in HTTP/1.0; what does is not to be trusted.
  if (facts_.chunked && head.version == Version::kHttp10) return CodecError::kBadTransferEncoding;
  if (head.status < 200 || head.status == 204) {
    // RFC 9110, 8.6; 9112, 6.1: neither field may be there. A length of 0 does no harm.
    if (facts_.chunked) return CodecError::kBadTransferEncoding;
    if (facts_.has_length) {
      if (facts_.length > 0) return CodecError::kBadContentLength;
      head.headers.Remove(HeaderId::kContentLength);
    }
    if (head.status == 101) head.framing.kind = Framing::kTunnel;
    return CodecError::kNone;
  }
  // Here the fields tell of the response that a GET would have had.
  if (method_ == Method::kHead || head.status == 304) return CodecError::kNone;
  if (facts_.chunked) {
    head.framing.kind = Framing::kChunked;
  } else if (facts_.has_length) {
    head.framing = Framing{Framing::kLength, facts_.length};
  } else {
    head.framing.kind = Framing::kUntilClose;
    head.keep_alive = false;
  }
  return CodecError::kNone;
}

DecodeResult ResponseDecoder::OnEof() {
  switch (state_) {
    case State::kIdle:
      return expecting_ ? Fail(CodecError::kUnexpectedEnd) : DecodeResult::kNeedMore;
    case State::kBody:
      if (!body_.OnEof(visitor_)) return Fail(CodecError::kUnexpectedEnd);
      Finish();
      return DecodeResult::kMessageComplete;
    case State::kHead:
      return Fail(CodecError::kUnexpectedEnd);
    case State::kError:
      break;
  }
  return DecodeResult::kError;
}

}  // namespace proxenos::http1
