// Counts of tries, and which of their ends are their hosts'.
#include "source/rpc/judging.h"

#include <optional>

#include "source/rpc/status.h"

namespace proxenos::rpc {

using http::HeaderId;
using upstream::Exchange;
using upstream::PoolFailure;

void CountBegin(upstream::WorkerCluster& cluster, const Exchange& attempt) {
  cluster.stats().upstream_rq_total.Inc();
  cluster.stats().upstream_rq_active.Inc();
  cluster.CountConnected(*attempt.host);
  if (cluster.tracked() != nullptr) cluster.tracked()->CountRequest(*attempt.host);
}

void CountEnd(upstream::WorkerCluster& cluster, const Exchange& attempt) {
  cluster.stats().upstream_rq_active.Dec();
  if (cluster.tracked() != nullptr) cluster.tracked()->CountRequestEnd(*attempt.host);
}

void JudgeHead(upstream::WorkerCluster& cluster, const Exchange& attempt,
               const http::ResponseHead& head, bool grpc) {
  const std::optional<Status> status = grpc ? StatusIn(head.headers) : std::nullopt;
  cluster.CountResponse(*attempt.host, status.has_value() ? HttpStatusOf(*status) : head.status);
  if (head.headers.Has(HeaderId::kXEnvoyImmediateHealthCheckFail)) {
    cluster.CountImmediateFailure(*attempt.host);
  }
  if (head.headers.Has(HeaderId::kXEnvoyDegraded)) cluster.CountDegraded(*attempt.host);
}

void JudgeFailure(upstream::WorkerCluster& cluster, const Exchange& attempt) {
  if (attempt.host == nullptr) return;
  if (attempt.state == Exchange::State::kFailed) {
    const bool connecting = attempt.failure == PoolFailure::kConnectFailure ||
                            attempt.failure == PoolFailure::kTransportFailure ||
                            attempt.failure == PoolFailure::kConnectTimeout;
    if (!connecting) return;
  } else if (attempt.unprocessed) {
    return;  // A kept connection ended as the call was about to go: it never got there.
  }
  cluster.CountUnanswered(*attempt.host, /*timeout=*/false);
}

void JudgeLate(upstream::WorkerCluster& cluster, const Exchange& attempt) {
  if (attempt.host != nullptr) cluster.CountUnanswered(*attempt.host, /*timeout=*/true);
}

}  // namespace proxenos::rpc
