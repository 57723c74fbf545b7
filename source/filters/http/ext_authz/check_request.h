// What the authorization service is told of a request: an envoy.service.auth.v3.CheckRequest on the
// wire, or a request of HTTP.
#pragma once

#include <string>

#include "source/filter/stream_context.h"
#include "source/filters/http/ext_authz/settings.h"
#include "source/rpc/http_call.h"

namespace proxenos::filters::ext_authz {

// The serialized CheckRequest.
std::string MakeCheckRequest(const filter::StreamContext& stream, const CheckContext& context);

// The part of the body that the service is to see.
buffer::Buffer BodyToCheck(const filter::StreamContext& stream, const CheckContext& context);

// Fills the head of one call to a service of HTTP, and returns its body.
buffer::Buffer FillHttpCheck(const filter::StreamContext& stream, const CheckContext& context,
                             rpc::HttpCall& call);

}  // namespace proxenos::filters::ext_authz
