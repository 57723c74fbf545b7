// What comes of an attempt, on its way to the client.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "source/filter/log_notes.h"
#include "source/filters/http/router/attempt_filters.h"
#include "source/filters/http/router/header_changes.h"
#include "source/filters/http/router/headers.h"
#include "source/filters/http/router/router.h"
#include "source/filters/http/router/upstream_failure.h"
#include "source/filters/http/router/upstream_logs.h"
#include "source/rpc/orca_headers.h"
#include "source/rpc/status.h"
#include "source/upstream/orca_sink.h"

namespace proxenos::filters::router {

using http::HeaderId;

namespace {

// RFC 9110, 7.8: a host switches to nothing but what it was asked for. (Its word may leave out the
// protocol's version.)
bool SwitchesAsAsked(const http::RequestHead& request, const http::ResponseHead& response) {
  const auto name = [](absl::string_view protocol) {
    return protocol.substr(0, protocol.find('/'));
  };
  return response.status != 101 ||
         absl::EqualsIgnoreCase(name(request.upgrade), name(response.upgrade));
}

// RFC 8441, 5: to an HTTP/2 client any 2xx says that its protocol is spoken from here on. That of
// an HTTP/1.1 origin which ignored the upgrade does not.
bool FeignsAnUpgrade(const http::RequestHead& request, const http::ResponseHead& response) {
  return request.version == http::Version::kHttp2 && !request.upgrade.empty() &&
         response.status / 100 == 2;
}

// Why a response is not what the request can be answered with; empty: it is.
absl::string_view Unfitness(const http::RequestHead& request, http::ResponseHead& response,
                            const WebSocketBridge& websocket) {
  if (!SwitchesAsAsked(request, response)) return "upgraded_to_another_protocol";
  if (FeignsAnUpgrade(request, response)) return "upgrade_ignored";
  return websocket.Finish(request, response) ? "" : "websocket_key_not_answered";
}

}  // namespace

// What a response says of its host: outlier detection judges gRPC by the status that a head alone
// may have.
void Router::JudgeHost() {
  const http::HeaderMap& headers = stream_.response.headers;
  const std::optional<rpc::Status> grpc =
      stream_.IsGrpcCall() ? rpc::StatusIn(headers) : std::nullopt;
  cluster_->CountResponse(*attempt_->host,
                          grpc.has_value() ? rpc::HttpStatusOf(*grpc) : stream_.response.status);
  if (headers.Has(HeaderId::kXEnvoyImmediateHealthCheckFail)) {
    cluster_->CountImmediateFailure(*attempt_->host);
  }
  if (headers.Has(HeaderId::kXEnvoyDegraded)) cluster_->CountDegraded(*attempt_->host);
  ReadLoadReport(headers);
}

void Router::ReadLoadReport(const http::HeaderMap& headers) {
  if (attempt_->load_report) return;
  upstream::OrcaSink* sink = cluster_->OrcaOf(*attempt_->host);
  if (sink == nullptr) return;
  const std::optional<upstream::OrcaReport> report = rpc::ReadOrcaReport(headers);
  if (!report.has_value()) return;
  attempt_->load_report = true;
  sink->Take(attempt_->host->id(), *report, stream_.environment.loop.now());
}

void Router::OnResponseHead() {
  TakeHead();
  if (attempt_->log != nullptr) attempt_->log->OnHead(stream_.response);
  if (cluster_->config().track_sizes) attempt_->sizes.response_head = SizeOf(stream_.response);
  JudgeHost();
  if (retry_.any()) {
    const uint32_t reasons = retry_.ReasonsOf(stream_.response);
    if (TryRetry(reasons)) return;
    if (hedged() && retry_.Wants(reasons)) return AbandonAttempt();  // Others may do better.
    AbandonHedges();
  }
  if (forward_->internal_redirects != nullptr && FollowRedirect()) return;
  const absl::string_view unfit = Unfitness(sent_head(), stream_.response, websocket_);
  if (!unfit.empty()) {
    const FailureWords words = WordsOf(upstream::ResetReason::kProtocolError);
    FinishAttempt(0);
    FailUnanswered(words, ResetText(words.reason), unfit);
    return;
  }
  DeliverHead();
}

// As in Envoy: only with the whole request at hand. What can not be followed goes to the client.
bool Router::FollowRedirect() {
  const route::InternalRedirectPolicy& policy = *forward_->internal_redirects;
  const uint16_t status = stream_.response.status;
  if (part_ == nullptr || !policy.Covers(status)) return false;
  RedirectOutcome outcome = RedirectOutcome::kBadLocation;
  const bool can = stream_.request_out.end && sent_body_.whole() &&
                   stream_.request.framing.kind != http::Framing::kTunnel &&
                   stream_.response.headers.Has(HeaderId::kLocation);
  if (can) {
    outcome = PrepareRedirect(policy, stream_);
    part_->redirects.CountReason(outcome);
  }
  const std::string& cluster = cluster_->config().name;
  if (outcome != RedirectOutcome::kFollow) {
    part_->redirects.CountFailed(cluster);
    return false;
  }
  part_->redirects.CountFollowed(cluster);
  sent_body_.PutBack(stream_.request_out.body);
  filter::InternalRedirects& redirects = *stream_.internal_redirects;
  redirects.pending = true;
  redirects.body = std::move(stream_.request_out.body);
  if (stream_.request.framing.kind == http::Framing::kNone) redirects.body.Clear();
  stream_.info.response_code = status;
  stream_.info.details = "internal_redirect";
  stream_.response_head_bytes = attempt_->head_bytes;  // The access log still reads it.
  FinishAttempt(status);
  ReleaseRequest();
  ForgetWaits();
  return true;
}

void Router::DeliverInformational() {
  for (; attempt_->informational != nullptr;
       attempt_->informational = attempt_->informational->next) {
    http::ResponseHead& head = attempt_->informational->head;
    StripInformational(pick_.weighted, stream_, head.headers);
    stream_.SendInformational(head);
  }
}

void Router::DeliverHead() {
  response_started_ = true;
  sent_body_.Drop();
  filter::StreamInfo& info = stream_.info;
  const base::MonoTime now = stream_.environment.loop.now();
  info.first_upstream_rx = now;
  info.details = "via_upstream";
  http::ResponseHead& head = stream_.response;
  info.response_code = head.status;  // For %RESPONSE_CODE% in what is added below.
  if (!config_.suppress_envoy_headers) {
    SetNumber(head.headers, HeaderId::kXEnvoyUpstreamServiceTime,
              static_cast<uint64_t>((now - attempt_->started) / base::kMillisecond));
  }
  if (stream_.route->virtual_host->include_attempt_count_in_response) {
    SetNumber(head.headers, HeaderId::kXEnvoyAttemptCount, info.attempts);
  }
  ChangeResponseHeaders(pick_.weighted, stream_);
  choice_.AddCookie(head.headers);
  stream_.response_head_bytes = attempt_->head_bytes;
  stream_.response_in.head = true;
  if (head.framing.kind == http::Framing::kTunnel) {
    timeout_.reset();
    attempt_->idle.reset();
  }
}

// Moves as much of the body on as there is room for: what is left holds its source back.
void Router::TakeBody() {
  buffer::Buffer& body =
      attempt_->filters == nullptr ? attempt_->body : attempt_->filters->response_out.body;
  if (body.empty()) return;
  if (filter::LogNotes* notes = stream_.info.notes) {
    if (notes->first_upstream_body == 0) {
      notes->first_upstream_body = stream_.environment.loop.now();
    }
  }
  const uint64_t held = stream_.response_in.body.size();
  const uint64_t limit = stream_.body_limit(filter::Direction::kResponse);
  if (held >= limit) {
    stream_.response_held_back = true;
    return;
  }
  const uint64_t taken = std::min(body.size(), limit - held);
  if (taken == body.size()) {
    stream_.response_in.body.Append(std::move(body));
  } else {
    stream_.response_in.body.AppendFrom(body, taken);
    stream_.response_held_back = true;
  }
  if (attempt_->filters != nullptr) {
    stream_.Wake(*this);  // There is room for more to come out of them.
    return;
  }
  attempt_->sizes.response_body += taken;
  attempt_->BodyTaken(taken);
}

void Router::CountBudget() {
  const base::MonoTime complete = stream_.info.request_complete;
  if (!cluster_->config().track_budgets || complete == 0) return;
  cluster_->tracked()->CountBudget({stream_.environment.loop.now() - complete, timeouts_.whole()});
}

void Router::DeliverBody() {
  if (attempt_ == nullptr) return;
  TakeBody();
  if (attempt_->end) {  // In time: how long filters and the client take is not the host's affair.
    timeout_.reset();
    attempt_->duration_timer.reset();
    attempt_->expired = false;
  }
  const AttemptFilters* const filters = attempt_->filters.get();
  const bool all = filters == nullptr
                       ? attempt_->end && attempt_->body.empty()
                       : filters->response_out.end && filters->response_out.body.empty();
  if (all) {
    if (attempt_->trailers != nullptr) ReadLoadReport(*attempt_->trailers);
    stream_.response_in.trailers =
        filters == nullptr ? attempt_->trailers : filters->CopyTrailers();
    stream_.response_in.end = true;
    stream_.response_trailer_bytes = std::move(attempt_->trailer_bytes);
    stream_.info.last_upstream_rx = stream_.environment.loop.now();
    timeout_.reset();
    CountBudget();
    FinishAttempt(stream_.response.status);
    ReleaseRequest();
  }
}

}  // namespace proxenos::filters::router
