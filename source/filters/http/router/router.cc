// From route to response.
#include "source/filters/http/router/router.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/limits.h"
#include "source/filters/http/router/connection_needs.h"
#include "source/filters/http/router/headers.h"
#include "source/filters/http/router/upstream_failure.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/client_stream.h"

namespace proxenos::filters::router {
namespace {

using filter::Verdict;
using http::HeaderId;
using upstream::Exchange;
using upstream::PoolFailure;

// Repeating one of these does no more than doing it once (RFC 9110, section 9.2.2).
bool IsIdempotent(http::Method method) {
  return method != http::Method::kPost && method != http::Method::kPatch &&
         method != http::Method::kConnect && method != http::Method::kOther;
}

}  // namespace

Router::Attempt::Attempt(Router& owner) : Exchange(owner.stream_.response), router(owner) {
  // What the client has no room for stays in the kernel, where it holds the host back.
  body_limit = std::min<uint64_t>(owner.cluster_->write_limit(), base::limits::kStreamBufferBytes);
}

void Router::Attempt::OnProgress() { router.stream_.Wake(router); }

Router::Router(const RouterConfig& config, filter::StreamContext& stream)
    : config_(config), stream_(stream) {}

Router::~Router() = default;

Verdict Router::OnRequestHeaders(http::RequestHead&, bool) {
  stream_.http_stats.rq_total.Inc();
  const route::Route* route = stream_.route;
  if (route == nullptr) {
    stream_.http_stats.no_route.Inc();
    stream_.Reply(404, "", "route_not_found", filter::kNoRouteFound);
    return Verdict::kReplied;
  }
  stream_.info.route_name = route->name;
  if (route->forward() != nullptr) {
    Forward(*route);
  } else {
    Answer(*route);
  }
  return Verdict::kContinue;
}

void Router::Answer(const route::Route& route) {
  if (route.redirect() != nullptr) {
    Redirect(route);
  } else {
    const route::DirectResponse& direct = *route.direct_response();
    stream_.http_stats.rq_direct_response.Inc();
    stream_.Reply(direct.status, direct.body, "direct_response", 0);
    if (direct.status == 201) {  // What was made is named by the request's own URI.
      const http::RequestHead& head = stream_.request;
      stream_.response.headers.Add(HeaderId::kLocation,
                                   absl::StrCat(head.scheme, "://", head.authority, head.path));
    }
  }
  stream_.info.response_code = stream_.response.status;  // For %RESPONSE_CODE% in what is added.
  stream_.routes->ForEachResponseMutations(
      route, nullptr, [this](const route::HeaderMutations& mutations) {
        route::Apply(mutations, stream_.response.headers,
                     [this](uint32_t index) { return Format(index); });
      });
}

void Router::Redirect(const route::Route& route) {
  stream_.http_stats.rq_redirect.Inc();
  stream_.Reply(route.redirect()->status, "", "direct_response", 0);
  stream_.response.headers.Add(HeaderId::kLocation,
                               route::RedirectLocation(route, stream_.match_input()));
}

void Router::Forward(const route::Route& route) {
  forward_ = route.forward();
  pick_ = route::PickCluster(route, stream_.match_input());
  cluster_ = stream_.environment.clusters.Find(pick_.name);
  if (!cluster_) {
    stream_.http_stats.no_cluster.Inc();
    stream_.Reply(forward_->cluster_not_found_status, "", "cluster_not_found",
                  filter::kNoClusterFound);
    return;
  }
  stream_.info.upstream_cluster = cluster_->config().name;
  ReadTimeouts();
  PrepareRequest(route);
  if (!cluster_->TryAcquireRequest()) {
    cluster_->stats().upstream_rq_pending_overflow.Inc();
    cluster_->stats().upstream_rq.Inc(503);
    Fail(503, ResetText("overflow"), "upstream_reset_before_response_started{overflow}",
         filter::kUpstreamOverflow);
    stream_.response.headers.AddView(HeaderId::kXEnvoyOverloaded,
                                     http::HeaderName(HeaderId::kXEnvoyOverloaded), "true");
    return;
  }
  request_counted_ = true;
  if (stream_.request_out.end) OnRequestComplete();
  StartAttempt();
}

void Router::OnRequestComplete() {
  // As in Envoy, the route's timeout runs from the end of the request.
  if (timeout_ns_ == 0 || timeout_) return;
  timeout_.emplace(stream_.environment.loop.timers(), [this] {
    timed_out_ = true;
    stream_.Wake(*this);
  });
  timeout_->ArmIn(timeout_ns_);
}

void Router::ReadTimeouts() {
  timeout_ns_ = forward_->timeout;
  if (const auto ms = TakeMs(stream_.request.headers, HeaderId::kXEnvoyUpstreamRqTimeoutMs)) {
    timeout_ns_ = *ms;
  }
  retry_.Begin(*forward_, stream_.request);
  per_try_timeout_ns_ = retry_.per_try_timeout();
  if (per_try_timeout_ns_ >= timeout_ns_ && timeout_ns_ != 0) per_try_timeout_ns_ = 0;
}

void Router::PrepareRequest(const route::Route& route) {
  http::RequestHead& head = stream_.request;
  const base::Nanos expected = per_try_timeout_ns_ != 0 ? per_try_timeout_ns_ : timeout_ns_;
  if (!config_.suppress_envoy_headers && expected != 0) {
    SetNumber(head.headers, HeaderId::kXEnvoyExpectedRqTimeoutMs,
              static_cast<uint64_t>(expected / base::kMillisecond));
  }
  if (route.virtual_host->include_request_attempt_count) {
    SetNumber(head.headers, HeaderId::kXEnvoyAttemptCount, 1);
  }
  stream_.routes->ForEachRequestMutations(
      route, pick_.weighted, [this](const route::HeaderMutations& mutations) {
        route::Apply(mutations, stream_.request.headers,
                     [this](uint32_t index) { return Format(index); });
      });
  const absl::string_view host_before = head.authority;
  route::ApplyHostRewrite(route, pick_.weighted, head);
  KeepOriginalHost(host_before);
  const absl::string_view before = route::ApplyPathRewrite(route, head);
  if (!before.empty()) {
    stream_.info.original_path = before;
    if (!config_.suppress_envoy_headers) {
      head.headers.AddView(HeaderId::kXEnvoyOriginalPath,
                           http::HeaderName(HeaderId::kXEnvoyOriginalPath), before);
    }
  }
}

// Envoy tells the origin what the client had asked for.
void Router::KeepOriginalHost(absl::string_view before) {
  http::RequestHead& head = stream_.request;
  if (head.authority.data() == before.data() || config_.suppress_envoy_headers) return;
  head.headers.Set("x-envoy-original-host", before);
}

absl::string_view Router::Format(uint32_t index) { return stream_.FormatValue(index); }

void Router::StartAttempt() {
  attempt_ = std::make_unique<Attempt>(*this);
  attempt_->started = stream_.environment.loop.now();
  ++stream_.info.attempts;
  if (stream_.info.attempts > 1 && stream_.route->virtual_host->include_request_attempt_count) {
    SetNumber(stream_.request.headers, HeaderId::kXEnvoyAttemptCount, stream_.info.attempts);
  }
  upstream::ConnectionNeeds needs;
  if (cluster_->connections_vary()) {
    needs = NeedsOf(stream_, cluster_->config());
    attempt_->needs = &needs;
  }
  cluster_->Acquire(*attempt_);
  attempt_->needs = nullptr;
  if (attempt_->state == Exchange::State::kActive) {
    SendHead();
  } else if (attempt_->state == Exchange::State::kFailed) {
    stream_.Wake(*this);  // Handled in OnWake like a failure that comes later.
  }
}

void Router::SendHead() {
  attempt_->head_sent = true;
  filter::StreamInfo& info = stream_.info;
  upstream::ClientStream& stream = *attempt_->stream.get();
  upstream::ClientConnection& connection = stream.connection();
  info.upstream_remote = attempt_->host->address();
  info.upstream_host_name = attempt_->host->hostname();
  host_ = attempt_->host;
  info.upstream_connection_id = connection.id();
  if (stream_.wants_upstream_local) info.upstream_local = connection.local_address();
  if (info.first_upstream_tx == 0) info.first_upstream_tx = stream_.environment.loop.now();
  cluster_->stats().upstream_rq_total.Inc();
  cluster_->stats().upstream_rq_active.Inc();
  if (forward_->host_rewrite == route::Forward::HostRewrite::kAuto &&
      !attempt_->host->hostname().empty()) {
    const absl::string_view before = stream_.request.authority;
    route::SetAuthority(stream_.request, attempt_->host->hostname(),
                        forward_->append_x_forwarded_host);
    if (info.attempts == 1) KeepOriginalHost(before);
  }
  const filter::Parts& out = stream_.request_out;
  stream.SendHead(stream_.request, out.end && out.body.empty() && out.trailers == nullptr);
  if (per_try_timeout_ns_ != 0) {
    try_timer_.emplace(stream_.environment.loop.timers(), [this] {
      try_timed_out_ = true;
      stream_.Wake(*this);
    });
    try_timer_->ArmIn(per_try_timeout_ns_);
  }
  SendMore();
}

Verdict Router::OnRequestBody(buffer::Buffer&, bool) {
  SendMore();
  return Verdict::kContinue;
}

Verdict Router::OnRequestTrailers(http::HeaderMap&) {
  SendMore();
  return Verdict::kContinue;
}

void Router::SendMore() {
  filter::Parts& out = stream_.request_out;
  if (out.end) OnRequestComplete();
  // A host that answered before the end of the request wants no more of it.
  if (response_started_ && (attempt_ == nullptr || attempt_->state == Exchange::State::kDone)) {
    out.body.Clear();
  }
  if (attempt_ == nullptr || !attempt_->head_sent || !MaySendBody()) return;
  upstream::ClientStream* stream = attempt_->stream.get();
  if (stream == nullptr) return;
  if (!out.body.empty()) body_sent_ = true;
  if (out.body.empty() && !out.end) return;
  if (stream->SendBody(out.body, out.end, out.trailers) && out.end) {
    stream_.info.last_upstream_tx = stream_.environment.loop.now();
  }
}

// A host that does not take the upgrade would read a tunnel's bytes as further requests: they wait
// until it has agreed (RFC 9110, section 7.8).
bool Router::MaySendBody() const {
  return stream_.request.framing.kind != http::Framing::kTunnel ||
         (response_started_ && stream_.response.framing.kind == http::Framing::kTunnel);
}

void Router::OnLocalReply() {
  FinishAttempt(0);
  ReleaseRequest();
  ForgetWaits();
}

// What fired already, but has not been acted on, must not be.
void Router::ForgetWaits() {
  timeout_.reset();
  try_timer_.reset();
  timed_out_ = try_timed_out_ = back_off_over_ = waiting_to_retry_ = false;
}

void Router::OnComplete() {
  if (attempt_ != nullptr && attempt_->state == Exchange::State::kActive) {
    if (attempt_->head_sent) cluster_->stats().upstream_rq_tx_reset.Inc();
  } else if (attempt_ != nullptr && attempt_->state == Exchange::State::kPending) {
    cluster_->stats().upstream_rq_cancelled.Inc();
  }
  FinishAttempt(0);
  ReleaseRequest();
}

void Router::ReleaseRequest() {
  if (request_counted_) cluster_->ReleaseRequest();
  if (retry_counted_) cluster_->ReleaseRetry();
  request_counted_ = retry_counted_ = false;
}

// The attempt is over; `status` is what it answered, 0 when nothing.
void Router::FinishAttempt(uint16_t status) {
  if (attempt_ == nullptr) return;
  auto& stats = cluster_->stats();
  if (attempt_->head_sent) stats.upstream_rq_active.Dec();
  if (status != 0) {
    stats.upstream_rq.Inc(status);
    const base::MonoTime now = stream_.environment.loop.now();
    stats.upstream_rq_time.Record(
        static_cast<uint64_t>((now - attempt_->started) / base::kMillisecond));
  }
  attempt_.reset();
  try_timer_.reset();
  try_timed_out_ = false;
}

void Router::OnWake() {
  if (timed_out_) {
    timed_out_ = false;
    OnTimeout();
    return;
  }
  if (waiting_to_retry_) {
    if (!back_off_over_) return;
    waiting_to_retry_ = back_off_over_ = false;
    try_timer_.reset();
    StartAttempt();
    return;
  }
  if (attempt_ == nullptr) return;
  if (attempt_->state == Exchange::State::kFailed) return OnFailure();
  if (attempt_->state == Exchange::State::kActive && !attempt_->head_sent) return SendHead();
  if (attempt_->informational != nullptr) DeliverInformational();
  if (attempt_->head && !response_started_) {
    OnResponseHead();
    if (attempt_ == nullptr || !response_started_) return;
  }
  if (response_started_) DeliverBody();
  if (attempt_ != nullptr && attempt_->state == Exchange::State::kReset) {
    if (!response_started_ || stream_.response_sent() || reset_seen_) return OnReset();
    // What came before the break goes to the client first, as it would have a moment earlier.
    reset_seen_ = true;
    stream_.Wake(*this);
    return;
  }
  if (try_timed_out_ && !response_started_) return OnTimeout();
  SendMore();
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
  if (failure == PoolFailure::kNoHealthyHost) {
    cluster_->stats().upstream_rq.Inc(503);
    Fail(503, "no healthy upstream", "no_healthy_upstream", filter::kNoHealthyUpstream);
    return;
  }
  const FailureWords words = WordsOf(failure);
  if (failure != PoolFailure::kOverflow) {
    stream_.info.upstream_remote = attempt_->host->address();
    host_ = attempt_->host;
    if (TryRetry(words.retry_on)) return;
  }
  const absl::string_view detail = attempt_->failure_detail;
  absl::string_view body = ResetText(words.reason);
  if (failure == PoolFailure::kTransportFailure) {
    stream_.info.upstream_failure_reason = stream_.arena.Copy(detail);
    body = stream_.arena.Copy(absl::StrCat(body, ", transport failure reason: ", detail));
  } else if (failure == PoolFailure::kConnectFailure) {
    stream_.info.upstream_failure_reason =
        stream_.arena.Copy(absl::StrCat("delayed connect error: ", detail));
  }
  FailUnanswered(words, body, stream_.info.upstream_failure_reason);
  if (failure == PoolFailure::kOverflow) {
    stream_.response.headers.AddView(HeaderId::kXEnvoyOverloaded,
                                     http::HeaderName(HeaderId::kXEnvoyOverloaded), "true");
  }
}

// Answers in the place of a host that did not; `cause` may be empty.
void Router::FailUnanswered(const FailureWords& words, absl::string_view body,
                            absl::string_view cause) {
  cluster_->stats().upstream_rq.Inc(words.status);
  Fail(words.status, body,
       stream_.arena.Copy(absl::StrCat("upstream_reset_before_response_started{", words.details,
                                       cause.empty() ? "" : "|", cause, "}")),
       words.flag);
}

void Router::OnReset() {
  const FailureWords words = WordsOf(attempt_->reset);
  auto& stats = cluster_->stats();
  if (response_started_ && stream_.response_sent()) {
    stats.upstream_rq_rx_reset.Inc();
    FinishAttempt(0);
    stream_.Abort(stream_.arena.Copy(
                      absl::StrCat("upstream_reset_after_response_started{", words.details, "}")),
                  words.flag);
    return;
  }
  if (MayRepeat()) {
    repeated_ = true;
    --stream_.info.attempts;
    FinishAttempt(0);
    StartAttempt();
    return;
  }
  stats.upstream_rq_rx_reset.Inc();
  const uint32_t before_request =
      attempt_->unprocessed ? uint32_t{route::kRetryOnResetBeforeRequest} : 0;
  if (!response_started_ && TryRetry(words.retry_on | before_request)) return;
  const absl::string_view codec_detail = attempt_->codec_detail;
  FinishAttempt(0);
  FailUnanswered(words, ResetText(words.reason), codec_detail);
}

// Whether the request can be sent again, once, whatever the policy: nothing of it was acted on.
bool Router::MayRepeat() const {
  if (response_started_ || repeated_ || attempt_->any_bytes || !RequestUnsent()) return false;
  if (attempt_->unprocessed) return true;
  // The host closed a kept connection just as the request was sent.
  return attempt_->reset == upstream::ResetReason::kRemoteClosed && attempt_->reused_connection &&
         IsIdempotent(stream_.request.method);
}

void Router::OnTimeout() {
  auto& stats = cluster_->stats();
  const bool per_try = try_timed_out_ && !response_started_;
  if (per_try) {
    stats.upstream_rq_per_try_timeout.Inc();
    try_timed_out_ = false;
    if (TryRetry(route::kRetryOn5xx | route::kRetryOnGatewayError | route::kRetryOnReset)) return;
  } else {
    stats.upstream_rq_timeout.Inc();
  }
  if (attempt_ != nullptr && attempt_->head_sent) stats.upstream_rq_tx_reset.Inc();
  FinishAttempt(0);
  waiting_to_retry_ = false;
  if (response_started_ && stream_.response_sent()) {
    stream_.Abort("response_timeout", filter::kUpstreamRequestTimeout);
    return;
  }
  stats.upstream_rq.Inc(504);
  Fail(504, "upstream request timeout", per_try ? "upstream_per_try_timeout" : "response_timeout",
       filter::kUpstreamRequestTimeout);
}

bool Router::TryRetry(uint32_t reason) {
  if (!retry_.Wants(reason)) return false;
  auto& stats = cluster_->stats();
  if (!RequestUnsent() || !stream_.request_out.end) {
    stream_.http_stats.rq_retry_skipped_request_not_complete.Inc();
    return false;
  }
  if (retry_.left() == 0) {
    stats.upstream_rq_retry_limit_exceeded.Inc();
    stream_.info.flags |= filter::kUpstreamRetryLimitExceeded;
    return false;
  }
  if (!retry_counted_ && !cluster_->TryAcquireRetry()) {
    stats.upstream_rq_retry_overflow.Inc();
    return false;
  }
  retry_counted_ = true;
  retry_.CountOne();
  stats.upstream_rq_retry.Inc();
  FinishAttempt(0);
  waiting_to_retry_ = true;
  back_off_over_ = false;
  try_timer_.emplace(stream_.environment.loop.timers(), [this] {
    back_off_over_ = true;
    stream_.Wake(*this);
  });
  try_timer_->ArmIn(retry_.BackOff(stream_.info.attempts, stream_.environment.loop.random()));
  return true;
}

void Router::OnResponseHead() {
  if (retry_.any() && TryRetry(retry_.ReasonsOf(stream_.response))) return;
  DeliverHead();
}

void Router::DeliverInformational() {
  for (; attempt_->informational != nullptr;
       attempt_->informational = attempt_->informational->next) {
    stream_.SendInformational(attempt_->informational->head);
  }
}

void Router::DeliverHead() {
  response_started_ = true;
  filter::StreamInfo& info = stream_.info;
  const base::MonoTime now = stream_.environment.loop.now();
  info.first_upstream_rx = now;
  info.details = "via_upstream";
  http::ResponseHead& head = stream_.response;
  info.response_code = head.status;  // For %RESPONSE_CODE% in what is added below.
  if (retry_counted_ && !retry_.Wants(retry_.ReasonsOf(head))) {
    cluster_->stats().upstream_rq_retry_success.Inc();
  }
  if (!config_.suppress_envoy_headers) {
    SetNumber(head.headers, HeaderId::kXEnvoyUpstreamServiceTime,
              static_cast<uint64_t>((now - attempt_->started) / base::kMillisecond));
  }
  const route::Route& route = *stream_.route;
  if (route.virtual_host->include_attempt_count_in_response) {
    SetNumber(head.headers, HeaderId::kXEnvoyAttemptCount, info.attempts);
  }
  stream_.routes->ForEachResponseMutations(
      route, pick_.weighted, [this](const route::HeaderMutations& mutations) {
        route::Apply(mutations, stream_.response.headers,
                     [this](uint32_t index) { return Format(index); });
      });
  stream_.response_head_bytes = attempt_->head_bytes;
  stream_.response_in.head = true;
  if (head.framing.kind == http::Framing::kTunnel) timeout_.reset();
}

// Moves as much of the body on as there is room for: what is left holds its source back.
void Router::TakeBody() {
  if (attempt_->body.empty()) return;
  const uint64_t held = stream_.response_in.body.size();
  const uint64_t limit = stream_.body_limit(filter::Direction::kResponse);
  if (held >= limit) {
    stream_.response_held_back = true;
    return;
  }
  const uint64_t taken = std::min(attempt_->body.size(), limit - held);
  if (taken == attempt_->body.size()) {
    stream_.response_in.body.Append(std::move(attempt_->body));
  } else {
    stream_.response_in.body.AppendFrom(attempt_->body, taken);
    stream_.response_held_back = true;
  }
  attempt_->BodyTaken(taken);
}

void Router::DeliverBody() {
  if (attempt_ == nullptr) return;
  TakeBody();
  if (attempt_->end && attempt_->body.empty()) {
    stream_.response_in.trailers = attempt_->trailers;
    stream_.response_in.end = true;
    stream_.response_trailer_bytes = std::move(attempt_->trailer_bytes);
    stream_.info.last_upstream_rx = stream_.environment.loop.now();
    stream_.info.upstream_wire_bytes_received += attempt_->wire_bytes_received;
    timeout_.reset();
    FinishAttempt(stream_.response.status);
    ReleaseRequest();
  }
}

}  // namespace proxenos::filters::router
