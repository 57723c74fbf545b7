// From route to request.
#include "source/filters/http/router/router.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/limits.h"
#include "source/filters/http/router/attempt_filters.h"
#include "source/filters/http/router/attempt_notes.h"
#include "source/filters/http/router/connection_needs.h"
#include "source/filters/http/router/direct_answer.h"
#include "source/filters/http/router/header_changes.h"
#include "source/filters/http/router/headers.h"
#include "source/filters/http/router/hedging.h"
#include "source/filters/http/router/max_forwards.h"
#include "source/filters/http/router/strict_headers.h"
#include "source/filters/http/router/upstream_logs.h"
#include "source/stats/request_origin.h"
#include "source/tracing/stream_trace.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/client_stream.h"

namespace proxenos::filters::router {
namespace {

using filter::Verdict;
using http::HeaderId;
using upstream::Exchange;

// CONNECT (or POST) that ends here: upgrade_configs.connect_config.
bool EndsHere(const route::Forward& forward, const http::RequestHead& head) {
  if (head.method == http::Method::kConnect ? !head.upgrade.empty()
                                            : head.method != http::Method::kPost) {
    return false;
  }
  return std::any_of(forward.upgrades.begin(), forward.upgrades.end(),
                     [&head](const route::UpgradeRule& rule) {
                       return rule.type == "connect" && rule.enabled && rule.terminate_connect &&
                              (rule.allow_post || head.method == http::Method::kConnect);
                     });
}

// Of a response's body. What is read in one event leaves in one write: of a large body a quarter of
// a megabyte at once costs less than a slab at a time, and still stays in a core's cache.
constexpr uint64_t kReadAtOnce = base::limits::kMaxReadsPerEvent * base::limits::kSlabBytes;

// How much of a request's body is kept for another try.
uint64_t KeptBodyBytes(const route::Route& route) {
  const auto& of_host = route.virtual_host->request_body_limit;
  return route.request_body_limit.value_or(of_host.value_or(route::kKeptBodyBytes));
}

}  // namespace

Router::Attempt::Attempt(Router& owner, http::ResponseHead& head_storage)
    : Exchange(head_storage), router(owner) {
  // What the client has no room for stays in the kernel, where it holds the host back.
  // A client of HTTP/2 has many streams, each of which it may leave unread.
  const bool alone = owner.stream_.request.version != http::Version::kHttp2;
  body_limit = std::min<uint64_t>(owner.cluster_->write_limit(),
                                  alone ? kReadAtOnce : base::limits::kStreamBufferBytes);
}

Router::Attempt::~Attempt() = default;

void Router::Attempt::OnProgress() {
  if (idle != nullptr) idle->Restart();
  router.stream_.Wake(router);
}

Router::IdleWait::IdleWait(Router& router, base::Nanos after)
    : timer(router.stream_.environment.loop.timers(),
            [this, &router] {
              over = true;
              router.stream_.Wake(router);
            }),
      limit(after) {}

Router::Router(const RouterConfig& config, filter::StreamContext& stream, RouterPart* part)
    : config_(config), stream_(stream), part_(part) {}

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
    Forward();
  } else {
    AnswerDirectly(*route, stream_);
  }
  return Verdict::kContinue;
}

