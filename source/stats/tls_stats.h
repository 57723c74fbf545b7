// The stats of TLS of a listener or a cluster. Names are Envoy's. Rule: a line stands here only if
// code counts it.
#pragma once

#include <iterator>

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: "ssl." below the listener's or cluster's. One group a worker.
#define PX_TLS_STATS(X)             \
  X(Counter, handshake)             \
  X(Counter, session_reused)        \
  X(Counter, no_certificate)        \
  X(Counter, connection_error)      \
  X(Counter, fail_verify_no_cert)   \
  X(Counter, fail_verify_error)     \
  X(Counter, fail_verify_san)       \
  X(Counter, fail_verify_cert_hash) \
  X(Counter, ocsp_staple_failed)    \
  X(Counter, ocsp_staple_omitted)   \
  X(Counter, ocsp_staple_responses) \
  X(Counter, ocsp_staple_requests)
PX_STATS(TlsStats, PX_TLS_STATS);

// How many handshakes agreed on one thing. The scope (ClusterTlsAgreementScope) is the whole name.
struct TlsAgreementStats {
  Counter count;
  static const Schema& schema() {
    static constexpr StatSpec kStats[] = {{"", Kind::kCounter, 0}};
    static constexpr Schema kSchema{{kStats, std::size(kStats)}};
    return kSchema;
  }
};

}  // namespace proxenos::stats
