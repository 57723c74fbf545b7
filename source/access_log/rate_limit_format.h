// What a rate limit's format (route/rate_limit.h) makes of a stream.
//
// Thread: the stream's worker.
#pragma once

#include "absl/strings/string_view.h"
#include "source/filter/stream_context.h"
#include "source/route/rate_limit.h"

namespace proxenos::access_log {

// REQUIRES: the format is not empty. The text lives as long as the stream.
absl::string_view RenderRateLimitFormat(const route::RateLimitFormat& format,
                                        filter::StreamContext& stream);

}  // namespace proxenos::access_log
