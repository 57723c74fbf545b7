// grpc-timeout, its cap and its offset.
#include "source/filter/stream_duration.h"

#include <algorithm>

#include "source/rpc/timeout.h"

namespace proxenos::filter {

namespace {

// What a call asks for by grpc-timeout, within grpc_timeout_header_max and less the offset.
base::Nanos Within(const route::Forward& forward, base::Nanos asked) {
  const base::Nanos most = *forward.grpc_timeout_max;
  if (most != 0) asked = std::min(asked, most);
  asked -= forward.grpc_timeout_offset.value_or(0);
  // What the offset uses up leaves the shortest of times: 0 would mean that there is no end.
  return std::max(asked, base::kMillisecond);
}

}  // namespace

std::optional<base::Nanos> StreamDuration(const route::Forward& forward, bool grpc,
                                          http::RequestHead& head) {
  if (!grpc) return forward.max_stream_duration;
  std::optional<base::Nanos> duration;
  if (forward.grpc_timeout_max.has_value()) {
    duration = rpc::ParseTimeout(head.headers.Get(http::HeaderId::kGrpcTimeout));
  }
  duration = duration.has_value() ? Within(forward, *duration) : forward.max_stream_duration;
  // Without an end, what the call asks for is between it and the origin.
  if (duration.value_or(0) != 0) {
    head.headers.Set(http::HeaderId::kGrpcTimeout, rpc::FormatTimeout(*duration));
  }
  return duration;
}

}  // namespace proxenos::filter
