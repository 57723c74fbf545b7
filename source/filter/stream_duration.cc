// grpc-timeout, its cap and its offset.
#include "source/filter/stream_duration.h"

#include "source/rpc/timeout.h"

namespace proxenos::filter {

std::optional<base::Nanos> StreamDuration(const route::Forward& forward, http::RequestHead& head) {
  if (!forward.grpc_timeout_max.has_value()) return forward.max_stream_duration;
  const std::optional<base::Nanos> asked =
      rpc::ParseTimeout(head.headers.Get(http::HeaderId::kGrpcTimeout));
  if (!asked.has_value()) return forward.max_stream_duration;
  base::Nanos duration = *asked;
  const base::Nanos most = *forward.grpc_timeout_max;
  if (most != 0 && duration > most) duration = most;
  const base::Nanos offset = forward.grpc_timeout_offset.value_or(0);
  // What the offset uses up leaves the shortest of times: 0 would mean that there is no end.
  if (offset > 0) duration = duration > offset ? duration - offset : base::kMillisecond;
  if (duration == 0) duration = base::kMillisecond;
  head.headers.Set(http::HeaderId::kGrpcTimeout, rpc::FormatTimeout(duration));
  return duration;
}

}  // namespace proxenos::filter
