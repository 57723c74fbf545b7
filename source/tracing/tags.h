// Tags: what spans tell of a request and of its attempts at hosts, under Envoy's names, and what
// the configuration adds.
//
// Thread: the worker's.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/access_log/formatter.h"
#include "source/access_log/value.h"
#include "source/filter/stream_context.h"
#include "source/route/tracing.h"
#include "source/tracing/config.h"
#include "source/tracing/span.h"

namespace proxenos::tracing {

// How formats of operations and tags see a stream.
access_log::FormatInput FormatInputOf(const filter::StreamContext& stream);

// What is known when the response is over, or will never be.
void SetDownstreamTags(const Config& config, filter::StreamContext& stream, Span& span);
// Of an attempt at a host that answered `status`; 0: nothing.
void SetUpstreamTags(const filter::StreamContext& stream, uint16_t status, Span& span);
// Those of the connection manager, then those of the route, which win.
void SetCustomTags(const Config& config, filter::StreamContext& stream, Span& span);
// When the first and last bytes passed, as events.
void AddEvents(const filter::StreamInfo& info, Span& span);

}  // namespace proxenos::tracing
