// Refusing, and learning from what comes back.
#include "source/filters/http/admission_control/filter.h"

#include <algorithm>
#include <cmath>

#include "source/event/event_loop.h"
#include "source/rpc/status.h"

namespace proxenos::filters::admission_control {
namespace {

using filter::Verdict;

// One in so many: as fine as probabilities are told apart.
constexpr uint64_t kAccuracy = 10000;

}  // namespace

bool Settings::IsHttpSuccess(uint16_t status) const {
  return std::any_of(http_successes.begin(), http_successes.end(), [status](const auto& range) {
    return status >= range.first && status < range.second;
  });
}

bool Settings::IsGrpcSuccess(uint32_t status) const {
  return status < 64 && ((grpc_successes >> status) & 1) != 0;
}

double Settings::RejectionOf(const SuccessHistory::Counts& counts,
                             const runtime::Snapshot* runtime) const {
  const double lowest = std::clamp(threshold.Get(runtime), 1.0, 100.0) / 100;
  const auto requests = static_cast<double>(counts.requests);
  double probability = (requests - static_cast<double>(counts.successes) / lowest) / (requests + 1);
  if (!(probability > 0)) return 0;
  const double power = std::max(aggression.Get(runtime), 1.0);
  if (power > 1) probability = std::pow(probability, 1 / power);
  return std::min(probability, std::clamp(most.Get(runtime), 0.0, 100.0) / 100);
}

bool AdmissionControl::Rejects() {
  const base::MonoTime now = stream_.environment.loop.now();
  const runtime::Snapshot* runtime = stream_.environment.runtime;
  if (part_.history.RateAt(now) < settings_.rps_threshold.Get(runtime)) return false;
  const double probability = settings_.RejectionOf(part_.history.CountsAt(now), runtime);
  if (probability <= 0) return false;
  const uint64_t draw = stream_.environment.loop.random().Below(kAccuracy);
  return probability * kAccuracy > static_cast<double>(draw);
}

Verdict AdmissionControl::OnRequestHeaders(http::RequestHead&, bool) {
  if (!settings_.enabled.Get(stream_.environment.runtime) || stream_.info.health_check) {
    return Verdict::kContinue;
  }
  if (Rejects()) {
    part_.stats->rq_rejected.Inc();
    stream_.Reply(503, "", "denied_by_admission_control", 0);
    return Verdict::kReplied;
  }
  counts_ = true;
  return Verdict::kContinue;
}

Verdict AdmissionControl::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (!counts_) return Verdict::kContinue;
  const absl::string_view type = head.headers.Get(http::HeaderId::kContentType);
  if (!rpc::IsGrpcType(type)) {
    Record(settings_.IsHttpSuccess(head.status));
  } else if (head.headers.Has(http::HeaderId::kGrpcStatus)) {
    const auto status = rpc::StatusIn(head.headers);
    Record(status.has_value() && settings_.IsGrpcSuccess(static_cast<uint32_t>(*status)));
  }
  return Verdict::kContinue;
}

Verdict AdmissionControl::OnResponseTrailers(http::HeaderMap& trailers) {
  if (!counts_) return Verdict::kContinue;
  const auto status = rpc::StatusIn(trailers);
  Record(status.has_value() && settings_.IsGrpcSuccess(static_cast<uint32_t>(*status)));
  return Verdict::kContinue;
}

// Whatever ended without an answer failed.
void AdmissionControl::OnComplete() {
  if (counts_) Record(false);
}

void AdmissionControl::Record(bool success) {
  counts_ = false;
  part_.history.Record(success, stream_.environment.loop.now());
  (success ? part_.stats->rq_success : part_.stats->rq_failure).Inc();
}

}  // namespace proxenos::filters::admission_control
