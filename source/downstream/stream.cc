// The pump, and what surrounds it: deposits into the stream, the encoding of what comes out of it.
#include "source/downstream/stream.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/limits.h"
#include "source/base/overload.h"
#include "source/downstream/http_connection.h"
#include "source/downstream/listener.h"
#include "source/downstream/local_reply.h"
#include "source/downstream/origin_rules.h"
#include "source/downstream/request_headers.h"
#include "source/downstream/stream_carrier.h"
#include "source/route/rewrite.h"
#include "source/rpc/status.h"
#include "source/tracing/stream_trace.h"

namespace proxenos::downstream {
namespace {

using filter::Direction;
using http::Framing;
using http::HeaderId;

// Puts the reply's own fields behind what the route has changed in an empty head.
void AddOwn(const std::vector<http::Header>& own, filter::StreamContext& stream) {
  http::HeaderMap& headers = stream.response.headers;
  headers.Remove(HeaderId::kContentLength);
  if (stream.IsGrpcCall()) {
    headers.Remove(HeaderId::kGrpcStatus);
    headers.Remove(HeaderId::kGrpcMessage);
  }
  // The route may say of which type the text is.
  const bool typed = headers.Has(HeaderId::kContentType) && !stream.response_in.body.empty();
  if (!typed) headers.Remove(HeaderId::kContentType);
  for (const http::Header& field : own) {
    if (field.id == HeaderId::kContentType && typed) continue;
    headers.AddView(field.id, field.name(), field.value());
  }
}

// Adds what the route's response_headers_to_add and response_headers_to_remove say to a local
// reply, as Envoy does where the route leads to a cluster: before what the reply says itself, which
// they do not take away.
void ChangeByRoute(filter::StreamContext& stream) {
  if (stream.route == nullptr || stream.route->forward() == nullptr) return;
  const route::WeightedCluster* weighted =
      stream.route->forward()->weighted.empty()
          ? nullptr
          : route::PickCluster(*stream.route, stream.match_input()).weighted;
  http::HeaderMap& headers = stream.response.headers;
  std::vector<http::Header> own;  // Taken where anything is to be changed.
  bool changed = false;
  stream.routes->ForEachResponseMutations(
      *stream.route, weighted, [&](const route::HeaderMutations& mutations) {
        if (!std::exchange(changed, true)) {
          own.assign(headers.begin(), headers.end());
          headers.Clear();
          stream.info.response_code = stream.response.status;  // For %RESPONSE_CODE%.
        }
        route::Apply(mutations, headers,
                     [&stream](uint32_t index) { return stream.FormatValue(index); });
      });
  if (changed) AddOwn(own, stream);
}

}  // namespace

Stream::Stream(HttpConnection& connection, StreamCarrier& carrier, Deposits deposits)
    : StreamContext(connection.listener().environment(), connection.stats()),
      connection_(connection),
      carrier_(carrier),
      deposits_(deposits),
      filters_(connection.service().filters()),
      timer_(connection.loop().timers(), [this] { OnTimer(); }) {
  worker_parts = filters_->parts;
  info.start = environment.loop.now();
  info.start_wall = environment.loop.wall_now();
}

Stream::~Stream() = default;

void Stream::RefuseMessage(http::CodecError error) {
  http_stats.downstream_cx_protocol_error.Inc();
  const uint16_t status = http::StatusOf(error);
  Refuse(status, http::ReasonPhrase(status), http::Detail(error), filter::kDownstreamProtocolError);
  if (status == 426) response.upgrade = "HTTP/1.1";
}

void Stream::Refuse(uint16_t status, absl::string_view body, absl::string_view details,
                    uint32_t flags) {
  BeginWithoutFilters();
  needs_begin_ = false;
  if (!has_head_) {
    // The views of a head that is not complete point into bytes that nobody pins.
    request.method_text = request.path = request.authority = absl::string_view();
    request.scheme = request.upgrade = absl::string_view();
    request.headers.Clear();
  }
  if (info.connection == nullptr) carrier_.OnBegin();
  DescribeConnection(connection_.info(), info);
  // Nobody has read yet whom trusted hops name.
  if (info.remote.family() == net::Address::Family::kNone) info.remote = info.connection->remote();
  if (connection_.config().asks_notes) OpenNotes();
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
  info.request_header_bytes =
      head_bytes_.empty() ? request.headers.ByteSize() : uint64_t{head_bytes_.size()};
  request_in.head = true;
  OnDeposit();
}

void Stream::OnBody(buffer::Slice data) {
  info.bytes_received += data.size();
  request_in.body.Append(std::move(data));
  OnDeposit();
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
  OnDeposit();
}

void Stream::OnTimer() {
  FireDeadline(environment.loop.now());
  const base::MonoTime next = NextDeadline();
  if (next != base::kNever) timer_.ArmAt(next);
  Run();  // At once: nothing may come between a local reply and its start.
}

base::MonoTime Stream::IdleDeadline() const {
  const base::Nanos timeout =
      base::Scaled(environment.overload, base::Overload::kStreamIdle, idle_timeout_);
  return timeout == 0 ? base::kNever : idle_since_ + timeout;
}

void Stream::RearmTimers() {
  const base::MonoTime next = NextDeadline();
  if (next != base::kNever && !over_) timer_.ArmAt(next);
}

base::MonoTime Stream::NextDeadline() const {
  return std::min({IdleDeadline(), request_deadline_, duration_deadline_, log_deadline_});
}

void Stream::FireDeadline(base::MonoTime now) {
  if (log_deadline_ <= now) {
    Log(access_log::LogType::kDownstreamPeriodic);
    log_deadline_ = now + connection_.config().origin->log_interval;
  }
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
      Abort("max_duration_timeout", 0);
    } else {
      // The flag DT is of connections: of a stream the details say it, as in Envoy.
      Reply(request_complete_ ? 504 : 408, "downstream duration timeout", "max_duration_timeout",
            0);
      if (IsGrpcCall()) rpc::SetStatus(rpc::Status::kDeadlineExceeded, response.headers);
    }
  } else if (IdleDeadline() <= now) {
    http_stats.downstream_rq_idle_timeout.Inc();
    idle_since_ = now;
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
    if (rounds > 0) idle_since_ = environment.loop.now();  // The timer moves on by itself.
  }
  pumping_ = false;
  if (aborted_) {
    carrier_.End(/*abort=*/true);
  } else if (response_complete_) {
    if (!request_complete_ && !tunnel_) http_stats.downstream_rq_response_before_rq_complete.Inc();
    carrier_.End(/*abort=*/false);
  } else {
    carrier_.ReadOn();
  }
}

