// What requests to a host came to, as outlier detection counts it.
#include "source/upstream/host_source.h"
#include "source/upstream/orca_sink.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {
namespace {

// Of an aggregate: the cluster whose host it is.
WorkerCluster* OwnerOf(HostSource* source, const Host& host) {
  return source == nullptr ? nullptr : source->OwnerOf(host);
}

bool IsGatewayError(uint16_t status) { return status >= 502 && status <= 504; }

}  // namespace

void WorkerCluster::CountResponse(const Host& host, uint16_t status) {
  if (WorkerCluster* owner = OwnerOf(source(), host)) return owner->CountResponse(host, status);
  if (tracked_ != nullptr) tracked_->CountAnswer(host, status < 500);
  JudgeStatus(host, status);
}

void WorkerCluster::JudgeStatus(const Host& host, uint16_t status) {
  const OutlierDetection* rules = config().outliers.get();
  if (rules == nullptr) return;
  OutlierCounts& counts = host.outlier();
  const bool failure = status >= 500 && status < 600;
  OutlierCounts::CountRequest(counts.external, !failure);
  if (!failure) {
    OutlierCounts::Forget(counts.consecutive_5xx);
    OutlierCounts::Forget(counts.consecutive_gateway_failure);
    return;
  }
  if (!IsGatewayError(status)) {
    OutlierCounts::Forget(counts.consecutive_gateway_failure);
  } else if (OutlierCounts::CountFailure(counts.consecutive_gateway_failure,
                                         rules->consecutive_gateway_failure)) {
    Report(host, HostReport::kGatewayFailuresInARow);
  }
  if (OutlierCounts::CountFailure(counts.consecutive_5xx, rules->consecutive_5xx)) {
    Report(host, HostReport::k5xxInARow);
  }
}

void WorkerCluster::CountConnected(const Host& host) {
  if (WorkerCluster* owner = OwnerOf(source(), host)) return owner->CountConnected(host);
  const OutlierDetection* rules = config().outliers.get();
  if (rules == nullptr || !rules->split) return;
  OutlierCounts::CountRequest(host.outlier().local, true);
  OutlierCounts::Forget(host.outlier().consecutive_local_failure);
}

void WorkerCluster::CountUnanswered(const Host& host, bool timeout) {
  if (WorkerCluster* owner = OwnerOf(source(), host)) return owner->CountUnanswered(host, timeout);
  if (tracked_ != nullptr) {
    tracked_->CountAnswer(host, false);
    if (timeout) tracked_->CountTimeout(host);
  }
  const OutlierDetection* rules = config().outliers.get();
  if (rules == nullptr) return;
  if (!rules->split) return JudgeStatus(host, timeout ? 504 : 503);
  OutlierCounts& counts = host.outlier();
  OutlierCounts::CountRequest(counts.local, false);
  if (OutlierCounts::CountFailure(counts.consecutive_local_failure,
                                  rules->consecutive_local_origin_failure)) {
    Report(host, HostReport::kLocalFailuresInARow);
  }
}

void WorkerCluster::CountImmediateFailure(const Host& host) {
  if (WorkerCluster* owner = OwnerOf(source(), host)) return owner->CountImmediateFailure(host);
  const bool checked =
      config().health_check != nullptr && (host.check() == nullptr || !host.check()->disabled);
  if (!checked) return;  // Nobody would ever take it back.
  // Workers see the bit before the main thread has made a new snapshot of it: one report will do.
  if ((host.health_bits() & kExcludedByItself) != 0) return;
  host.SetHealthBits(kExcludedByItself);
  Report(host, HostReport::kImmediateFailure);
}

void WorkerCluster::CountDegraded(const Host& host) {
  if (WorkerCluster* owner = OwnerOf(source(), host)) return owner->CountDegraded(host);
  if (config().outliers == nullptr || !config().outliers->detect_degraded) return;
  // As above: one report will do.
  if ((host.health_bits() & kDegradedOutlierCheck) != 0) return;
  host.SetHealthBits(kDegradedOutlierCheck);
  Report(host, HostReport::kDegraded);
}

OrcaSink* WorkerCluster::FindOrca(const Host& host) {
  if (WorkerCluster* owner = OwnerOf(source(), host)) return owner->FindOrca(host);
  return orca_.get();
}

void WorkerCluster::CountOverloadDrop() {
  if (published_.load != nullptr) published_.load->CountOverloadDrop();
  if (!drop_stats_) {
    drop_stats_ =
        registry_.Open<stats::ClusterDropStats>(stats::ClusterScope(config().stat_name()));
  }
  drop_stats_->upstream_rq_drop_overload.Inc();
}

void WorkerCluster::Report(const Host& host, HostReport report) {
  if (published_.reports != nullptr) published_.reports->Send(config().name, host.id(), report);
}

}  // namespace proxenos::upstream
