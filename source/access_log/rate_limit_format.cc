// Formats of routes are in their table, those of filters their own.
#include "source/access_log/rate_limit_format.h"

#include <string>

#include "source/access_log/formatter.h"

namespace proxenos::access_log {

absl::string_view RenderRateLimitFormat(const route::RateLimitFormat& format,
                                        filter::StreamContext& stream) {
  if (format.own == nullptr) return stream.FormatValue(format.index);
  const http::ResponseHead* response = stream.response.status != 0 ? &stream.response : nullptr;
  std::string text;
  format.own->Format(
      FormatInput{&stream.info, &stream.request, response, stream.response_out.trailers, {}}, text);
  return stream.arena.Copy(text);
}

}  // namespace proxenos::access_log