bool Stream::PumpOnce() {
  if (internal_redirects != nullptr && std::exchange(internal_redirects->pending, false) &&
      !reply_pending_ && !response_sent_ && (!replied_ || internal_redirects->errand != nullptr)) {
    replied_ = false;  // An errand may be in the place of a local reply.
    Begin();
  }
  // First: whoever is woken must not add to a response that a local reply has replaced.
  bool moved = reply_pending_ && StartLocalReply();
  moved |= chain_->RunWoken();
  if (reply_pending_) moved |= StartLocalReply();
  if (aborted_) return true;
  if (afresh_.filter != nullptr) {
    TakeNewestRoutes(std::exchange(afresh_, {}));
    return true;
  }
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
  if (broken_off_ && response_in.body.empty() && response_out.body.empty() &&
      chain_->idle(Direction::kResponse)) {
    aborted_ = true;
  }
  return moved && !response_complete_;
}

bool Stream::StartLocalReply() {
  if (!reply_pending_) return false;
  reply_pending_ = false;
  chain_->StartLocalReply();
  if (reply_kept_) return true;
  ChangeByRoute(*this);
  // See StreamContext::Reply for which of them have no body.
  const bool grpc = IsGrpcCall() && reply_status_ / 100 != 3;
  const OriginRules* rules = connection_.config().origin.get();
  if (rules != nullptr && rules->local_replies != nullptr) {
    RewordReply(*rules->local_replies, grpc);
  }
  if (grpc) KeepGrpcType(response.headers);
  return true;
}

// Before any filter sees it, as whoever replied has left it.
void Stream::RewordReply(const LocalReplies& rules, bool grpc) {
  if (grpc) {
    RewordGrpc(rules, *this, LocalReply{reply_status_, std::string(reply_body_)});
  } else {
    RewordPlain(rules, *this, response_in.body);
  }
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
  carrier_.SendEnd(response_out.trailers);
  response_complete_ = true;
  info.last_downstream_tx = info.complete = environment.loop.now();
}