void Router::Forward() {
  if (AnswerLastForward(stream_)) return;
  const route::Route& route = *stream_.route;
  forward_ = route.forward();
  http::RequestHead& head = stream_.request;
  pick_ = route::PickCluster(route, stream_.match_input());
  cluster_ = stream_.environment.clusters.Find(pick_.name);
  if (!cluster_) {
    stream_.http_stats.no_cluster.Inc();
    stream_.Reply(forward_->cluster_not_found_status, "", "cluster_not_found",
                  filter::kNoClusterFound);
    return;
  }
  stream_.info.upstream_cluster = cluster_->config().name;
  stream_.info.upstream_stat_name = cluster_->config().stat_name();
  stream_.info.cluster_metadata = &*cluster_->config().metadata;
  stream_.info.virtual_cluster_name =
      counts_.Begin(part_ == nullptr ? nullptr : &part_->route_counts, route, head);
  if (!config_.strict_headers.empty() && RefuseStrictly()) return;
  if (InMaintenance() || (cluster_->hosts().drop_overload() != nullptr && DropForOverload())) {
    return;
  }
  if (stream_.environment.overload != nullptr && ShedsLoad()) return;
  pipe_ = EndsHere(*forward_, head);
  retry_.Begin(*forward_, head);
  // Filters take of the body before the host is sent any.
  if (retry_.any() || !forward_->mirrors.empty() || forward_->internal_redirects != nullptr ||
      cluster_->config().upstream_filters != nullptr || config_.upstream_filters != nullptr) {
    sent_body_.Limit(KeptBodyBytes(route));
  }
  timeouts_.Read(*forward_, stream_.IsGrpcCall(), retry_.per_try_timeout(),
                 config_.respect_expected_timeout, head.headers);
  if (retry_.hedges()) timeouts_.Hedge();
  timeouts_.Announce(0, !config_.suppress_envoy_headers, head.headers);
  late_is_no_content_ = head.headers.Remove(HeaderId::kXEnvoyUpstreamRqTimeoutAltResponse) > 0;
  head.headers.Remove(HeaderId::kXEnvoyUpstreamAltStatName);
  if (route.virtual_host->include_request_attempt_count) {
    SetNumber(head.headers, HeaderId::kXEnvoyAttemptCount, 1);
  }
  ChangeRequest(pick_, !config_.suppress_envoy_headers, stream_);
  if (!cluster_->TryAcquireRequest(priority())) {
    cluster_->stats().upstream_rq_pending_overflow.Inc();
    stream_.info.attempts = 1;  // Logs tell of a try that came this far.
    FailOverloaded();
    return;
  }
  request_counted_ = true;
  if (request_complete()) OnRequestComplete();
  StartAttempt();
}

void Router::Arm(std::optional<event::Timer>& timer, base::Nanos after, bool& fired) {
  timer.emplace(stream_.environment.loop.timers(), [this, &fired] {
    fired = true;
    stream_.Wake(*this);
  });
  timer->ArmIn(after);
}

// As in Envoy, a CONNECT is none of these: it may take as long as the connection to its target.
bool Router::request_complete() const {
  const http::RequestHead& head = stream_.request;
  return stream_.request_out.end ||
         (head.framing.kind == http::Framing::kTunnel && !head.upgrade.empty());
}

void Router::OnRequestComplete() {
  // A tunnel lasts as long as it likes.
  if (response_started_ && stream_.response.framing.kind == http::Framing::kTunnel) return;
  // As in Envoy, the times run from the end of the request, or of a try from its beginning if that
  // is later.
  if (timeouts_.whole() != 0 && !timeout_ && AwaitsHost()) {
    Arm(timeout_, timeouts_.whole(), timed_out_);
  }
  if (attempt_ == nullptr || !attempt_->head_sent) return;
  const base::Nanos idle = retry_.per_try_idle_timeout();
  // As in Envoy, one that is no shorter than that of a try does not count.
  const bool counts = idle != 0 && (timeouts_.per_try() == 0 || idle < timeouts_.per_try());
  if (counts && attempt_->idle == nullptr) {
    attempt_->idle = std::make_unique<IdleWait>(*this, idle);
    attempt_->idle->Restart();
  }
  if (timeouts_.per_try() == 0 || attempt_->response_timer || response_started_) return;
  Arm(attempt_->response_timer, timeouts_.per_try(), attempt_->timed_out);
}

