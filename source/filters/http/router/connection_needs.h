// What a request needs of its upstream connection, in clusters where connections differ: names for
// TLS from the request (auto_sni, auto_san_validation), its protocol, its client's address.
#pragma once

#include "source/filter/stream_context.h"
#include "source/upstream/connection_kind.h"

namespace proxenos::filters::router {

// Views into the request: good for one Acquire.
upstream::ConnectionNeeds NeedsOf(const filter::StreamContext& stream,
                                  const upstream::ClusterConfig& config);

}  // namespace proxenos::filters::router
