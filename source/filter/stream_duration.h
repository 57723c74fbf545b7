// How long a stream may last as its route says, with what a gRPC client asks for by grpc-timeout
// (RouteAction.max_stream_duration).
#pragma once

#include <optional>

#include "source/base/clock.h"
#include "source/http/message.h"
#include "source/route/action.h"

namespace proxenos::filter {

// From the start of the request on; 0: without end; nullopt: as the connection manager says.
// `grpc`: the request is a gRPC call, whose grpc-timeout is rewritten to what the origin has, as in
// Envoy.
std::optional<base::Nanos> StreamDuration(const route::Forward& forward, bool grpc,
                                          http::RequestHead& head);

}  // namespace proxenos::filter
