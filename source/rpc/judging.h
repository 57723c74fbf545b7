// What a try of a call tells of its host, to outlier detection and to the stats of clusters and
// hosts: the same that the router tells of requests. Each try that got as far says one of the Judge
// functions, once.
#pragma once

#include "source/http/message.h"
#include "source/upstream/exchange.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::rpc {

// Its request is about to be sent.
void CountBegin(upstream::WorkerCluster& cluster, const upstream::Exchange& attempt);
// That is over, however it ended.
void CountEnd(upstream::WorkerCluster& cluster, const upstream::Exchange& attempt);

// It answered, with `head`. `grpc`: by the grpc-status that a head alone may have, if it has one.
void JudgeHead(upstream::WorkerCluster& cluster, const upstream::Exchange& attempt,
               const http::ResponseHead& head, bool grpc);
// It could not be reached, or broke off. Nothing where the host had no part in that. REQUIRES:
// `attempt` is kFailed or kReset.
void JudgeFailure(upstream::WorkerCluster& cluster, const upstream::Exchange& attempt);
// It did not answer in time.
void JudgeLate(upstream::WorkerCluster& cluster, const upstream::Exchange& attempt);

}  // namespace proxenos::rpc
