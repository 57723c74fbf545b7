// What the filter's own calls to the origin have in common: they ask for what a stream asked for,
// in its place or after its end.
#pragma once

#include <cstdint>

#include "source/filter/stream_context.h"
#include "source/http/message.h"
#include "source/rpc/http_call.h"

namespace proxenos::filters::cache {

// As long as the stream's route gives an origin; what that leaves open, the default.
rpc::HttpCall::Limits LimitsOf(const filter::StreamContext& stream, uint64_t max_body_bytes);

enum class Fields : bool { kAll, kNotOfClient };  // See IsOfClient.
// A GET of what `request` is for, with its fields, copied.
void CopyAsGet(const http::RequestHead& request, Fields fields, rpc::HttpCall& call);

}  // namespace proxenos::filters::cache
