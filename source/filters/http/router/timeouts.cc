// Timeouts of routes, of requests and of gRPC calls.
#include "source/filters/http/router/timeouts.h"

#include <algorithm>

#include "source/filters/http/router/headers.h"
#include "source/rpc/timeout.h"

namespace proxenos::filters::router {
namespace {

using http::HeaderId;

// What a call asks for by grpc-timeout, within RouteAction.max_grpc_timeout and less
// grpc_timeout_offset, both deprecated. 0: without end.
base::Nanos GrpcTimeout(const route::Forward& forward, const http::HeaderMap& headers) {
  const base::Nanos most = *forward.answer_grpc_timeout_max;
  base::Nanos timeout = rpc::ParseTimeout(headers.Get(HeaderId::kGrpcTimeout)).value_or(0);
  // What the offset would use up stays as it is: 0 would mean that there is no end.
  if (forward.answer_grpc_timeout_offset < timeout) timeout -= forward.answer_grpc_timeout_offset;
  return most != 0 && (timeout == 0 || timeout > most) ? most : timeout;
}

}  // namespace

void Timeouts::Read(const route::Forward& forward, bool grpc, base::Nanos per_try,
                    bool respect_expected, http::HeaderMap& headers) {
  rewrites_grpc_timeout_ = grpc && forward.answer_grpc_timeout_max.has_value();
  whole_ = rewrites_grpc_timeout_ ? GrpcTimeout(forward, headers) : forward.timeout;
  // As in Envoy, where the proxy before has its say, no field beside it is looked at.
  const auto ms = respect_expected && headers.Has(HeaderId::kXEnvoyExpectedRqTimeoutMs)
                      ? ReadMs(headers, HeaderId::kXEnvoyExpectedRqTimeoutMs)
                      : TakeMs(headers, HeaderId::kXEnvoyUpstreamRqTimeoutMs);
  if (ms) whole_ = *ms;
  per_try_ = per_try >= whole_ && whole_ != 0 ? 0 : per_try;
}

void Timeouts::Announce(base::Nanos elapsed, bool tell, http::HeaderMap& headers) const {
  base::Nanos expected = per_try_ != 0 && !hedges_ ? per_try_ : whole_;
  if (expected == 0) return;
  // 0 would mean that there is no end.
  if (whole_ != 0) expected = std::max(std::min(expected, whole_ - elapsed), base::kMillisecond);
  if (tell) {
    SetNumber(headers, HeaderId::kXEnvoyExpectedRqTimeoutMs,
              static_cast<uint64_t>(expected / base::kMillisecond));
  }
  if (rewrites_grpc_timeout_) headers.Set(HeaderId::kGrpcTimeout, rpc::FormatTimeout(expected));
}

}  // namespace proxenos::filters::router
