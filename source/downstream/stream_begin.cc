// A stream's beginning: what is decided once its head is there: timers, headers, path, route,
// chain.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "source/base/overload.h"
#include "source/downstream/http_connection.h"
#include "source/downstream/listener.h"
#include "source/downstream/origin_rules.h"
#include "source/downstream/request_headers.h"
#include "source/downstream/stream.h"
#include "source/downstream/stream_carrier.h"
#include "source/filter/request_hash.h"
#include "source/filter/stream_duration.h"
#include "source/route/internal_redirect.h"
#include "source/tracing/worker_tracer.h"

namespace proxenos::downstream {
namespace {

// What of a stream's notes is the client's, when a request goes its way once more: the rest is of
// the way before.
filter::StreamInfo InfoOfRestart(filter::StreamInfo& before, event::EventLoop& loop) {
  filter::StreamInfo fresh;
  DescribeConnection(*before.connection, fresh);
  fresh.remote = before.remote;
  fresh.start = loop.now();
  fresh.start_wall = loop.wall_now();
  fresh.request_complete = before.request_complete;
  fresh.protocol = before.protocol;
  fresh.health_check = before.health_check;
  fresh.bytes_received = before.bytes_received;
  fresh.downstream_wire_bytes_received = before.downstream_wire_bytes_received;
  fresh.request_header_bytes = before.request_header_bytes;
  fresh.filter_chain_name = before.filter_chain_name;
  fresh.state = std::move(before.state);
  fresh.trace = before.trace;
  return fresh;
}

// early_header_mutation_extensions
void ChangeEarly(const OriginRules& rules, filter::StreamContext& stream) {
  route::Apply(rules.early_changes, stream.request.headers, [&rules, &stream](uint32_t format) {
    std::string text;
    rules.formats[format].Format(
        access_log::FormatInput{&stream.info, &stream.request, nullptr, nullptr, {}}, text);
    return stream.arena.Copy(text);
  });
}

// The policy by which the router has followed a redirect; null: the request goes its way once more
// for another reason.
const route::InternalRedirectPolicy* FollowedPolicy(const filter::StreamContext& stream) {
  const bool followed = stream.info.details == "internal_redirect" && stream.route != nullptr &&
                        stream.route->forward() != nullptr;
  return followed ? stream.route->forward()->internal_redirects.get() : nullptr;
}

// The request is at the beginning of its way, and there is no response.
void SetBack(filter::StreamContext& stream) {
  stream.request_in = filter::Parts();
  stream.request_in.head = stream.request_in.end = true;
  stream.request_in.body = std::move(stream.internal_redirects->body);
  stream.request_out = filter::Parts();
  stream.response_in = filter::Parts();
  stream.response_out = filter::Parts();
  http::ResponseHead& response = stream.response;
  response.headers.Clear();
  response.status = 0;
  response.reason = response.upgrade = absl::string_view();
  response.framing = http::Framing();
  response.spellings = nullptr;
  stream.response_head_bytes = buffer::Slice();
  stream.response_trailer_bytes = buffer::Slice();
  stream.response_held_back = false;
  stream.route = nullptr;
}

}  // namespace

void Stream::BeginWithoutFilters() {
  static const filter::FilterFactories* const none = new filter::FilterFactories;
  if (!chain_) chain_.emplace(*none, *this);
}

void Stream::Begin() {
  needs_begin_ = false;
  if (internal_redirects != nullptr) {
    // The request follows a redirect: it goes the whole way again, of which the access log gets a
    // line for each time.
    Log(access_log::LogType::kDownstreamEnd);
    const route::InternalRedirectPolicy* const policy = FollowedPolicy(*this);
    chain_->Complete();
    chain_.reset();
    info = InfoOfRestart(info, environment.loop);
    SetBack(*this);
    resume_[0] = resume_[1] = false;
    body_limit_[0] = body_limit_[1] = base::limits::kStreamBufferBytes;
    afresh_ = {};
    if (notes_ != nullptr) {
      notes_.reset();
      OpenNotes();
    }
    random = environment.loop.random().Next();
    duration_deadline_ = base::kNever;
    ArmTimers();
    if (!NormalizeRequest()) return BeginWithoutFilters();
    ChooseRoute();
    // The router has looked at the route of what the host wrote: in its canonical form a path, or a
    // host, may be that of another.
    if (policy != nullptr && route != nullptr && !policy->Lists(route->name)) {
      Reply(502, "", "internal_redirect_to_unlisted_route", 0);
      return BeginWithoutFilters();
    }
    chain_.emplace(*filters_->factories, *this);
    return;
  }
  const HttpConfig& config = connection_.config();
  DescribeConnection(connection_.info(), info);
  info.remote = connection_.info().remote();
  if (config.asks_notes) OpenNotes();
  info.protocol = request.version;
  info.filter_chain_name = connection_.service().chain().name;
  random = environment.loop.random().Next();
  carrier_.OnBegin();
  ArmTimers();
  if (request.expects_continue && !request_complete_ && request_in.body.empty()) TellToGoOn();
  if (const base::Overload* overload = environment.overload;
      overload != nullptr && RefusedBy(*overload)) {
    return BeginWithoutFilters();
  }
  wants_upstream_local = config.logs_upstream_local;
  if (!NormalizeRequest() || !TakeOrigin()) return BeginWithoutFilters();
  ChooseRoute();
  if (config.tracing != nullptr) BeginTrace();
  if (tunnel_ && !AllowTunnel()) {
    BeginWithoutFilters();
    return RefuseUpgrade();
  }
  if (tunnel_) {
    http_stats.downstream_cx_upgrades_total.Inc();
    http_stats.downstream_cx_upgrades_active.Inc();
    upgrade_counted_ = true;
  }
  if (config.origin != nullptr && config.origin->logs_new_requests) {
    Log(access_log::LogType::kDownstreamStart);
  }
  chain_.emplace(*filters_->factories, *this);
}

// The client waits for leave to send its body.
void Stream::TellToGoOn() {
  if (connection_.config().proxy_100_continue) {
    request.headers.AddView(http::HeaderId::kExpect, http::HeaderName(http::HeaderId::kExpect),
                            "100-continue");
    return;  // What the origin answers comes back as any interim response does.
  }
  http::ResponseHead leave(arena);
  leave.status = 100;
  SendInformational(leave);
}

bool Stream::TakeOrigin() {
  const HttpConfig& config = connection_.config();
  RequestOrigin origin{connection_.info()};
  origin.tls = origin.connection.tls != nullptr;
  origin.node = environment.node;
  std::optional<DetectedAddress> detected;  // Made where a detector is asked alone.
  if (config.origin != nullptr) {
    ChangeEarly(*config.origin, *this);
    scheme_of_upstream = config.origin->scheme_of_upstream;
    if (!config.origin->detectors.empty()) {
      detected =
          DetectAddress(config.origin->detectors, origin.connection.remote(), request.headers);
      origin.detected = &*detected;
      if (detected->reject_status != 0) {
        Reply(detected->reject_status, "", "rejecting_because_detection_failed", 0);
        return false;
      }
    }
  }
  if (config.generate_request_id) {
    origin.random[0] = environment.loop.random().Next();
    origin.random[1] = environment.loop.random().Next();
  }
  info.remote = MutateRequestHeaders(config, origin, request);
  internal = config.origin != nullptr && config.origin->internal &&
             request.headers.Has(http::HeaderId::kXEnvoyInternal);
  return true;
}

void Stream::RefuseUpgrade() {
  tunnel_ = false;
  carrier_.RefuseTunnel();
  request.keep_alive = false;
  http_stats.downstream_rq_ws_on_non_ws_route.Inc();
  Reply(403, "", "upgrade_failed", 0);
}

bool Stream::RefusedBy(const base::Overload& overload) {
  if (overload.end_connections.Hits(environment.loop.random())) {
    connection_.service().overload_stats().downstream_cx_overload_disable_keepalive.Inc();
    connection_.Drain(/*now=*/false);
  }
  if (!overload.refuse_requests.Hits(environment.loop.random()) &&
      !overload.request_head.Sheds(environment.loop.random())) {
    return false;
  }
  connection_.service().overload_stats().downstream_rq_overload_close.Inc();
  if (tunnel_) {
    tunnel_ = false;
    carrier_.RefuseTunnel();
    request.keep_alive = false;
  }
  Reply(503, "envoy overloaded", "overload", filter::kOverload);
  const OriginRules* rules = connection_.config().origin.get();
  if (rules != nullptr && rules->append_local_overload) {
    response.headers.AddView(http::HeaderId::kXEnvoyLocalOverloaded,
                             http::HeaderName(http::HeaderId::kXEnvoyLocalOverloaded), "true");
  }
  return true;
}

bool Stream::NormalizeRequest() {
  const HttpConfig& config = connection_.config();
  if (request.authority.empty()) {  // HTTP/1.0 may leave it out; no origin could be told which.
    Reply(400, "", "missing_host_header", 0);
    return false;
  }
  if (config.strip_port == HttpConfig::StripPort::kAny) {
    request.authority = http::StripPort(request.authority);
  } else if (config.strip_port == HttpConfig::StripPort::kMatching) {
    request.authority = http::StripPort(request.authority, connection_.info().local.port());
  }
  if (config.strip_trailing_dot) {
    request.authority = http::StripTrailingDot(request.authority, arena);
  }
  const http::PathResult result = http::NormalizePath(request.path, config.path, arena);
  switch (result.verdict) {
    case http::PathVerdict::kKeep:
      return true;
    case http::PathVerdict::kChanged:
      request.path = result.path;
      return true;
    case http::PathVerdict::kReject:
      http_stats.downstream_rq_failed_path_normalization.Inc();
      Reply(400, "", "path_normalization_failed", 0);
      return false;
    case http::PathVerdict::kRedirect:
      http_stats.downstream_rq_redirected_with_normalized_path.Inc();
      Reply(307, "", "path_normalization_failed", 0);
      response.headers.Add(http::HeaderId::kLocation, result.path);
      return false;
  }
  return true;
}

void Stream::ChooseRoute() {
  // After an internal redirect the table stays: fields of the request may lie in it.
  if (internal_redirects == nullptr) {
    base::Held<RouteSnapshot> newest = connection_.service().RoutesFor(request);
    if (!newest) return;
    snapshot_ = std::move(newest);
    routes = (*snapshot_)->table.get();
    if ((*snapshot_)->asks_notes) OpenNotes();
  }
  if (!internal) {
    for (const std::string& name : routes->internal_only_headers()) request.headers.Remove(name);
  }
  if (!MatchRoute() || route->forward() == nullptr) return;
  if (const auto duration = filter::StreamDuration(*route->forward(), IsGrpcCall(), request)) {
    duration_deadline_ = *duration == 0 ? base::kNever : environment.loop.now() + *duration;
  }
  timer_.ArmAt(NextDeadline());
}

void Stream::OpenNotes() {
  if (notes_ != nullptr) return;  // An attempt may be writing into them.
  notes_ = std::make_unique<filter::LogNotes>();
  info.notes = notes_.get();
  notes_->request_head = environment.loop.now();
  if (request.version == http::Version::kHttp2) {
    notes_->request_fields = upstream::FieldBytes(request);
  }
}

void Stream::BeginTrace() {
  trace_ = connection_.service().tracer()->Begin(*this);
  trace = trace_.get();
}

bool Stream::MatchRoute() {
  if (drawn_ != 0) random = std::exchange(drawn_, 0);
  if (notes_ == nullptr) {
    route = routes->Match(match_input());
  } else {
    const base::MonoTime begin = environment.loop.ReadClock();
    route = routes->Match(match_input());
    notes_->route_resolution_time += environment.loop.ReadClock() - begin;
    ++notes_->route_resolutions;
    notes_->route_metadata = route == nullptr ? nullptr : route->metadata.get();
  }
  info.route_name = route == nullptr ? absl::string_view() : absl::string_view(route->name);
  if (route == nullptr) return false;
  info.virtual_host_name = route->virtual_host->name;
  const route::Forward* forward = route->forward();
  if (forward != nullptr && forward->weighted_by_hash) DrawByHash(*forward);
  if (forward != nullptr && forward->idle_timeout) {
    idle_timeout_ = *forward->idle_timeout;
    connection_.Touch();
    idle_since_ = environment.loop.now();
  }
  return true;
}

// Every request of that hash gets the same of weighted clusters. A cookie that it lacks is the
// router's to give, once it asks for the hash again.
void Stream::DrawByHash(const route::Forward& forward) {
  const std::optional<uint64_t> hash =
      filter::RequestHash(*this, forward.hash_policies, [](std::string) {});
  if (hash.has_value()) drawn_ = std::exchange(random, *hash);
}

// In the same table, which the stream pins. A grpc-timeout was taken into account when the request
// came; its limits are those of the route that it had then.
void Stream::Reroute() {
  if (routes == nullptr || request_out.head) return;
  MatchRoute();
  timer_.ArmAt(NextDeadline());
}

// Nothing of the request has gone past the filter that asks, so that all that follows from the
// route can be decided once more. The table before stays pinned: filters that were made with it go
// on.
void Stream::TakeNewestRoutes(const Afresh& wanted) {
  if (!replied_ && !response_sent_ && !request_out.head && !former_) {
    former_ = snapshot_;
    route = nullptr;
    ChooseRoute();
    if (tunnel_ && !AllowTunnel()) return RefuseUpgrade();
    chain_->RemakeBehind(*wanted.filter, *wanted.factory, *filters_->factories);
  }
  Wake(*wanted.filter);
}

bool Stream::AllowTunnel() {
  const std::string type =
      request.method == http::Method::kConnect ? "connect" : absl::AsciiStrToLower(request.upgrade);
  if (route != nullptr && route->forward() != nullptr) {
    for (const route::UpgradeRule& rule : route->forward()->upgrades) {
      if (rule.type == type) return rule.enabled;
    }
  }
  const auto& allowed = connection_.config().upgrades;
  return std::find(allowed.begin(), allowed.end(), type) != allowed.end();
}

void Stream::ArmTimers() {
  const HttpConfig& config = connection_.config();
  const base::MonoTime now = environment.loop.now();
  idle_timeout_ = config.stream_idle_timeout;
  idle_since_ = now;
  if (config.request_timeout != 0 && !request_complete_) {
    request_deadline_ = now + config.request_timeout;
  }
  if (config.max_stream_duration != 0) duration_deadline_ = now + config.max_stream_duration;
  if (config.origin != nullptr && config.origin->log_interval != 0) {
    log_deadline_ = now + config.origin->log_interval;
  }
  const base::MonoTime first = NextDeadline();
  if (first != base::kNever) timer_.ArmAt(first);
}

}  // namespace proxenos::downstream
