// The waiting itself is the filter chain's.
#include "source/filters/http/buffer/filter.h"

#include "absl/strings/str_cat.h"

namespace proxenos::filters::buffer {

filter::BodyNeed Buffer::RequestBodyNeed(const filter::BodyNeed& declared) const {
  if (config_.disabled) return declared;
  return filter::BodyNeed{filter::BodyMode::kBuffer, config_.max_request_bytes};
}

// What is whole has a length: the origin may have it, where chunks are not needed for trailers.
filter::Verdict Buffer::OnRequestHeaders(http::RequestHead& head, bool end) {
  const filter::Parts& in = stream_.request_in;
  if (config_.disabled || end || head.framing.kind != http::Framing::kChunked || !in.end ||
      in.trailers != nullptr) {
    return filter::Verdict::kContinue;
  }
  head.framing = http::Framing{http::Framing::kLength, in.body.size()};
  head.headers.Set(http::HeaderId::kContentLength, absl::AlphaNum(in.body.size()).Piece());
  return filter::Verdict::kContinue;
}

}  // namespace proxenos::filters::buffer
