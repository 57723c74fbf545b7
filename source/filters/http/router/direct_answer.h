// Routes that the proxy answers itself: redirects and direct responses.
#pragma once

#include "source/filter/stream_context.h"
#include "source/route/route.h"

namespace proxenos::filters::router {

// Replies as `route` says, with the response headers that it adds. REQUIRES: it does not forward.
void AnswerDirectly(const route::Route& route, filter::StreamContext& stream);

}  // namespace proxenos::filters::router
