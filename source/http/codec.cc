// What each codec error is called and answered with.
#include "source/http/codec.h"

namespace proxenos::http {

uint16_t StatusOf(CodecError error) {
  switch (error) {
    case CodecError::kBadVersion:
      return 505;
    case CodecError::kHttp10Refused:
      return 426;
    case CodecError::kUnknownTransferEncoding:
      return 501;
    case CodecError::kBadExpect:
      return 417;
    case CodecError::kHeadTooLarge:
    case CodecError::kTooManyHeaders:
    case CodecError::kTrailersTooLarge:
      return 431;
    case CodecError::kTargetTooLong:
      return 414;
    default:
      return 400;
  }
}

absl::string_view Detail(CodecError error) {
  switch (error) {
    case CodecError::kNone:
      return "";
    case CodecError::kBadStartLine:
      return "http1.codec_error.start_line";
    case CodecError::kBadMethod:
      return "http1.codec_error.method";
    case CodecError::kBadTarget:
      return "http1.codec_error.target";
    case CodecError::kBadVersion:
      return "http1.codec_error.version";
    case CodecError::kHttp10Refused:
      return "low_version";
    case CodecError::kBadHeaderName:
      return "http1.codec_error.header_name";
    case CodecError::kBadHeaderValue:
      return "http1.codec_error.header_value";
    case CodecError::kBareLineFeed:
      return "http1.codec_error.bare_line_feed";
    case CodecError::kBareCarriageReturn:
      return "http1.codec_error.bare_carriage_return";
    case CodecError::kObsoleteFold:
      return "http1.codec_error.obsolete_fold";
    case CodecError::kUnderscoreInName:
      return "http1.unexpected_underscore";
    case CodecError::kBadHost:
      return "http1.codec_error.host";
    case CodecError::kBadContentLength:
      return "http1.codec_error.content_length";
    case CodecError::kLengthAndChunked:
      return "http1.content_length_and_chunked_not_allowed";
    case CodecError::kBadTransferEncoding:
      return "http1.codec_error.transfer_encoding";
    case CodecError::kUnknownTransferEncoding:
      return "http1.invalid_transfer_encoding";
    case CodecError::kBadConnectionHeader:
      return "http1.connection_header_rejected";
    case CodecError::kBadUpgrade:
      return "http1.codec_error.upgrade";
    case CodecError::kBadExpect:
      return "http1.codec_error.expect";
    case CodecError::kBadChunk:
      return "http1.codec_error.chunk";
    case CodecError::kBadTrailer:
      return "http1.codec_error.trailer";
    case CodecError::kHeadTooLarge:
      return "http1.headers_too_large";
    case CodecError::kTooManyHeaders:
      return "http1.too_many_headers";
    case CodecError::kTargetTooLong:
      return "http1.target_too_long";
    case CodecError::kTrailersTooLarge:
      return "http1.trailers_too_large";
    case CodecError::kUnexpectedEnd:
      return "http1.codec_error.unexpected_end";
    case CodecError::kUnexpectedResponse:
      return "http1.codec_error.unexpected_response";
    case CodecError::kBadStatus:
      return "http1.codec_error.status";
  }
  return "";
}

}  // namespace proxenos::http