void Router::StartAttempt() {
  attempt_ = std::make_unique<Attempt>(*this, NextHead());
  const base::MonoTime now = stream_.environment.loop.now();
  attempt_->started = now;
  if (config_.upstream_logs != nullptr) {
    attempt_->log = std::make_unique<AttemptLog>(*config_.upstream_logs, *attempt_, stream_);
  }
  if (++stream_.info.attempts > 1) {
    http::HeaderMap& headers = stream_.request.headers;
    if (stream_.route->virtual_host->include_request_attempt_count) {
      SetNumber(headers, HeaderId::kXEnvoyAttemptCount, stream_.info.attempts);
    }
    if (stream_.route->virtual_host->include_is_timeout_retry) {
      headers.Set("x-envoy-is-timeout-retry", late_ ? "true" : "false");
    }
    const base::MonoTime complete = stream_.info.request_complete;
    timeouts_.Announce(complete == 0 ? 0 : now - complete, !config_.suppress_envoy_headers,
                       headers);
  }
  if (stream_.trace != nullptr) stream_.trace->BeginAttempt(config_.start_child_span);
  sent_body_.PutBack(stream_.request_out.body);
  upstream::ConnectionNeeds needs;
  if (pipe_ || forward_->high_priority || cluster_->connections_vary()) {
    needs = NeedsOf(stream_, cluster_->config());
    needs.raw = pipe_;
    needs.priority = priority();
    attempt_->needs = &needs;
  }
  const upstream::PickRequest pick = choice_.Next(stream_, *forward_, pick_, cluster_->config());
  attempt_->pick = &pick;
  attempt_->wants_fresh = wants_fresh_;
  if (stream_.info.notes != nullptr) attempt_->notes = &stream_.info.notes->upstream;
  cluster_->Acquire(*attempt_);
  HostChoice::Announce(*attempt_, cluster_->config(), stream_.info);
  attempt_->needs = nullptr;
  attempt_->pick = nullptr;
  if (attempt_->state == Exchange::State::kFailed) {
    stream_.Wake(*this);  // Handled in OnWake like a failure that comes later.
    return;
  }
  const bool connected = attempt_->state == Exchange::State::kActive;
  if (cluster_->config().upstream_filters != nullptr || config_.upstream_filters != nullptr) {
    MakeFilters();
  }
  if (connected) {
    SendHead();
  } else if (attempt_->filters != nullptr) {
    SendMore();  // As far as the filters: the connection comes meanwhile.
  }
}

void Router::SendHead() {
  attempt_->head_sent = true;
  filter::StreamInfo& info = stream_.info;
  upstream::ClientStream& stream = *attempt_->stream.get();
  upstream::ClientConnection& connection = stream.connection();
  info.upstream_remote = attempt_->host->address();
  info.upstream_host_name = attempt_->host->hostname();
  info.upstream_metadata = &*attempt_->host->identity().metadata;
  host_ = attempt_->host;
  info.upstream_connection_id = connection.id();
  info.upstream_protocol = connection.version();
  info.upstream_tls = connection.tls_session();
  if (info.notes != nullptr) {
    NoteAttempt(*attempt_, &connection, attempt_->started, stream_.environment.loop.now(),
                *info.notes);
  }
  if (stream_.wants_upstream_local) info.upstream_local = connection.local_address();
  const net::Address* raced = connection.raced_address();
  // Of an IP address, which owns nothing; the connection may end before the stream is logged.
  info.upstream_peer = raced == nullptr ? nullptr
                                        : new (stream_.arena.Allocate(sizeof(net::Address)))
                                              net::Address(*raced);
  if (attempt_->log != nullptr) attempt_->log->OnConnected();
  if (info.first_upstream_tx == 0) info.first_upstream_tx = stream_.environment.loop.now();
  cluster_->stats().upstream_rq_total.Inc();
  counts_.Inc(&stats::RouteStats::upstream_rq_total);
  cluster_->stats().upstream_rq_active.Inc();
  cluster_->CountConnected(*host_);
  if (cluster_->tracked() != nullptr) cluster_->tracked()->CountRequest(*host_);
  if (attempt_->filters == nullptr) {
    AddressHost();
    SuitConnection(stream_.request, connection);
    if (pipe_) return OpenPipe();
    SendHeadOver(stream, stream_.request, stream_.request_out);
  }
  if (cluster_->config().max_stream_duration != 0) {
    Arm(attempt_->duration_timer, cluster_->config().max_stream_duration, attempt_->expired);
  }
  SendMore();
}

void Router::AddressHost() {
  const upstream::Host& host = *attempt_->host;
  if (forward_->host_rewrite == route::Forward::HostRewrite::kAuto && !host.hostname().empty()) {
    ChangeAuthority(host.hostname(), !config_.suppress_envoy_headers, stream_);
  }
  if (stream_.trace != nullptr) stream_.trace->Inject(stream_.request);
}

