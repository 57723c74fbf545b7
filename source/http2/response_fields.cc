// Responses: the status, and what only the complete head tells (RFC 9113, 8.3.2).
#include "source/http/chars.h"
#include "source/http2/head_reader.h"

namespace proxenos::http2 {

using http::CodecError;
using http::Framing;
using http::HeaderId;

CodecError HeadReader::TakeStatus(absl::string_view name, absl::string_view value) {
  if (name != ":status") return CodecError::kBadHeaderName;
  const CodecError error = Once(kStatus);
  if (error != CodecError::kNone) return error;
  if (value.size() != 3) return CodecError::kBadStatus;
  uint16_t status = 0;
  for (char c : value) {
    if (!http::IsDigit(c)) return CodecError::kBadStatus;
    status = static_cast<uint16_t>(status * 10 + (c - '0'));
  }
  // RFC 9110, 15: others are invalid. RFC 9113, 8.6: there is no 101.
  if (status < 100 || status > 599 || status == 101) return CodecError::kBadStatus;
  response_->status = status;
  return CodecError::kNone;
}

CodecError HeadReader::FinishResponse(bool end_stream) {
  http::ResponseHead& head = *response_;
  head.version = http::Version::kHttp2;
  head.framing = Framing{Framing::kNone, 0};
  if ((pseudo_ & kStatus) == 0) return CodecError::kBadStatus;
  const bool informational = head.status < 200;
  // RFC 9113, 8.1: an interim response does not end its stream.
  if (informational && end_stream) return CodecError::kUnexpectedEnd;
  if ((kind_.connect || kind_.extended_connect) && head.status >= 200 && head.status < 300) {
    if (has_length_) head.headers.Remove(HeaderId::kContentLength);
    has_length_ = false;
    if (kind_.extended_connect) {
      head.status = 101;
      head.upgrade = kind_.protocol;
    }
    head.framing.kind = Framing::kTunnel;
    return CodecError::kNone;
  }
  if (informational || head.status == 204) {
    // RFC 9110, 8.6: none may be there. A length of 0 does no harm.
    if (has_length_ && length_ > 0) return CodecError::kBadContentLength;
    if (has_length_) head.headers.Remove(HeaderId::kContentLength);
    return CodecError::kNone;
  }
  if (kind_.head || head.status == 304) {
    has_length_ = false;  // It tells of the response that a GET would have had.
  } else if (has_length_) {
    if (end_stream && length_ > 0) return CodecError::kBadContentLength;
    head.framing = Framing{end_stream ? Framing::kNone : Framing::kLength, length_};
  } else if (!end_stream) {
    head.framing.kind = Framing::kChunked;
  }
  return CodecError::kNone;
}

}  // namespace proxenos::http2
