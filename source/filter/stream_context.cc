// Local replies and aborts: marks for the pump.
#include "source/filter/stream_context.h"

#include "absl/strings/numbers.h"

namespace proxenos::filter {

void StreamContext::Reply(uint16_t status, absl::string_view body, absl::string_view details,
                          uint32_t flags) {
  if (response_sent_ || replies_ == base::limits::kMaxLocalReplies) {
    Abort(details, flags);
    return;
  }
  ++replies_;
  info.flags |= flags;
  info.details = details;
  response.status = status;
  response.reason = absl::string_view();
  response.version = http::Version::kHttp11;
  response.upgrade = absl::string_view();
  response.headers.Clear();
  response_in = Parts();
  response_out = Parts();
  response_in.head = true;
  response_in.end = true;
  if (body.empty()) {
    response.framing = http::Framing{};
    // 0 is worth saying: without it a client could not tell an empty body from a missing one.
    if (status >= 200 && status != 204 && status != 304) {
      response.headers.AddView(http::HeaderId::kContentLength,
                               http::HeaderName(http::HeaderId::kContentLength), "0");
    }
  } else {
    char digits[absl::numbers_internal::kFastToBufferSize];
    const char* end =
        absl::numbers_internal::FastIntToBuffer(static_cast<uint64_t>(body.size()), digits);
    response.framing = http::Framing{http::Framing::kLength, body.size()};
    response.headers.Add(http::HeaderId::kContentLength,
                         absl::string_view(digits, static_cast<size_t>(end - digits)));
    response.headers.AddView(http::HeaderId::kContentType,
                             http::HeaderName(http::HeaderId::kContentType), "text/plain");
    response_in.body.Append(body);
  }
  replied_ = true;
  reply_pending_ = true;
  environment.loop.Schedule(this);
}

void StreamContext::Abort(absl::string_view details, uint32_t flags) {
  info.flags |= flags;
  info.details = details;  // Not what the response that is now cut began with.
  aborted_ = true;
  environment.loop.Schedule(this);
}

}  // namespace proxenos::filter