void Router::SuitConnection(http::RequestHead& head, const upstream::ClientConnection& connection) {
  if (!head.upgrade.empty()) {
    websocket_.Prepare(head, connection.version(), stream_.environment.loop.random());
  }
  if (stream_.scheme_of_upstream) head.scheme = stream_.info.upstream_tls ? "https" : "http";
}

void Router::SendHeadOver(upstream::ClientStream& stream, const http::RequestHead& head,
                          const filter::Parts& out) {
  if (cluster_->config().track_sizes) attempt_->sizes.request_head = SizeOf(head);
  stream.SendHead(head, out.end && out.body.empty() && out.trailers == nullptr);
}

void Router::OpenPipe() {
  http::ResponseHead& head = attempt_->response;
  head.status = 200;
  head.framing = http::Framing{stream_.request.framing.kind == http::Framing::kTunnel
                                   ? http::Framing::kTunnel
                                   : http::Framing::kUntilClose,
                               0};
  attempt_->head = true;
  stream_.Wake(*this);
}

Verdict Router::OnRequestBody(buffer::Buffer& body, bool) {
  if (config_.rejects_early_data && stream_.request.method == http::Method::kConnect &&
      !response_started_ && !body.empty()) {
    stream_.Reply(400, "", "early_connect_data", 0);
    return Verdict::kReplied;
  }
  SendMore();
  return Verdict::kContinue;
}

Verdict Router::OnRequestTrailers(http::HeaderMap&) {
  SendMore();
  return Verdict::kContinue;
}

void Router::SendMore() {
  filter::Parts& out = stream_.request_out;
  if (request_complete()) OnRequestComplete();
  // A host that answered before the end of the request wants no more of it.
  if (response_started_ && (attempt_ == nullptr || attempt_->state == Exchange::State::kDone)) {
    out.body.Clear();
  }
  if (attempt_ != nullptr && attempt_->filters != nullptr) return SendThroughFilters();
  if (attempt_ == nullptr || !attempt_->head_sent || !MaySendBody()) return;
  upstream::ClientStream* stream = attempt_->stream.get();
  if (stream == nullptr) return;
  if (out.body.empty() && !out.end) return;
  if (!FitsLength(stream_.request.framing, out)) return RefuseLength();
  const uint64_t before = out.body.size();
  const bool all = sent_body_.Pass(out.body, [stream, &out](buffer::Buffer& body) {
    return stream->SendBody(body, out.end, out.trailers);
  });
  attempt_->sizes.request_body += before - out.body.size();
  if (sent_body_.TakeAbandoned()) cluster_->stats().retry_or_shadow_abandoned.Inc();
  if (all && out.end) SendMirrors();
  if (all && out.end) stream_.info.last_upstream_tx = stream_.environment.loop.now();
}

// Once, with the request complete. A body of which not all was kept is not copied at all.
void Router::SendMirrors() {
  if (forward_->mirrors.empty() || part_ == nullptr || pipe_ || !sent_body_.whole()) return;
  if (stream_.request.framing.kind == http::Framing::kTunnel) return;
  if (std::exchange(mirrored_, true)) return;
  part_->mirrors.Send(*forward_, stream_, sent_body_.kept(), timeouts_.whole());
}

// A host that does not take the upgrade would read a tunnel's bytes as further requests: they wait
// until it has agreed (RFC 9110, section 7.8).
bool Router::MaySendBody() const {
  return stream_.request.framing.kind != http::Framing::kTunnel ||
         (response_started_ && stream_.response.framing.kind == http::Framing::kTunnel);
}

void Router::OnLocalReply() {
  AbandonHedges();
  FinishAttempt(0);
  ReleaseRequest();
  ForgetWaits();
}

// What fired already, but has not been acted on, must not be.
void Router::ForgetWaits() {
  timeout_.reset();
  back_off_.reset();
  timed_out_ = back_off_over_ = waiting_to_retry_ = false;
}

void Router::OnComplete() {
  AbandonHedges();
  AbandonAttempt();
  ReleaseRequest();
}

void Router::AbandonAttempt() {
  if (attempt_ == nullptr) return;
  if (attempt_->state == Exchange::State::kActive) {
    if (attempt_->head_sent) cluster_->stats().upstream_rq_tx_reset.Inc();
  } else if (attempt_->state == Exchange::State::kPending) {
    cluster_->stats().upstream_rq_cancelled.Inc();
  }
  FinishAttempt(0);
}

