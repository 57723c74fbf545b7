// Copies.
#include "source/filters/http/cache/own_call.h"

#include "source/base/limits.h"
#include "source/filters/http/cache/judging.h"

namespace proxenos::filters::cache {

rpc::HttpCall::Limits LimitsOf(const filter::StreamContext& stream, uint64_t max_body_bytes) {
  const route::Forward* forward = stream.route == nullptr ? nullptr : stream.route->forward();
  rpc::HttpCall::Limits limits;
  limits.timeout = forward == nullptr ? 0 : forward->timeout;
  if (limits.timeout == 0) limits.timeout = base::limits::kRouteTimeout;
  limits.max_body_bytes = max_body_bytes;
  return limits;
}

void CopyAsGet(const http::RequestHead& request, Fields fields, rpc::HttpCall& call) {
  http::RequestHead& head = call.request();
  buffer::Arena& arena = call.arena();
  head.method_text = "GET";
  head.method = http::Method::kGet;
  head.scheme = arena.Copy(request.scheme);
  head.authority = arena.Copy(request.authority);
  head.path = arena.Copy(request.path);
  for (const http::Header& field : request.headers) {
    if (fields == Fields::kNotOfClient && IsOfClient(field.id)) continue;
    head.headers.Add(field.name(), field.value());
  }
}

}  // namespace proxenos::filters::cache
