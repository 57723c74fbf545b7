// The pump, and what surrounds it: decoding into the stream, routing, encoding out of it.
#include "source/downstream/stream.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/limits.h"
#include "source/downstream/http_connection.h"
#include "source/downstream/listener.h"
#include "source/downstream/request_headers.h"
#include "source/http1/encoder.h"

namespace proxenos::downstream {
namespace {

using filter::Direction;
using http::Framing;
using http1::DecodeResult;

const filter::FilterFactories& NoFilters() {
  static const filter::FilterFactories* const none = new filter::FilterFactories;
  return *none;
}

}  // namespace

Stream::Stream(HttpConnection& connection)
    : StreamContext(connection.listener().environment(), connection.listener().http_stats()),
      connection_(connection),
      decoder_(connection.listener().http().decoder, *this),
      timer_(connection.listener().loop().timers(), [this] { OnTimer(); }) {
  info.start = environment.loop.now();
  info.start_wall = environment.loop.wall_now();
}

Stream::~Stream() = default;

DecodeResult Stream::Receive(buffer::Slice& bytes) {
  info.downstream_wire_bytes_received += bytes.size();
  const DecodeResult result = decoder_.Decode(bytes);
  if (result == DecodeResult::kError) {
    const http::CodecError error = decoder_.error();
    http_stats.downstream_cx_protocol_error.Inc();
    const uint16_t status = http::StatusOf(error);
    if (status == 431 || status == 413) http_stats.downstream_rq_too_large.Inc();
    Refuse(status, http::ReasonPhrase(status), http::Detail(error),
           filter::kDownstreamProtocolError);
  }
  Run();
  return result;
}

bool Stream::OnPeerEnd() {
  if (decoder_.OnEof() != DecodeResult::kMessageComplete) return false;
  Run();
  return true;
}

void Stream::Refuse(uint16_t status, absl::string_view body, absl::string_view details,
                    uint32_t flags) {
  if (!chain_) chain_.emplace(NoFilters(), *this);
  needs_begin_ = false;
  if (!has_head_) {
    // The views of a head that is not complete point into bytes that nobody pins.
    request.method_text = request.path = request.authority = absl::string_view();
    request.scheme = request.upgrade = absl::string_view();
    request.headers.Clear();
  }
  if (info.connection == nullptr) connection_.CountRequest();
  info.connection = &connection_.info();
  has_head_ = true;
  request.keep_alive = false;
  Reply(status, body, details, flags);
}

http::RequestHead& Stream::OnMessageBegin() { return request; }

void Stream::OnHead(buffer::Slice head) {
  head_bytes_ = std::move(head);
  has_head_ = true;
  needs_begin_ = true;
  tunnel_ = request.framing.kind == Framing::kTunnel;
  info.request_header_bytes = head_bytes_.size();
  request_in.head = true;
}

void Stream::OnBody(buffer::Slice data) {
  info.bytes_received += data.size();
  request_in.body.Append(std::move(data));
}

http::HeaderMap& Stream::OnTrailersBegin() {
  request_in.trailers = new (arena.Allocate(sizeof(http::HeaderMap))) http::HeaderMap(arena);
  return *request_in.trailers;
}

void Stream::OnTrailers(buffer::Slice bytes) { trailer_bytes_ = std::move(bytes); }

void Stream::OnComplete() {
  request_complete_ = true;
  request_in.end = true;
  request_deadline_ = base::kNever;
  info.request_complete = environment.loop.now();
}

void Stream::Begin() {
  needs_begin_ = false;
  const HttpConfig& config = connection_.listener().http();
  info.connection = &connection_.info();
  info.protocol = request.version;
  random = environment.loop.random().Next();
  connection_.CountRequest();
  ArmTimers();
  if (request.expects_continue && !request_complete_ && request_in.body.empty()) {
    // The client waits for leave to send its body, and whatever the origin would say, we take it.
    connection_.out().Append(http1::kContinueResponse);
    connection_.WantFlush();
  }
  RequestOrigin origin{connection_.info()};
  if (config.generate_request_id) {
    origin.random[0] = environment.loop.random().Next();
    origin.random[1] = environment.loop.random().Next();
  }
  info.remote = MutateRequestHeaders(config, origin, request);
  wants_upstream_local = config.logs_upstream_local;
  if (!NormalizeRequest()) {
    chain_.emplace(NoFilters(), *this);
    return;
  }
  ChooseRoute();
  if (tunnel_ && !AllowTunnel()) {
    chain_.emplace(NoFilters(), *this);
    tunnel_ = false;
    decoder_.RefuseTunnel();
    request.keep_alive = false;
    http_stats.downstream_rq_ws_on_non_ws_route.Inc();
    Reply(403, "", "upgrade_failed", 0);
    return;
  }
  if (tunnel_) {
    http_stats.downstream_cx_upgrades_total.Inc();
    http_stats.downstream_cx_upgrades_active.Inc();
    upgrade_counted_ = true;
  }
  chain_.emplace(config.filters, *this);
}

bool Stream::NormalizeRequest() {
  const HttpConfig& config = connection_.listener().http();
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
  snapshot_ = connection_.listener().routes();
  if (!snapshot_) return;
  routes = (*snapshot_)->table.get();
  for (const std::string& name : routes->internal_only_headers()) request.headers.Remove(name);
  const route::MatchInput input{request, random, request.scheme == "https", false};
  route = routes->Match(input);
  if (route == nullptr) return;
  info.virtual_host_name = route->virtual_host->name;
  if (const route::VirtualCluster* cluster = route->virtual_host->FindVirtualCluster(request)) {
    info.virtual_cluster_name = cluster->name;
  }
  const route::Forward* forward = route->forward();
  if (forward == nullptr) return;
  if (forward->idle_timeout) {
    idle_timeout_ = *forward->idle_timeout;
    connection_.Touch();
    idle_deadline_ = idle_timeout_ == 0 ? base::kNever : environment.loop.now() + idle_timeout_;
  }
  if (forward->max_stream_duration) {
    duration_deadline_ = *forward->max_stream_duration == 0
                             ? base::kNever
                             : environment.loop.now() + *forward->max_stream_duration;
  }
  timer_.ArmAt(std::min({idle_deadline_, request_deadline_, duration_deadline_}));
}

bool Stream::AllowTunnel() {
  const std::string type =
      request.method == http::Method::kConnect ? "connect" : absl::AsciiStrToLower(request.upgrade);
  if (route != nullptr && route->forward() != nullptr) {
    for (const route::UpgradeRule& rule : route->forward()->upgrades) {
      if (rule.type == type) return rule.enabled;
    }
  }
  const auto& allowed = connection_.listener().http().upgrades;
  return std::find(allowed.begin(), allowed.end(), type) != allowed.end();
}

void Stream::ArmTimers() {
  const HttpConfig& config = connection_.listener().http();
  const base::MonoTime now = environment.loop.now();
  idle_timeout_ = config.stream_idle_timeout;
  if (idle_timeout_ != 0) idle_deadline_ = now + idle_timeout_;
  if (config.request_timeout != 0 && !request_complete_) {
    request_deadline_ = now + config.request_timeout;
  }
  if (config.max_stream_duration != 0) duration_deadline_ = now + config.max_stream_duration;
  const base::MonoTime first = std::min({idle_deadline_, request_deadline_, duration_deadline_});
  if (first != base::kNever) timer_.ArmAt(first);
}

void Stream::OnTimer() {
  FireDeadline(environment.loop.now());
  const base::MonoTime next = std::min({idle_deadline_, request_deadline_, duration_deadline_});
  if (next != base::kNever) timer_.ArmAt(next);
  Run();  // At once: nothing may come between a local reply and its start.
}

void Stream::FireDeadline(base::MonoTime now) {
  if (request_deadline_ <= now) {
    http_stats.downstream_rq_timeout.Inc();
    request.keep_alive = false;
    request_deadline_ = base::kNever;
    Reply(408, "request timeout", "request_overall_timeout", 0);
  } else if (duration_deadline_ <= now) {
    http_stats.downstream_rq_max_duration_reached.Inc();
    duration_deadline_ = base::kNever;
    request.keep_alive = false;
    if (response_sent_) {
      Abort("max_duration_timeout", filter::kDurationTimeout);
    } else {
      Reply(request_complete_ ? 504 : 408, "downstream duration timeout", "max_duration_timeout",
            filter::kDurationTimeout);
    }
  } else if (idle_deadline_ <= now) {
    http_stats.downstream_rq_idle_timeout.Inc();
    idle_deadline_ = base::kNever;
    request.keep_alive = false;
    if (response_sent_) {
      Abort("stream_idle_timeout", filter::kStreamIdleTimeout);
    } else {
      Reply(request_complete_ ? 504 : 408, "stream timeout", "stream_idle_timeout",
            filter::kStreamIdleTimeout);
    }
  }
}

void Stream::Run() {
  if (pumping_ || over_) return;
  pumping_ = true;
  if (needs_begin_) Begin();
  if (chain_) {
    int rounds = 0;
    while (!aborted_ && PumpOnce()) {
      if (++rounds == base::limits::kMaxPumpRounds) {
        environment.loop.Schedule(this);
        break;
      }
    }
    if (rounds > 0 && idle_timeout_ != 0 && !response_complete_) {
      idle_deadline_ = environment.loop.now() + idle_timeout_;  // The timer moves on by itself.
    }
  }
  pumping_ = false;
  if (aborted_) {
    connection_.EndStream(/*close=*/true, /*abort=*/true);
  } else if (response_complete_) {
    const bool unfinished = !request_complete_ && !tunnel_;
    if (unfinished) http_stats.downstream_rq_response_before_rq_complete.Inc();
    connection_.EndStream(close_after_ || unfinished, /*abort=*/false);
  } else {
    connection_.WantRead();
  }
}

bool Stream::PumpOnce() {
  // First: whoever is woken must not add to a response that a local reply has replaced.
  bool moved = StartLocalReply();
  moved |= chain_->RunWoken();
  moved |= StartLocalReply();
  if (aborted_) return true;
  for (const Direction direction : {Direction::kRequest, Direction::kResponse}) {
    bool& resume = resume_[static_cast<int>(direction)];
    if (!resume) continue;
    resume = false;
    chain_->Resume(direction);
    moved = true;
  }
  moved |= chain_->MoveRequest();
  if (reply_pending_ || aborted_) return true;
  moved |= chain_->MoveResponse();
  if (reply_pending_ || aborted_) return true;
  moved |= Encode();
  return moved && !response_complete_;
}

bool Stream::StartLocalReply() {
  if (!reply_pending_) return false;
  reply_pending_ = false;
  chain_->StartLocalReply();
  return true;
}

bool Stream::Encode() {
  if (!response_out.head) return false;
  bool moved = false;
  if (!response_sent_) {
    EncodeHead();
    moved = true;
  }
  moved |= EncodeBody();
  if (response_out.end && response_out.body.empty() && !response_complete_) {
    EncodeEnd();
    return true;
  }
  if (response_held_back && response_in.body.size() < body_limit(Direction::kResponse) &&
      chain_->terminal() != nullptr) {
    response_held_back = false;
    Wake(*chain_->terminal());
    moved = true;
  }
  return moved;
}

void Stream::EncodeEnd() {
  if (response_framing_ == Framing::kLength && info.bytes_sent != response.framing.length) {
    Abort("response_body_shorter_than_its_length", 0);  // Some filter took from it.
    return;
  }
  if (response_framing_ == Framing::kChunked) {
    http1::AppendLastChunk(response_out.trailers, connection_.out());
  }
  response_complete_ = true;
  info.last_downstream_tx = info.complete = environment.loop.now();
  connection_.WantFlush();
}

void Stream::EncodeHead() {
  const Listener& listener = connection_.listener();
  const HttpConfig& config = listener.http();
  MutateResponseHeaders(config, request, connection_.listener().date(), replied_, response);
  if (connection_.draining()) http_stats.downstream_cx_drain_close.Inc();
  const bool is_tunnel = response.framing.kind == Framing::kTunnel;
  if (tunnel_ && !is_tunnel) decoder_.RefuseTunnel();
  close_after_ = !request.keep_alive || connection_.draining() || connection_.LastRequest() ||
                 (tunnel_ && !is_tunnel) || !request_complete_;
  if (is_tunnel) close_after_ = false;
  http1::ResponseOptions options;
  options.close = close_after_;
  options.to_http10 = request.version == http::Version::kHttp10;
  options.to_head = request.method == http::Method::kHead;
  const uint64_t before = connection_.out().size();
  response_framing_ = http1::EncodeResponseHead(response, options, connection_.out());
  if (response_framing_ == Framing::kUntilClose || is_tunnel) close_after_ = true;
  info.response_header_bytes = connection_.out().size() - before;
  info.response_code = response.status;
  info.first_downstream_tx = environment.loop.now();
  response_sent_ = true;
  connection_.WantFlush();
}

bool Stream::EncodeBody() {
  if (response_out.body.empty()) return false;
  if (response_framing_ == Framing::kNone) {  // To HEAD, 204, 304: none may be sent.
    response_out.body.Clear();
    return true;
  }
  const uint64_t take = std::min<uint64_t>(response_out.body.size(), connection_.Room());
  if (take == 0) return false;
  if (response_framing_ == Framing::kLength && info.bytes_sent + take > response.framing.length) {
    Abort("response_body_longer_than_its_length", 0);  // The rest would pass for a response.
    return true;
  }
  info.bytes_sent += take;
  if (response_framing_ == Framing::kChunked) {
    buffer::Buffer chunk;
    chunk.AppendFrom(response_out.body, take);
    http1::AppendChunk(chunk, connection_.out());
  } else if (take == response_out.body.size()) {
    connection_.out().Append(std::move(response_out.body));
  } else {
    connection_.out().AppendFrom(response_out.body, take);
  }
  connection_.WantFlush();
  return true;
}

absl::string_view Stream::FormatValue(uint32_t index) {
  std::string text;
  (*snapshot_)
      ->formats[index]
      .Format(
          access_log::FormatInput{
              &info, &request, response.status != 0 ? &response : nullptr, nullptr, {}},
          text);
  return arena.Copy(text);
}

void Stream::Log() {
  if (info.complete == 0) info.complete = environment.loop.now();
  const HttpConfig& config = connection_.listener().http();
  if (config.access_logs.empty()) return;
  const access_log::FormatInput input{&info, &request, &response, response_out.trailers, {}};
  for (const access_log::AccessLog& log : config.access_logs) log.Log(input);
}

void Stream::Complete() {
  over_ = true;
  timer_.Disarm();
  if (upgrade_counted_) http_stats.downstream_cx_upgrades_active.Dec();
  if (chain_) chain_->Complete();
}

}  // namespace proxenos::downstream