void Router::ReleaseRequest() {
  if (request_counted_) cluster_->ReleaseRequest(priority());
  if (retry_counted_) cluster_->ReleaseRetry(priority());
  request_counted_ = retry_counted_ = false;
}

// The attempt is over; `status` is what it answered, 0 when nothing.
void Router::FinishAttempt(uint16_t status) {
  if (attempt_ == nullptr) return;
  // Of one that was set aside it ended then.
  if (stream_.trace != nullptr && !attempt_->retried) stream_.trace->EndAttempt(status);
  auto& stats = cluster_->stats();
  if (attempt_->head_sent) stats.upstream_rq_active.Dec();
  if (attempt_->head_sent && cluster_->tracked() != nullptr) {
    cluster_->tracked()->CountRequestEnd(*attempt_->host);
    cluster_->tracked()->CountSizes(attempt_->sizes);
    if (!attempt_->budget_told) {
      cluster_->tracked()->CountTryBudget(
          {stream_.environment.loop.now() - attempt_->started, timeouts_.per_try()});
    }
  }
  if (attempt_->log != nullptr) attempt_->log->OnEnd();
  if (status != 0) {
    CountStatus(status);
    const base::Nanos taken = stream_.environment.loop.now() - attempt_->started;
    const auto taken_ms = static_cast<uint64_t>(taken / base::kMillisecond);
    stats.upstream_rq_time.Record(taken_ms);
    counts_.RecordTime(taken_ms);
  }
  stream_.info.upstream_wire_bytes_received += attempt_->wire_bytes_received;
  stream_.info.upstream_wire_bytes_sent += attempt_->wire_bytes_sent;
  attempt_.reset();
}

bool Router::RefuseStrictly() {
  const auto fault = FindStrictFault(config_.strict_headers, stream_.request.headers);
  if (!fault.has_value()) return false;
  buffer::Arena& arena = stream_.arena;
  stream_.Reply(400,
                arena.Copy(absl::StrCat("invalid header '", fault->name, "' with value '",
                                        fault->value, "'")),
                arena.Copy(absl::StrCat("request_headers_failed_strict_check{", fault->name, "}")),
                filter::kInvalidEnvoyRequestHeaders);
  return true;
}

void Router::CountStatus(uint16_t status) {
  const bool hidden = config_.suppress_grpc_codes && stream_.IsGrpcCall();
  const uint32_t counted = hidden ? stats::ResponseCodes::kOther : status;
  const auto origin =
      stream_.internal ? stats::RequestOrigin::kInternal : stats::RequestOrigin::kExternal;
  cluster_->stats().upstream_rq.Inc(stats::StatusOf(origin, counted));
  counts_.CountStatus(counted);
}

void Router::OnWake() {
  if (std::exchange(timed_out_, false)) return OnTimeout();
  if (hedges_ != nullptr) WakeHedges();
  if (waiting_to_retry_) {
    if (!back_off_over_) return;
    waiting_to_retry_ = back_off_over_ = false;
    back_off_.reset();
    StartAttempt();
    return;
  }
  if (attempt_ == nullptr) return;
  if (attempt_->state == Exchange::State::kFailed) return OnFailure();
  if (attempt_->state == Exchange::State::kActive && !attempt_->head_sent) return SendHead();
  if (attempt_->informational != nullptr) DeliverInformational();
  if (attempt_->filters != nullptr && !ReceiveThroughFilters()) return;
  const bool head =
      attempt_->filters == nullptr ? attempt_->head : attempt_->filters->response_out.head;
  if (head && !response_started_) {
    OnResponseHead();
    if (attempt_ == nullptr || !response_started_) return;
  }
  if (response_started_) DeliverBody();
  if (attempt_ != nullptr) {
    if (attempt_->state == Exchange::State::kReset) return OnReset();
    const bool idle = attempt_->idle != nullptr && attempt_->idle->over;
    if ((attempt_->timed_out && !response_started_) ||
        (idle && attempt_->state == Exchange::State::kActive)) {
      return OnTryTimeout();
    }
    if (attempt_->expired) return OnExpired();
  }
  SendMore();
}

}  // namespace proxenos::filters::router
