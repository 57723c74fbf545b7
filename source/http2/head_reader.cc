// What is the same for requests, responses and trailers: counting, names, values.
#include "source/http2/head_reader.h"

#include <array>
#include <cstring>

#include "absl/strings/match.h"
#include "source/http/chars.h"
#include "source/http/checked_copy.h"
#include "source/http/trailer_rule.h"

namespace proxenos::http2 {
namespace {

using http::CodecError;
using http::HeaderId;

// RFC 7541, 4.1: what an entry costs besides its bytes.
constexpr uint32_t kFieldOverhead = 32;

// A head that is too large is decoded to its end, so that it can be answered; one that is so many
// times too large was made to cost us.
constexpr uint64_t kBombFactor = 16;

// More digits than any length needs; keeps the sum below from overflowing.
constexpr size_t kMaxLengthDigits = 18;

// Fields that do not simply go into the header map.
constexpr std::array<bool, static_cast<size_t>(HeaderId::kCount)> kSpecial = [] {
  std::array<bool, static_cast<size_t>(HeaderId::kCount)> table{};
  for (HeaderId id :
       {HeaderId::kConnection, HeaderId::kContentLength, HeaderId::kCookie, HeaderId::kExpect,
        HeaderId::kHost, HeaderId::kHttp2Settings, HeaderId::kKeepAlive, HeaderId::kProxyConnection,
        HeaderId::kTe, HeaderId::kTransferEncoding, HeaderId::kUpgrade}) {
    table[static_cast<size_t>(id)] = true;
  }
  return table;
}();

// RFC 9113, 8.2.1: a token without upper case.
bool IsName(absl::string_view name) {
  bool valid = !name.empty() && name.size() <= UINT16_MAX;
  for (char c : name) valid &= http::TokenLower(c) == c && c != '\0';
  return valid;
}

// RFC 9110, 5.5.
bool HasObsText(absl::string_view value) {
  for (const char c : value) {
    if (static_cast<unsigned char>(c) >= 0x80) return true;
  }
  return false;
}

}  // namespace

void HeadReader::Begin(Mode mode, http::HeaderMap* headers, uint32_t max_bytes) {
  mode_ = mode;
  error_ = CodecError::kNone;
  pseudo_ = 0;
  has_length_ = regular_ = connect_ = false;
  max_bytes_ = max_bytes;
  fields_ = cookies_ = 0;
  bytes_ = length_ = 0;
  host_ = protocol_ = absl::string_view();
  request_ = nullptr;
  response_ = nullptr;
  visitor_ = nullptr;
  headers_ = headers;
  trailers_ = nullptr;
}

void HeadReader::BeginRequest(http::RequestHead& head) {
  Begin(Mode::kRequest, &head.headers, options_.max_head_bytes);
  request_ = &head;
}

void HeadReader::BeginResponse(http::ResponseHead& head, const RequestKind& kind) {
  Begin(Mode::kResponse, &head.headers, options_.max_head_bytes);
  response_ = &head;
  kind_ = kind;
}

void HeadReader::BeginTrailers(http::MessageVisitor& visitor) {
  Begin(Mode::kTrailers, nullptr, options_.max_trailer_bytes);
  visitor_ = &visitor;
}

void HeadReader::BeginNothing() { Begin(Mode::kNothing, nullptr, options_.max_head_bytes); }

bool HeadReader::Take(absl::string_view name, absl::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  ++fields_;
  if (bytes_ > max_bytes_ || fields_ > options_.max_headers) {
    if (error_ == CodecError::kNone) {
      const bool trailers = mode_ == Mode::kTrailers;
      error_ = trailers              ? CodecError::kTrailersTooLarge
               : bytes_ > max_bytes_ ? CodecError::kHeadTooLarge
                                     : CodecError::kTooManyHeaders;
    }
    return bytes_ <= max_bytes_ * kBombFactor;
  }
  if (error_ != CodecError::kNone || mode_ == Mode::kNothing) return true;
  if (name.empty() || name.front() != ':') {
    regular_ = true;
    error_ = TakeField(name, value);
  } else if (mode_ == Mode::kRequest) {
    error_ = TakeRequestPseudo(name, value);
  } else if (mode_ == Mode::kResponse) {
    error_ = TakeStatus(name, value);
  } else {
    error_ = CodecError::kBadTrailer;  // RFC 9113, 8.1: no pseudo-headers there.
  }
  return true;
}

CodecError HeadReader::Once(Pseudo pseudo) {
  if (regular_ || (pseudo_ & pseudo) != 0) return CodecError::kBadHeaderName;
  pseudo_ |= pseudo;
  return CodecError::kNone;
}

CodecError HeadReader::TakeField(absl::string_view name, absl::string_view value) {
  const HeaderId id = http::LookUpHeader(name);
  if (id == HeaderId::kUnknown) {
    if (!IsName(name)) return CodecError::kBadHeaderName;
    if (options_.underscores != Underscores::kAllow && absl::StrContains(name, '_')) {
      if (options_.underscores == Underscores::kReject) {
        stats_.requests_rejected_with_underscores_in_headers.Inc();
        return CodecError::kUnderscoreInName;
      }
      stats_.dropped_headers_with_underscores.Inc();
      return CodecError::kNone;
    }
  }
  if (mode_ == Mode::kTrailers) {
    const http::TrailerRule rule = http::RuleOfTrailer(id);
    if (rule == http::TrailerRule::kRefuse) return CodecError::kBadTrailer;
    if (rule == http::TrailerRule::kDrop || !options_.enable_trailers) return CodecError::kNone;
    if (trailers_ == nullptr) trailers_ = headers_ = &visitor_->OnTrailersBegin();
  } else if (kSpecial[static_cast<size_t>(id)]) {
    return TakeSpecial(id, value);
  }
  return Keep(id, name, value);
}

CodecError HeadReader::Keep(HeaderId id, absl::string_view name, absl::string_view value) {
  // RFC 9113, 8.2.1: a value neither begins nor ends with white space.
  if (!value.empty() && (http::IsBlank(value.front()) || http::IsBlank(value.back()))) {
    return CodecError::kBadHeaderValue;
  }
  if (options_.disallow_obs_text && HasObsText(value)) return CodecError::kBadHeaderValue;
  const size_t name_size = id == HeaderId::kUnknown ? name.size() : 0;
  char* const bytes = static_cast<char*>(headers_->arena().Allocate(name_size + value.size() + 1));
  if (!http::CopyValue(bytes + name_size, value.data(), value.size())) {
    return CodecError::kBadHeaderValue;
  }
  if (name_size > 0) std::memcpy(bytes, name.data(), name_size);
  headers_->AddView(id, name_size > 0 ? absl::string_view(bytes, name_size) : http::HeaderName(id),
                    absl::string_view(bytes + name_size, value.size()));
  return CodecError::kNone;
}

CodecError HeadReader::TakeSpecial(HeaderId id, absl::string_view value) {
  switch (id) {
    case HeaderId::kContentLength: {
      const CodecError error = TakeLength(value);
      return error == CodecError::kNone ? Keep(id, absl::string_view(), value) : error;
    }
    case HeaderId::kCookie:
      ++cookies_;
      return Keep(id, absl::string_view(), value);
    case HeaderId::kHost:
      if (mode_ == Mode::kResponse) return Keep(id, absl::string_view(), value);
      if (!host_.empty()) return CodecError::kBadTarget;
      return KeepAuthority(value, host_);
    case HeaderId::kExpect:
      if (mode_ == Mode::kResponse) return Keep(id, absl::string_view(), value);
      if (!absl::EqualsIgnoreCase(value, "100-continue")) return CodecError::kBadExpect;
      request_->expects_continue = true;
      return CodecError::kNone;
    case HeaderId::kTe:
      // A literal of a grammar, in which case means nothing (RFC 9110, 10.1.4).
      if (!absl::EqualsIgnoreCase(value, "trailers")) return CodecError::kBadConnectionHeader;
      if (mode_ == Mode::kRequest) request_->te_trailers = true;
      return CodecError::kNone;
    case HeaderId::kHttp2Settings:
      return CodecError::kNone;  // Of an upgrade from HTTP/1.1: says nothing here.
    default:
      // RFC 9113, 8.2.2: fields of a connection make a message malformed.
      return CodecError::kBadConnectionHeader;
  }
}

CodecError HeadReader::TakeLength(absl::string_view value) {
  if (has_length_ || value.empty() || value.size() > kMaxLengthDigits) {
    return CodecError::kBadContentLength;
  }
  for (char c : value) {
    if (!http::IsDigit(c)) return CodecError::kBadContentLength;
    length_ = length_ * 10 + static_cast<uint64_t>(c - '0');
  }
  has_length_ = true;
  return CodecError::kNone;
}

CodecError HeadReader::Finish(bool end_stream) {
  CodecError error = error_;
  if (error == CodecError::kNone) {
    if (mode_ == Mode::kRequest) {
      error = FinishRequest(end_stream);
    } else if (mode_ == Mode::kResponse) {
      error = FinishResponse(end_stream);
    }
    // RFC 9113, 8.1: trailers end their message.
    if (mode_ == Mode::kTrailers && !end_stream) error = CodecError::kBadTrailer;
  }
  const bool overflow = error == CodecError::kHeadTooLarge ||
                        error == CodecError::kTooManyHeaders ||
                        error == CodecError::kTrailersTooLarge;
  if (overflow) stats_.header_overflow.Inc();
  mode_ = Mode::kNothing;
  return error;
}

}  // namespace proxenos::http2
