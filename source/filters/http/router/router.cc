// From route to response.
#include "source/filters/http/router/router.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/upstream/client_connection.h"

namespace proxenos::filters::router {
namespace {

using filter::Verdict;
using http::HeaderId;
using upstream::Exchange;
using upstream::PoolFailure;

constexpr base::Nanos kMaxTimeoutNs = base::Nanos{365} * 86400 * base::kSecond;

void SetNumber(http::HeaderMap& headers, HeaderId id, uint64_t value) {
  char digits[absl::numbers_internal::kFastToBufferSize];
  const char* end = absl::numbers_internal::FastIntToBuffer(value, digits);
  headers.Set(id, absl::string_view(digits, static_cast<size_t>(end - digits)));
}

std::optional<base::Nanos> HeaderMs(const http::HeaderMap& headers, HeaderId id) {
  uint64_t ms;
  const http::Header* header = headers.Find(id);
  if (header == nullptr || !absl::SimpleAtoi(header->value(), &ms)) return std::nullopt;
  return static_cast<base::Nanos>(
             std::min<uint64_t>(ms, static_cast<uint64_t>(kMaxTimeoutNs / base::kMillisecond))) *
         base::kMillisecond;
}

// Repeating one of these does no more than doing it once (RFC 9110, section 9.2.2).
bool IsIdempotent(http::Method method) {
  return method != http::Method::kPost && method != http::Method::kPatch &&
         method != http::Method::kConnect && method != http::Method::kOther;
}

}  // namespace

Router::Attempt::Attempt(Router& owner) : Exchange(owner.stream_.response), router(owner) {
  body_limit = owner.cluster_->write_limit();
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
  const route::MatchInput input{stream_.request, stream_.random, stream_.request.scheme == "https",
                                false};
  stream_.http_stats.rq_redirect.Inc();
  stream_.Reply(route.redirect()->status, "", "direct_response", 0);
  stream_.response.headers.Add(HeaderId::kLocation, route::RedirectLocation(route, input));
}

void Router::Forward(const route::Route& route) {
  forward_ = route.forward();
  const route::MatchInput input{stream_.request, stream_.random, stream_.request.scheme == "https",
                                false};
  pick_ = route::PickCluster(route, input);
  cluster_ = stream_.environment.clusters.Find(pick_.name);
  if (!cluster_) {
    stream_.http_stats.no_cluster.Inc();
    stream_.Reply(forward_->cluster_not_found_status, "", "cluster_not_found",
                  filter::kNoClusterFound);
    return;
  }
  stream_.info.upstream_cluster = cluster_->config().name;
  if (cluster_->config().http2) {
    stream_.Reply(503, "the cluster speaks HTTP/2, which requests cannot use yet",
                  "http2_upstream_not_implemented", filter::kUpstreamProtocolError);
    return;
  }
  ReadTimeouts(*forward_);
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

void Router::ReadTimeouts(const route::Forward& forward) {
  http::HeaderMap& headers = stream_.request.headers;
  timeout_ns_ = forward.timeout;
  if (forward.retry) {
    retry_on_ = forward.retry->retry_on;
    retries_left_ = forward.retry->num_retries;
    per_try_timeout_ns_ = forward.retry->per_try_timeout.value_or(0);
  }
  if (const auto ms = HeaderMs(headers, HeaderId::kXEnvoyUpstreamRqTimeoutMs)) {
    timeout_ns_ = *ms;
    headers.Remove(HeaderId::kXEnvoyUpstreamRqTimeoutMs);
  }
  if (const auto ms = HeaderMs(headers, HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs)) {
    per_try_timeout_ns_ = *ms;
    headers.Remove(HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs);
  }
  if (const http::Header* retry_on = headers.Find(HeaderId::kXEnvoyRetryOn)) {
    retry_on_ |= route::ParseRetryOn(retry_on->value(), nullptr);
    if (retries_left_ == 0) retries_left_ = 1;
    headers.Remove(HeaderId::kXEnvoyRetryOn);
  }
  if (const http::Header* most = headers.Find(HeaderId::kXEnvoyMaxRetries)) {
    uint32_t retries;
    if (retry_on_ != 0 && absl::SimpleAtoi(most->value(), &retries)) retries_left_ = retries;
    headers.Remove(HeaderId::kXEnvoyMaxRetries);
  }
  if (per_try_timeout_ns_ >= timeout_ns_ && timeout_ns_ != 0) per_try_timeout_ns_ = 0;
}

void Router::PrepareRequest(const route::Route& route) {
  http::RequestHead& head = stream_.request;
  if (!config_.suppress_envoy_headers) {
    if (forward_->timeout != 0 || timeout_ns_ != 0) {
      const base::Nanos expected = per_try_timeout_ns_ != 0 ? per_try_timeout_ns_ : timeout_ns_;
      if (expected != 0) {
        SetNumber(head.headers, HeaderId::kXEnvoyExpectedRqTimeoutMs,
                  static_cast<uint64_t>(expected / base::kMillisecond));
      }
    }
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
  cluster_->Acquire(*attempt_);
  if (attempt_->state == Exchange::State::kActive) {
    SendHead();
  } else if (attempt_->state == Exchange::State::kFailed) {
    stream_.Wake(*this);  // Handled in OnWake like a failure that comes later.
  }
}

void Router::SendHead() {
  attempt_->head_sent = true;
  filter::StreamInfo& info = stream_.info;
  upstream::ClientConnection& connection = *attempt_->connection.get();
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
  connection.SendHead(stream_.request);
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
  upstream::ClientConnection* connection = attempt_->connection.get();
  if (connection == nullptr) return;
  if (!out.body.empty()) body_sent_ = true;
  if (out.body.empty() && !out.end) return;
  if (connection->SendBody(out.body, out.end, out.trailers) && out.end) {
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
  if (failure == PoolFailure::kConnectFailure || failure == PoolFailure::kConnectTimeout) {
    stream_.info.upstream_remote = attempt_->host->address();
    host_ = attempt_->host;
    if (TryRetry(route::kRetryOnConnectFailure | route::kRetryOn5xx | route::kRetryOnGatewayError |
                 route::kRetryOnReset | route::kRetryOnResetBeforeRequest)) {
      return;
    }
  }
  const absl::string_view detail = attempt_->failure_detail;
  switch (failure) {
    case PoolFailure::kNone:
      return;
    case PoolFailure::kNoHealthyHost:
      cluster_->stats().upstream_rq.Inc(503);
      Fail(503, "no healthy upstream", "no_healthy_upstream", filter::kNoHealthyUpstream);
      return;
    case PoolFailure::kOverflow:
      cluster_->stats().upstream_rq.Inc(503);
      Fail(503, ResetText("overflow"), "upstream_reset_before_response_started{overflow}",
           filter::kUpstreamOverflow);
      stream_.response.headers.AddView(HeaderId::kXEnvoyOverloaded,
                                       http::HeaderName(HeaderId::kXEnvoyOverloaded), "true");
      return;
    case PoolFailure::kConnectFailure: {
      const std::string reason = absl::StrCat("delayed connect error: ", detail);
      stream_.info.upstream_failure_reason = stream_.arena.Copy(reason);
      cluster_->stats().upstream_rq.Inc(503);
      Fail(503, ResetText("remote connection failure"),
           stream_.arena.Copy(absl::StrCat(
               "upstream_reset_before_response_started{remote_connection_failure|", reason, "}")),
           filter::kUpstreamConnectionFailure);
      return;
    }
    case PoolFailure::kConnectTimeout:
      cluster_->stats().upstream_rq.Inc(503);
      Fail(503, ResetText("connection timeout"),
           "upstream_reset_before_response_started{connection_timeout}",
           filter::kUpstreamConnectionFailure);
      return;
  }
}

void Router::OnReset() {
  const bool protocol_error = attempt_->reset == upstream::ResetReason::kProtocolError;
  auto& stats = cluster_->stats();
  if (response_started_ && stream_.response_sent()) {
    stats.upstream_rq_rx_reset.Inc();
    FinishAttempt(0);
    stream_.Abort(
        protocol_error ? "upstream_reset_after_response_started{protocol_error}"
                       : "upstream_reset_after_response_started{connection_termination}",
        protocol_error ? filter::kUpstreamProtocolError : filter::kUpstreamConnectionTermination);
    return;
  }
  // The host closed a kept connection just as the request was sent: nothing was lost yet.
  if (!response_started_ && !protocol_error && attempt_->reused_connection &&
      !attempt_->any_bytes && !reconnected_ && RequestUnsent() &&
      IsIdempotent(stream_.request.method)) {
    reconnected_ = true;
    --stream_.info.attempts;
    FinishAttempt(0);
    StartAttempt();
    return;
  }
  stats.upstream_rq_rx_reset.Inc();
  uint32_t reason = route::kRetryOnReset | route::kRetryOn5xx | route::kRetryOnGatewayError;
  if (!response_started_ && TryRetry(reason)) return;
  const absl::string_view codec_detail = attempt_->codec_detail;
  FinishAttempt(0);
  stats.upstream_rq.Inc(protocol_error ? 502 : 503);
  if (protocol_error) {
    Fail(502, ResetText("protocol error"),
         stream_.arena.Copy(absl::StrCat("upstream_reset_before_response_started{protocol_error|",
                                         codec_detail, "}")),
         filter::kUpstreamProtocolError);
    return;
  }
  Fail(503, ResetText("connection termination"),
       "upstream_reset_before_response_started{connection_termination}",
       filter::kUpstreamConnectionTermination);
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

uint32_t Router::RetryReason(const http::ResponseHead& head) const {
  uint32_t reason = 0;
  if (head.status >= 500) reason |= route::kRetryOn5xx;
  if (head.status >= 502 && head.status <= 504) reason |= route::kRetryOnGatewayError;
  if (head.status == 409) reason |= route::kRetryOnRetriable4xx;
  if (head.headers.Has(HeaderId::kXEnvoyRatelimited)) {
    return route::kRetryOnEnvoyRatelimited;
  }
  if (forward_->retry) {
    const auto& codes = forward_->retry->retriable_status_codes;
    if (std::binary_search(codes.begin(), codes.end(), head.status)) {
      reason |= route::kRetryOnRetriableStatusCodes;
    }
  }
  return reason;
}

bool Router::TryRetry(uint32_t reason) {
  if ((retry_on_ & reason) == 0) return false;
  auto& stats = cluster_->stats();
  if (!RequestUnsent() || !stream_.request_out.end) {
    stream_.http_stats.rq_retry_skipped_request_not_complete.Inc();
    return false;
  }
  if (retries_left_ == 0) {
    stats.upstream_rq_retry_limit_exceeded.Inc();
    stream_.info.flags |= filter::kUpstreamRetryLimitExceeded;
    return false;
  }
  if (!retry_counted_ && !cluster_->TryAcquireRetry()) {
    stats.upstream_rq_retry_overflow.Inc();
    return false;
  }
  retry_counted_ = true;
  --retries_left_;
  stats.upstream_rq_retry.Inc();
  FinishAttempt(0);
  // Jittered exponential back-off, as Envoy documents it: random in [0, base * 2^n - 1].
  const base::Nanos base_ns =
      forward_->retry ? forward_->retry->back_off_base : 25 * base::kMillisecond;
  const base::Nanos most =
      forward_->retry ? forward_->retry->back_off_max : 250 * base::kMillisecond;
  const uint32_t n = std::min(stream_.info.attempts, 16u);
  const base::Nanos ceiling = std::min(base_ns * ((base::Nanos{1} << n) - 1), most);
  const base::Nanos delay = static_cast<base::Nanos>(stream_.environment.loop.random().Below(
      static_cast<uint64_t>(std::max<base::Nanos>(ceiling, 1))));
  waiting_to_retry_ = true;
  back_off_over_ = false;
  try_timer_.emplace(stream_.environment.loop.timers(), [this] {
    back_off_over_ = true;
    stream_.Wake(*this);
  });
  try_timer_->ArmIn(delay);
  return true;
}

void Router::OnResponseHead() {
  const uint32_t reason = retry_on_ == 0 ? 0 : RetryReason(stream_.response);
  if (reason != 0 && TryRetry(reason)) return;
  DeliverHead();
}

void Router::DeliverHead() {
  response_started_ = true;
  filter::StreamInfo& info = stream_.info;
  const base::MonoTime now = stream_.environment.loop.now();
  info.first_upstream_rx = now;
  info.details = "via_upstream";
  http::ResponseHead& head = stream_.response;
  info.response_code = head.status;  // For %RESPONSE_CODE% in what is added below.
  if (retry_counted_ && (retry_on_ & RetryReason(head)) == 0) {
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

void Router::DeliverBody() {
  if (attempt_ == nullptr) return;
  if (!attempt_->body.empty()) {
    if (stream_.response_in.body.size() >= stream_.body_limit(filter::Direction::kResponse)) {
      stream_.response_held_back = true;
      return;
    }
    stream_.response_in.body.Append(std::move(attempt_->body));
    attempt_->BodyTaken();
  }
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
