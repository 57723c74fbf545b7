// TlsCell: one worker's current TLS context of one of a cluster's transport sockets. A secret that
// rotates puts another context in it; connections keep the one that they began with.
//
// ClusterConfig::tls lists the cluster's templates. PublishedCluster::tls has their contexts in the
// same order, ClusterMap::SetTls a later one. The WorkerCluster makes and owns the cells.
#pragma once

#include "source/base/rc.h"
#include "source/tls/server_context.h"

namespace proxenos::upstream {

// Owner: the WorkerCluster. Thread: the worker's.
struct TlsCell final : public base::RefCounted {
  base::Held<tls::ClientContext> current;  // Null while a secret is missing: connecting fails.
};

}  // namespace proxenos::upstream
