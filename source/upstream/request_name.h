// The name that a request gives to its connection, in clusters that take it from requests:
// UpstreamHttpProtocolOptions.auto_sni and auto_san_validation.
//
// Whoever sends requests asks this, calls of the proxy's own included: without it their connections
// would go to whoever has any certificate of the right CA.
#pragma once

#include "source/http/message.h"
#include "source/upstream/cluster.h"
#include "source/upstream/connection_kind.h"

namespace proxenos::upstream {

// Sets `needs.sni` and `needs.san`, as views of what `head` refers to. Of an aggregate they are set
// in any case: its clusters may want them.
void NameConnection(const ClusterConfig& config, const http::RequestHead& head,
                    ConnectionNeeds& needs);

}  // namespace proxenos::upstream
