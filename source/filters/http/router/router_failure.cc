// What does not come of an attempt: failures, resets, timeouts, and whether to try again.
#include <algorithm>
#include <utility>

#include "absl/container/fixed_array.h"
#include "absl/strings/str_cat.h"
#include "source/base/overload.h"
#include "source/filter/no_peer.h"
#include "source/filters/http/router/attempt_filters.h"
#include "source/filters/http/router/attempt_notes.h"
#include "source/filters/http/router/headers.h"
#include "source/filters/http/router/router.h"
#include "source/filters/http/router/upstream_failure.h"
#include "source/filters/http/router/upstream_logs.h"
#include "source/runtime/snapshot.h"
#include "source/stats/request_origin.h"
#include "source/tracing/stream_trace.h"

namespace proxenos::filters::router {
namespace {

using http::HeaderId;
using upstream::PoolFailure;
using upstream::ResetReason;

constexpr absl::string_view kMaintenancePrefix = "upstream.maintenance_mode.";
constexpr absl::string_view kDropLimitKey = "load_balancing_policy.drop_overload_limit";

}  // namespace

void Router::NoteFlag(uint32_t flag) {
  if (attempt_->log != nullptr) attempt_->log->flags |= flag;
}

// Envoy's words for a request that met no answer.
absl::string_view Router::ResetText(absl::string_view reason) {
  return stream_.arena.Copy(absl::StrCat(
      "upstream connect error or disconnect/reset before headers. ",
      stream_.info.attempts > 1 ? "retried and the latest reset reason: " : "reset reason: ",
      reason));
}

// A local reply instead of the cluster's answer.
void Router::Fail(uint16_t status, absl::string_view body, absl::string_view details,
                  uint32_t flags) {
  stream_.Reply(status, body, details, flags);
  if (stream_.route->virtual_host->include_attempt_count_in_response) {
    SetNumber(stream_.response.headers, HeaderId::kXEnvoyAttemptCount,
              std::max(stream_.info.attempts, 1u));
  }
}

void Router::OnFailure() {
  const PoolFailure failure = attempt_->failure;
  const bool unsent = failure == PoolFailure::kNoHealthyHost || failure == PoolFailure::kOverflow;
  if (failure == PoolFailure::kOverflow && !attempt_->retried) EndRetries();
  if (unsent && hedged()) return FinishAttempt(0);
  if (failure == PoolFailure::kNoHealthyHost) {
    CountStatus(503);
    Fail(503, "no healthy upstream", "no_healthy_upstream", filter::kNoHealthyUpstream);
    return;
  }
  if (failure == PoolFailure::kOverflow) return FailOverloaded();
  const FailureWords words = WordsOf(failure);
  stream_.info.upstream_remote = attempt_->host->address();
  stream_.info.upstream_peer = filter::NoPeer();
  stream_.info.upstream_host_name = attempt_->host->hostname();
  stream_.info.upstream_metadata = &*attempt_->host->identity().metadata;
  host_ = attempt_->host;  // What the information above lies in.
  if (filter::LogNotes* notes = stream_.info.notes) {
    NoteAttempt(*attempt_, nullptr, attempt_->started, stream_.environment.loop.now(), *notes);
  }
  cluster_->CountUnanswered(*host_, /*timeout=*/false);
  NoteFlag(words.flag);
  if (TryRetry(words.retry_on)) return;
  if (hedged()) {
    CountStatus(words.status);
    return FinishAttempt(0);
  }
  const absl::string_view reason =
      stream_.arena.Copy(TransportFailure(failure, attempt_->failure_detail));
  stream_.info.upstream_failure_reason = reason;
  // What is wrong with the host's certificate is not the client's business.
  FailUnanswered(words, ResetText(words.reason), reason);
}

bool Router::InMaintenance() {
  const runtime::Snapshot* runtime = stream_.environment.runtime;
  if (runtime == nullptr || runtime->size() == 0) return false;
  const std::string& name = cluster_->config().name;
  // Names of usual length need no memory of the heap.
  absl::FixedArray<char, 256> key(kMaintenancePrefix.size() + name.size());
  std::copy(name.begin(), name.end(),
            std::copy(kMaintenancePrefix.begin(), kMaintenancePrefix.end(), key.begin()));
  const runtime::Value* percent = runtime->Find({key.data(), key.size()});
  if (percent == nullptr ||
      stream_.environment.loop.random().Below(100) >= percent->integer.value_or(0)) {
    return false;
  }
  CountStatus(503);
  Fail(503, "maintenance mode", "maintenance_mode", filter::kUpstreamOverflow);
  if (!config_.suppress_envoy_headers) {
    stream_.response.headers.AddView(HeaderId::kXEnvoyOverloaded,
                                     http::HeaderName(HeaderId::kXEnvoyOverloaded), "true");
  }
  return true;
}

// The runtime may say that less is dropped.
bool Router::DropForOverload() {
  constexpr uint64_t kAll = 1'000'000;
  const filter::Environment& environment = stream_.environment;
  uint64_t millionths = cluster_->hosts().drop_overload()->millionths;
  const runtime::Value* limit =
      environment.runtime == nullptr ? nullptr : environment.runtime->Find(kDropLimitKey);
  if (limit != nullptr && limit->integer.value_or(101) <= 100) {
    millionths = std::min(millionths, *limit->integer * (kAll / 100));
  }
  const bool all = millionths == kAll;
  if (!all && environment.loop.random().Below(kAll) >= millionths) return false;
  cluster_->CountOverloadDrop();
  CountStatus(503);
  Fail(503, all ? "unconditional drop overload" : "drop overload",
       all ? "unconditional_drop_overload" : "drop_overload",
       all ? filter::kUnconditionalDropOverload : filter::kDropOverload);
  if (!config_.suppress_envoy_headers) {
    stream_.response.headers.Add(
        all ? "x-envoy-unconditional-drop-overload" : "x-envoy-drop-overload", "true");
  }
  return true;
}

// envoy.load_shed_points.http_downstream_filter_check.
bool Router::ShedsLoad() {
  const filter::Environment& environment = stream_.environment;
  if (!environment.overload->router.Sheds(environment.loop.random())) return false;
  stream_.http_stats.rq_overload_local_reply.Inc();
  stream_.Reply(503, "envoy overloaded", "overload", filter::kOverload);
  return true;
}

// A circuit breaker is open.
void Router::FailOverloaded() {
  if (cluster_->tracked() != nullptr) cluster_->tracked()->CountDrop();
  const FailureWords words = WordsOf(PoolFailure::kOverflow);
  FailUnanswered(words, ResetText(words.reason), "");
  stream_.response.headers.AddView(HeaderId::kXEnvoyOverloaded,
                                   http::HeaderName(HeaderId::kXEnvoyOverloaded), "true");
}

// Answers in the place of a host that did not; `cause` may be empty.
void Router::FailUnanswered(const FailureWords& words, absl::string_view body,
                            absl::string_view cause) {
  CountStatus(words.status);
  Fail(words.status, body,
       stream_.arena.Copy(absl::StrCat("upstream_reset_before_response_started{", words.details,
                                       cause.empty() ? "" : "|", cause, "}")),
       words.flag);
}

// A filter may have put to the body or taken from it, and left the head: what is too much would
// pass for a request of its own.
bool Router::FitsLength(const http::Framing& framing, const filter::Parts& out) const {
  if (framing.kind == http::Framing::kNone) return out.body.empty();
  if (framing.kind != http::Framing::kLength) return true;
  const uint64_t all = attempt_->sizes.request_body + out.body.size();
  return out.end ? all == framing.length : all <= framing.length;
}

void Router::RefuseLength() {
  constexpr absl::string_view kDetails = "request_body_not_of_its_length";
  if (response_started_ && stream_.response_sent()) return BreakOff(kDetails, filter::kLocalReset);
  AbandonAttempt();
  const FailureWords words = WordsOf(ResetReason::kLocalReset);
  FailUnanswered(words, ResetText(words.reason), kDetails);
}

void Router::OnReset() {
  if (response_started_ && !stream_.response_sent() && !std::exchange(reset_seen_, true)) {
    // What came before the break goes to the client first, as it would have a moment earlier.
    stream_.Wake(*this);
    return;
  }
  if (attempt_->filters != nullptr && !attempt_->filters->head_sent) attempt_->unprocessed = true;
  const FailureWords words = WordsOf(attempt_->reset);
  NoteFlag(words.flag);
  auto& stats = cluster_->stats();
  if (response_started_ && stream_.response_sent()) {
    stats.upstream_rq_rx_reset.Inc();
    cluster_->CountUnanswered(*attempt_->host, /*timeout=*/false);
    BreakOff(stream_.arena.Copy(
                 absl::StrCat("upstream_reset_after_response_started{", words.details, "}")),
             words.flag);
    return;
  }
  wants_fresh_ = wants_fresh_ || attempt_->WasStale();
  if (MayRepeat()) {
    repeated_ = true;
    --stream_.info.attempts;
    FinishAttempt(0);
    StartAttempt();
    return;
  }
  stats.upstream_rq_rx_reset.Inc();
  cluster_->CountUnanswered(*attempt_->host, /*timeout=*/false);
  const uint32_t before_request =
      attempt_->unprocessed ? uint32_t{route::kRetryOnResetBeforeRequest} : 0;
  if (!response_started_ && TryRetry(words.retry_on | before_request)) return;
  if (!response_started_ && hedged()) {
    CountStatus(words.status);
    return FinishAttempt(0);
  }
  const absl::string_view codec_detail = attempt_->codec_detail;
  FinishAttempt(0);
  FailUnanswered(words, ResetText(words.reason), codec_detail);
}

void Router::BreakOff(absl::string_view details, uint32_t flag) {
  stream_.response_in.body.Append(std::move(
      attempt_->filters == nullptr ? attempt_->body : attempt_->filters->response_out.body));
  FinishAttempt(0);
  ReleaseRequest();
  ForgetWaits();
  stream_.BreakOff(details, flag);
}

// Whether the request can be sent again, once, whatever the policy: nothing of it was acted on.
bool Router::MayRepeat() const {
  if (response_started_ || repeated_ || !sent_body_.whole()) return false;
  if (attempt_->retried || hedged()) return false;  // The request was sent again as it is.
  return attempt_->IsRepeatable(stream_.request.method);
}

bool Router::AwaitsHost() const {
  return !response_started_ || (attempt_ != nullptr && !attempt_->end);
}

// Little of a response is buffered here, so that a host has to wait for its client. It is not late
// then, as long as the client goes on taking: whoever takes next to nothing holds a connection to
// the host, and is cut off.
bool Router::HeldBackByClient() {
  constexpr uint64_t kLeastBytesPerSecond = 512;
  if (!response_started_ || attempt_ == nullptr || !stream_.response_held_back) return false;
  const uint64_t before = std::exchange(taken_, stream_.info.bytes_sent);
  const auto seconds = static_cast<uint64_t>(timeouts_.whole() / base::kSecond);
  return taken_ - before > seconds * kLeastBytesPerSecond;
}

void Router::OnTimeout() {
  if (HeldBackByClient()) return Arm(timeout_, timeouts_.whole(), timed_out_);
  auto& stats = cluster_->stats();
  if (attempt_ != nullptr && attempt_->head_sent && !response_started_ && !attempt_->slow) {
    cluster_->CountUnanswered(*attempt_->host, /*timeout=*/true);
  }
  const size_t others = AbandonHedges();  // Each of the attempts was late.
  const size_t late = std::max<size_t>(others + (attempt_ != nullptr ? 1 : 0), 1);
  stats.upstream_rq_timeout.Add(late);
  counts_.Inc(&stats::RouteStats::upstream_rq_timeout, late);
  if (cluster_->tracked() != nullptr) {
    cluster_->tracked()->CountBudget({timeouts_.whole(), timeouts_.whole()});
    if (attempt_ != nullptr) attempt_->budget_told = true;
  }
  GiveUp(late, "response_timeout");
}

// Of one try: it had no answer in time, or nothing came of it for too long.
void Router::OnTryTimeout() {
  const bool unanswered = attempt_->timed_out && !response_started_;
  attempt_->timed_out = false;
  if (attempt_->idle != nullptr) attempt_->idle->over = false;
  // Filters that stand before the host are not pumped beside its successor, and of tunnels there
  // are not two.
  if (retry_.hedges() && attempt_->filters == nullptr && stream_.request_out.end) {
    if (!response_started_) OnSlow();
    return;
  }
  NoteFlag(unanswered ? filter::kUpstreamRequestTimeout : filter::kStreamIdleTimeout);
  if (attempt_->head_sent && !attempt_->slow) {
    cluster_->CountUnanswered(*attempt_->host, /*timeout=*/true);
  }
  const size_t others = AbandonHedges();
  auto& stats = cluster_->stats();
  (unanswered ? stats.upstream_rq_per_try_timeout : stats.upstream_rq_per_try_idle_timeout).Inc();
  constexpr uint32_t kReasons =
      route::kRetryOn5xx | route::kRetryOnGatewayError | route::kRetryOnReset;
  if (!response_started_ && TryRetry(kReasons)) {
    late_ = true;
    return;
  }
  GiveUp(others + 1, unanswered ? "upstream_per_try_timeout" : "upstream_per_try_idle_timeout");
}

void Router::GiveUp(size_t late, absl::string_view details) {
  if (attempt_ != nullptr && attempt_->head_sent) cluster_->stats().upstream_rq_tx_reset.Inc();
  FinishAttempt(0);
  waiting_to_retry_ = false;
  if (response_started_ && stream_.response_sent()) {
    stream_.Abort(details, filter::kUpstreamRequestTimeout);
    return;
  }
  const uint16_t status = late_is_no_content_ ? 204 : 504;
  for (size_t i = 0; i < late; ++i) CountStatus(status);
  Fail(status, late_is_no_content_ ? "" : "upstream request timeout", details,
       filter::kUpstreamRequestTimeout);
}

void Router::OnExpired() {
  auto& stats = cluster_->stats();
  stats.upstream_rq_max_duration_reached.Inc();
  stats.upstream_rq_tx_reset.Inc();
  constexpr absl::string_view kDetails = "upstream_max_stream_duration_reached";
  constexpr uint32_t kFlag = filter::kUpstreamMaxStreamDurationReached;
  NoteFlag(kFlag);
  if (response_started_) {
    FinishAttempt(0);
    stream_.Abort(kDetails, kFlag);
    return;
  }
  attempt_->expired = false;
  if (TryRetry(WordsOf(ResetReason::kLocalReset).retry_on)) return;
  if (hedged()) return FinishAttempt(0);
  const bool request_complete = stream_.request_out.end;
  FinishAttempt(0);
  Fail(request_complete ? 504 : 408, "upstream max stream duration reached", kDetails, kFlag);
}

bool Router::TryRetry(uint32_t reason) {
  if (attempt_->retried) return false;
  if (!retry_.Wants(reason)) {
    EndRetries();
    return false;
  }
  if (!AcquireRetry()) return false;
  choice_.Note(*attempt_);
  late_ = false;
  event::EventLoop& loop = stream_.environment.loop;
  const base::Nanos told =
      attempt_->head ? retry_.ToldWait(stream_.response, loop.wall_now()) : base::Nanos{0};
  // Its span tells the status that is the reason, if it got as far.
  if (stream_.trace != nullptr && attempt_->head) {
    stream_.trace->EndAttempt(attempt_->response.status);
  }
  stream_.response_head_bytes = std::move(attempt_->head_bytes);  // The access log may read it.
  if (attempt_->head) {
    cluster_->stats().upstream_rq.Inc(
        stats::StatusOf(stats::RequestOrigin::kRetried, attempt_->response.status));
  }
  FinishAttempt(0);
  if (told != 0) cluster_->stats().upstream_rq_retry_backoff_ratelimited.Inc();
  ScheduleRetry(told != 0 ? Retry::Spread(told, loop.random()) : BackOff());
  return true;
}

bool Router::AcquireRetry() {
  auto& stats = cluster_->stats();
  // The request need not be complete: what is still to come of it goes to the next try alone.
  if (!sent_body_.whole()) return false;
  // That of the retry before this one: how many there may be can have changed since.
  if (std::exchange(retry_counted_, false)) cluster_->ReleaseRetry(priority());
  if (retry_.left() == 0) {
    stats.upstream_rq_retry_limit_exceeded.Inc();
    counts_.Inc(&stats::RouteStats::upstream_rq_retry_limit_exceeded);
    stream_.info.flags |= filter::kUpstreamRetryLimitExceeded;
    return false;
  }
  retry_.CountOne();
  if (!cluster_->TryAcquireRetry(priority())) {
    stats.upstream_rq_retry_overflow.Inc();
    counts_.Inc(&stats::RouteStats::upstream_rq_retry_overflow);
    stream_.info.flags |= filter::kUpstreamOverflow;
    return false;
  }
  retry_counted_ = true;
  stats.upstream_rq_retry.Inc();
  counts_.Inc(&stats::RouteStats::upstream_rq_retry);
  return true;
}

void Router::EndRetries() {
  if (!std::exchange(retry_counted_, false)) return;
  cluster_->stats().upstream_rq_retry_success.Inc();
  counts_.Inc(&stats::RouteStats::upstream_rq_retry_success);
  cluster_->ReleaseRetry(priority());
}

base::Nanos Router::BackOff() {
  cluster_->stats().upstream_rq_retry_backoff_exponential.Inc();
  return retry_.BackOff(stream_.info.attempts, stream_.environment.loop.random());
}

void Router::ScheduleRetry(base::Nanos wait) {
  waiting_to_retry_ = true;
  back_off_over_ = false;
  Arm(back_off_, wait, back_off_over_);
}

}  // namespace proxenos::filters::router