void Stream::EncodeHead() {
  MutateResponseHeaders(connection_.config(), request, connection_.listener().date(), response);
  const OriginRules* rules = connection_.config().origin.get();
  if (rules != nullptr && rules->proxy_status) {
    AddProxyStatus(*rules->proxy_status, environment.node, info, response);
  }
  if (trace_ != nullptr) trace_->OnResponseHead(response);
  const bool failing =
      environment.failing_health && connection_.listener().config().drains_when_failing;
  if ((failing || drains_connection) && !connection_.draining()) connection_.Drain(/*now=*/false);
  const bool end =
      response_out.end && response_out.body.empty() && response_out.trailers == nullptr;
  response_framing_ = carrier_.SendHead(response, end);
  info.response_code = response.status;
  info.first_downstream_tx = environment.loop.now();
  response_sent_ = true;
  if (response_framing_ == Framing::kTunnel && rules != nullptr && rules->logs_tunnels) {
    Log(access_log::LogType::kDownstreamTunnelEstablished);
  }
}

bool Stream::EncodeBody() {
  if (response_out.body.empty()) return false;
  if (response_framing_ == Framing::kNone) {  // To HEAD, 204, 304: none may be sent.
    response_out.body.Clear();
    return true;
  }
  if (response_framing_ == Framing::kLength &&
      info.bytes_sent + response_out.body.size() > response.framing.length) {
    Abort("response_body_longer_than_its_length", 0);  // The rest would pass for a response.
    return true;
  }
  const uint64_t sent = carrier_.SendBody(response_out.body);
  info.bytes_sent += sent;
  return sent > 0;
}

void Stream::SendInformational(const http::ResponseHead& head) {
  if (response_sent_ || reply_pending_ || over_ || head.status == 101) return;
  if (head.status == 100) {
    if (continue_sent_) return;  // The client has been told to go on, by us.
    continue_sent_ = true;
  }
  carrier_.SendInformational(head);
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

namespace {

// Logs name the cluster that the route leads to even where a filter answered before the router.
// Null: they have a name, or there is none.
base::Rc<upstream::WorkerCluster> UnreachedCluster(const filter::StreamContext& stream) {
  if (!stream.info.upstream_cluster.empty()) return {};
  if (stream.route == nullptr || stream.route->forward() == nullptr) return {};
  return stream.environment.clusters.Find(
      route::PickCluster(*stream.route, stream.match_input()).name);
}

}  // namespace

void Stream::Log(access_log::LogType type) {
  const HttpConfig& config = connection_.config();
  if (config.access_logs.empty()) return;
  const base::Rc<upstream::WorkerCluster> unreached = UnreachedCluster(*this);
  if (unreached) {
    info.upstream_cluster = unreached->config().name;
    info.upstream_stat_name = unreached->config().stat_name();
  }
  const bool over = type == access_log::LogType::kDownstreamEnd;
  // On the way, durations are those until now.
  const base::MonoTime complete =
      over ? info.complete : std::exchange(info.complete, environment.loop.now());
  const access_log::FormatInput input{&info,
                                      &request,
                                      over || response.status != 0 ? &response : nullptr,
                                      response_out.trailers,
                                      {},
                                      environment.runtime,
                                      environment.remote_logs,
                                      type};
  for (const access_log::AccessLog& log : config.access_logs) log.Log(input);
  info.complete = complete;
  if (unreached) info.upstream_cluster = info.upstream_stat_name = absl::string_view();
}

void Stream::Finish() {
  if (over_) return;
  over_ = true;
  timer_.Disarm();
  if (info.connection != nullptr) {
    http_stats.downstream_rq_active.Dec();
    connection_.service().CountResponse(info.response_code);
    if (info.complete == 0) info.complete = environment.loop.now();
    if (trace_ != nullptr) trace_->Finish();
    Log(access_log::LogType::kDownstreamEnd);
    http_stats.downstream_rq_time.Record(
        static_cast<uint64_t>((info.complete - info.start) / base::kMillisecond));
  }
  if (upgrade_counted_) http_stats.downstream_cx_upgrades_active.Dec();
  if (chain_) chain_->Complete();
}

void Stream::Cut(bool by_peer) {
  if (over_) return;
  if (by_peer) {
    info.flags |= filter::kDownstreamConnectionTermination;
    info.details = "downstream_remote_disconnect";
  } else if (info.details.empty()) {
    info.details = "downstream_local_disconnect";
  }
  if (notes_ != nullptr) {
    notes_->downstream_close = connection_.close_type();
    if (!by_peer) notes_->downstream_close_reason = info.details;
  }
  Finish();
}

}  // namespace proxenos::downstream
