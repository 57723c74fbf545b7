// Connecting, and carrying bytes both ways.
#include "source/filters/network/tcp_proxy/tcp_connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/back_off.h"
#include "source/base/limits.h"
#include "source/base/xxhash64.h"
#include "source/downstream/listener.h"
#include "source/filter/no_peer.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/connection_kind.h"
#include "source/upstream/pick_request.h"

namespace proxenos::filters::tcp_proxy {

using access_log::LogType;
using net::FlushStatus;
using net::ReadStatus;
using upstream::Exchange;
using upstream::PoolFailure;

namespace {

// %DOWNSTREAM_LOCAL_CLOSE_REASON% of connections that came to no host: Envoy's words, with its
// numbers of causes.
constexpr absl::string_view kConnectFailed = "tcp_initializion_failure:0";
constexpr absl::string_view kNoHost = "tcp_initializion_failure:1";
constexpr absl::string_view kNoRoom = "tcp_initializion_failure:2";
constexpr absl::string_view kNoCluster = "tcp_initializion_failure:3";

}  // namespace

TcpConnection::Attempt::Attempt(TcpConnection& connection)
    : Exchange(connection.head_), owner(connection) {
  body_limit = connection.service_.connection_buffer_bytes();
}

TcpConnection::TcpConnection(TcpService& service, downstream::Arrival arrived)
    : TerminalConnection(service, std::move(arrived)),
      service_(service),
      head_(arena_),
      idle_(loop().timers(), [this] { OnIdle(); }) {
  const TcpProxyConfig& config = service_.config();
  net::Address& local = arrival().info.local;
  if (!config.access_logs.empty() && local.family() == net::Address::Family::kNone) {
    local = net::Address::LocalOf(socket().fd());
  }
  service_.Describe(arrival(), info_);
  if (config.asks_notes) {
    notes_ = std::make_unique<filter::LogNotes>();
    info_.notes = notes_.get();
  }
  if (config.idle_timeout != 0) idle_.ArmIn(config.idle_timeout);
  if (config.max_duration != 0) {
    duration_.emplace(loop().timers(), [this] {
      service_.stats().max_downstream_connection_duration.Inc();
      End(filter::kDurationTimeout, "max_connection_duration_reached");
    });
    const double most =
        static_cast<double>(config.max_duration) / 100 * config.max_duration_jitter_percent;
    const uint64_t jitter = loop().random().Below(static_cast<uint64_t>(most) + 1);
    duration_->ArmIn(config.max_duration + static_cast<base::Nanos>(jitter));
  }
  if (config.logs_start) service_.Log(info_, LogType::kTcpConnectionStart);
  if (config.log_interval != 0) {
    interval_.emplace(loop().timers(), [this] { LogInterval(); });
    interval_->ArmIn(config.log_interval);
  }
}

TcpConnection::~TcpConnection() = default;

void TcpConnection::Advance() {
  if (attempt_ == nullptr) Connect();
  if (closed() || attempt_ == nullptr) return;
  switch (attempt_->state) {
    case Exchange::State::kIdle:
    case Exchange::State::kPending:
      if (ClientBroke()) End(filter::kDownstreamConnectionTermination);
      return;
    case Exchange::State::kFailed:
      OnConnectFailed();
      return;
    case Exchange::State::kActive:
    case Exchange::State::kDone:
    case Exchange::State::kReset:
      break;
  }
  if (!connected_) {
    const bool there = HasTunnel();
    if (!there && attempt_ != nullptr && ClientBroke()) {
      End(filter::kDownstreamConnectionTermination);
    }
    if (!there) return;
    OnConnected();
  }
  Relay();
}

bool TcpConnection::ClientBroke() {
  return socket().peer_closed() && downstream::FirstBytes(socket()) == ReadStatus::kError;
}

void TcpConnection::Connect() {
  if (backoff_ && backoff_->armed()) return;
  const TcpProxyConfig& config = service_.config();
  if (config.connects_on_data && info_.attempts == 0 && demanded_ == nullptr && !named_.waits()) {
    if (!MayRead()) return;
    service_.stats().early_data_received_count_total.Inc();
  }
  TakeFindings();
  if ((!named_.waits() && !FindCluster()) || !FindHost()) return;
  info_.upstream_cluster = cluster_->config().name;
  info_.upstream_stat_name = cluster_->config().stat_name();
  const bool tunnels = config.tunnel != nullptr;
  if (tunnels && !counted_ && !cluster_->TryAcquireRequest()) {
    cluster_->stats().upstream_rq_pending_overflow.Inc();
    if (cluster_->tracked() != nullptr) cluster_->tracked()->CountDrop();
    End(filter::kUpstreamOverflow, kNoRoom);
    return;
  }
  counted_ = tunnels;
  upstream::ConnectionNeeds needs;
  needs.raw = !tunnels;
  needs.source = &arrival().info.remote();
  // Who asks for it: the pool's kinds of connections, and the words of a tunnel's request.
  if ((tunnels || cluster_->connections_vary()) &&
      arrival().info.local.family() == net::Address::Family::kNone) {
    arrival().info.local = net::Address::LocalOf(socket().fd());
  }
  needs.destination = &arrival().info.local;
  if (arrival().info.proxy_notes != nullptr) needs.tlvs = &arrival().info.proxy_notes->passed;
  net::ProxyTlvs tlvs;
  if (!config.tlvs.empty() && cluster_->config().PassesProxyTlvs()) {
    tlvs = config.tlvs.Apply(info_);
    needs.tlvs = &tlvs;
  }
  attempt_ = std::make_unique<Attempt>(*this);
  if (notes_ != nullptr) {
    attempt_->notes = &notes_->upstream;
    notes_->attempt_begin = loop().now();
  }
  attempt_->needs = &needs;
  upstream::PickRequest pick;
  pick.authority = named_.authority();
  // Only where a listener filter has found it: else it is our own address.
  if (arrival().info.local_restored) pick.destination = &arrival().info.local;
  if (config.picks()) SetPick(pick);
  attempt_->pick = &pick;
  cluster_->Acquire(*attempt_);
  attempt_->pick = nullptr;
  attempt_->needs = nullptr;
}

void TcpConnection::SetPick(upstream::PickRequest& pick) const {
  if (service_.config().hashes_source) {
    const std::string ip = info_.remote.IpString();
    if (!ip.empty()) pick.hash = base::XxHash64(ip);
  } else if (const std::string& key = service_.config().hashed_state; !key.empty()) {
    if (const std::string* text = info_.state.Find(key)) pick.hash = base::XxHash64(*text);
  }
  if (const route::MetadataMatch* subset = service_.SubsetOf(cluster_->config().name)) {
    pick.subset = &subset->fields;
    pick.subset_fallbacks = subset->fallbacks;
  }
}

bool TcpConnection::FindCluster() {
  if (demanded_ != nullptr && demanded_->waits()) {
    if (ClientBroke()) End(filter::kDownstreamConnectionTermination);
    return false;
  }
  const filter::Environment& environment = service_.listener().environment();
  // Drawn once: further attempts are at other hosts, not at other clusters.
  if (drawn_.empty()) drawn_ = service_.Draw();
  const absl::string_view own = arrival().cluster;
  const absl::string_view name = demanded_ != nullptr ? absl::string_view(demanded_->name())
                                 : own.empty()        ? drawn_
                                                      : own;
  cluster_ = environment.clusters.Find(name);
  if (cluster_) return true;
  const auto& source = service_.config().on_demand;
  if (demanded_ == nullptr && source.has_value() && environment.on_demand != nullptr) {
    demanded_ = std::make_unique<DemandedCluster>(name, loop().timers(), service_.demand_stats(),
                                                  [this] { WantAdvance(); });
    if (demanded_->Ask(*environment.on_demand, *source)) return false;
  }
  service_.stats().downstream_cx_no_route.Inc();
  End(filter::kNoClusterFound, kNoCluster);
  return false;
}

bool TcpConnection::FindHost() {
  switch (named_.Find(cluster_->source(), arrival().info, [this] { WantAdvance(); })) {
    case NamedHost::Found::kDone:
      NoteAddress();
      return true;
    case NamedHost::Found::kWaits:
      if (ClientBroke()) End(filter::kDownstreamConnectionTermination);
      return false;
    case NamedHost::Found::kNoRoom:
      End(0, "dns_cache_overflow");
      return false;
  }
  return true;
}

void TcpConnection::TakeFindings() {
  const filter::ConnectionNotes* found = arrival().info.notes.get();
  if (found == nullptr) return;
  info_.metadata.MergeAll(found->metadata);
  info_.state = found->state.Copy();
  NoteAddress();
}

void TcpConnection::NoteAddress() {
  if (named_.address() == nullptr) return;
  info_.state.Set(NamedHost::kAddressState, named_.address()->ToString());
}

void TcpConnection::OnConnectFailed() {
  const PoolFailure failure = attempt_->failure;
  if (failure == PoolFailure::kOverflow && cluster_->tracked() != nullptr) {
    cluster_->tracked()->CountDrop();
  }
  if (failure == PoolFailure::kNoHealthyHost || failure == PoolFailure::kOverflow) {
    const bool overflow = failure == PoolFailure::kOverflow;
    End(overflow ? filter::kUpstreamOverflow : filter::kNoHealthyUpstream,
        overflow ? kNoRoom : kNoHost);
    return;
  }
  TryAgain(failure == PoolFailure::kConnectTimeout
               ? "connection timeout"
               : absl::StrCat("delayed connect error: ", attempt_->failure_detail));
}

bool TcpConnection::HasTunnel() {
  const Tunnel* tunnel = service_.config().tunnel.get();
  if (tunnel == nullptr) return true;
  upstream::ClientStream* stream = attempt_->stream.get();
  if (!asked_ && stream != nullptr) {
    asked_ = true;
    http::RequestHead request(arena_);
    tunnel->Fill(info_, !cluster_->config().tls.empty(), request);
    stream->SendHead(request, /*end=*/false);
  }
  if (attempt_->head && Tunnel::Accepts(head_)) return true;
  if (attempt_->head || stream == nullptr) TryAgain("tunnel refused");
  return false;
}

void TcpConnection::TryAgain(std::string reason) {
  ++info_.attempts;
  info_.flags |= filter::kUpstreamConnectionFailure;
  if (attempt_->host != nullptr) info_.upstream_remote = attempt_->host->address();
  info_.upstream_peer = filter::NoPeer();
  NoteAttempt();
  failure_ = std::move(reason);
  info_.upstream_failure_reason = failure_;
  attempt_.reset();
  asked_ = false;
  // The next attempt finds its cluster anew: that may be another by then, or none.
  if (std::exchange(counted_, false)) cluster_->ReleaseRequest();
  const TcpProxyConfig& config = service_.config();
  if (info_.attempts >= config.max_connect_attempts) {
    cluster_->stats().upstream_cx_connect_attempts_exceeded.Inc();
    End(filter::kUpstreamRetryLimitExceeded, kConnectFailed);
    return;
  }
  if (config.backoff_base != 0) {
    // Full jitter below a limit that doubles.
    const base::Nanos most =
        base::Doubled(config.backoff_base, info_.attempts - 1, config.backoff_max);
    if (!backoff_) backoff_.emplace(loop().timers(), [this] { WantAdvance(); });
    backoff_->ArmIn(1 +
                    static_cast<base::Nanos>(loop().random().Below(static_cast<uint64_t>(most))));
    return;
  }
  WantAdvance();
}

void TcpConnection::OnConnected() {
  connected_ = true;
  ++info_.attempts;
  info_.upstream_connected = loop().now();
  info_.upstream_remote = attempt_->host->address();
  info_.upstream_peer = nullptr;
  host_name_ = attempt_->host->hostname();
  info_.upstream_host_name = host_name_;
  if (upstream::ClientStream* stream = attempt_->stream.get()) {
    info_.upstream_local = stream->connection().local_address();
    if (const net::Address* raced = stream->connection().raced_address()) {
      raced_ = std::make_unique<const net::Address>(*raced);
      info_.upstream_peer = raced_.get();
    }
    info_.upstream_connection_id = stream->connection().id();
  }
  NoteAttempt();
  cluster_->stats().upstream_rq_total.Inc();
  cluster_->stats().upstream_rq_active.Inc();
  if (cluster_->tracked() != nullptr) cluster_->tracked()->CountRequest(*attempt_->host);
  if (service_.config().logs_connected) service_.Log(info_, LogType::kTcpUpstreamConnected);
}

void TcpConnection::NoteAttempt() {
  if (notes_ == nullptr || attempt_->host == nullptr) return;
  const upstream::ClientStream* stream = attempt_->stream.get();
  const upstream::Host& host = *attempt_->host;
  notes_->pool_ready = loop().now();
  notes_->AddAttempt(host.address(), host.hostname(),
                     stream == nullptr ? 0 : stream->connection().id());
  if (stream == nullptr) return;
  notes_->upstream.connect_begin = stream->connection().begun();
  notes_->upstream.connect_end = stream->connection().connected();
}

void TcpConnection::Relay() {
  if (leaving_) return Leave();
  const uint64_t before = info_.bytes_received + info_.bytes_sent;
  MoveToClient();
  if (!MoveToHost() || !FlushToClient()) return;
  UpdateBuffered();
  const bool moved = info_.bytes_received + info_.bytes_sent != before;
  if (moved && service_.config().idle_timeout != 0) idle_.ArmIn(service_.config().idle_timeout);
  if (moved && drained_ && service_.config().checks_drain) {
    service_.drain_stats().downstream_cx_drain_close.Inc();
    leaving_ = true;
    return Leave();
  }
  EndDirections();
}

void TcpConnection::Leave() {
  if (!FlushToClient()) return;
  UpdateBuffered();
  if (socket().out().empty()) End(0, "tcp_proxy_drain_close");
}

void TcpConnection::MoveToClient() {
  const uint64_t waiting = socket().out().size();
  const uint64_t limit = service_.connection_buffer_bytes();
  const uint64_t room = waiting >= limit ? 0 : limit - waiting;
  const uint64_t take = std::min<uint64_t>(room, attempt_->body.size());
  if (take == 0) return;
  info_.upstream_wire_bytes_received += take;
  if (take == attempt_->body.size()) {
    socket().out().Append(std::move(attempt_->body));
  } else {
    socket().out().AppendFrom(attempt_->body, take);
  }
  attempt_->BodyTaken(take);
}

bool TcpConnection::MoveToHost() {
  upstream::ClientStream* stream = attempt_->stream.get();
  if (stream == nullptr) return true;
  if (!unsent_.empty()) {
    NotePause(!stream->SendBody(unsent_, client_ended_, nullptr));
    if (paused_) return true;
  }
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent && !client_ended_; ++reads) {
    if (!MayRead()) return true;
    buffer::Slice bytes;
    switch (socket().Read(&bytes)) {
      case ReadStatus::kNothing:
        return true;
      case ReadStatus::kBytes:
        info_.bytes_received += bytes.size();
        service_.stats().downstream_cx_rx_bytes_total.Add(bytes.size());
        unsent_.Append(std::move(bytes));
        break;
      case ReadStatus::kEnd:
        client_ended_ = true;
        break;
      case ReadStatus::kError:
        OnClientBroken();
        return false;
    }
    NotePause(!stream->SendBody(unsent_, client_ended_, nullptr));
    if (paused_) return true;
  }
  if (!client_ended_ && MayRead()) WantAdvance();  // Behind other connections.
  return true;
}

bool TcpConnection::FlushToClient() {
  const uint64_t before = socket().out().size();
  const FlushStatus status = socket().Flush();
  const uint64_t sent = before - socket().out().size();
  info_.bytes_sent += sent;
  service_.stats().downstream_cx_tx_bytes_total.Add(sent);
  if (status != FlushStatus::kError) return true;
  OnClientBroken();
  return false;
}

// The host learns that the client did not end as it should have.
void TcpConnection::OnClientBroken() {
  if (upstream::ClientStream* stream = attempt_->stream.get()) stream->AbandonByReset();
  End(0);
}

void TcpConnection::EndDirections() {
  if (!attempt_->body.empty()) {
    // There is room again, if all has left.
    if (socket().out().empty()) WantAdvance();
    return;
  }
  if (attempt_->state == Exchange::State::kReset) {
    info_.flags |= filter::kUpstreamRemoteReset;
    if (notes_ != nullptr) notes_->downstream_close = net::CloseType::kLocalReset;
    Close(/*reset=*/true);
    return;
  }
  if (!attempt_->end || !socket().out().empty()) return;
  if (!client_shut_) {
    client_shut_ = true;
    socket().ShutdownWrite();
  }
  // Nobody is left whom the client could send anything.
  if (attempt_->stream.get() == nullptr) Close();
}

// The client is not read while the host has no room for what it sent.
void TcpConnection::NotePause(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  if (paused) {
    service_.stats().downstream_flow_control_paused_reading_total.Inc();
  } else {
    service_.stats().downstream_flow_control_resumed_reading_total.Inc();
  }
}

void TcpConnection::UpdateBuffered() {
  stats::TcpStats& stats = service_.stats();
  const uint64_t out = socket().out().size();
  if (out != counted_out_) stats.downstream_cx_tx_bytes_buffered.Add(out - counted_out_);
  counted_out_ = out;
  const uint64_t unsent = unsent_.size();
  if (unsent != counted_unsent_)
    stats.downstream_cx_rx_bytes_buffered.Add(unsent - counted_unsent_);
  counted_unsent_ = unsent;
}

void TcpConnection::OnIdle() {
  service_.stats().idle_timeout.Inc();
  End(0, "tcp_session_idle_timeout");
}

void TcpConnection::LogInterval() {
  service_.Log(info_, LogType::kTcpPeriodic);
  interval_->ArmIn(service_.config().log_interval);
}

void TcpConnection::OnRefused(const filter::NetworkFilter::Verdict& verdict) {
  TcpService::NoteRefusal(verdict, info_);
  idle_.Disarm();
}

void TcpConnection::End(uint32_t flags, absl::string_view reason) {
  info_.flags |= flags;
  if (notes_ != nullptr) {
    notes_->downstream_close_reason = reason;
    if (connected_) notes_->upstream_close_reason = reason;
  }
  Close();
}

void TcpConnection::OnClosing() {
  idle_.Disarm();
  demanded_.reset();
  named_.Cancel();
  TakeFindings();
  for (auto* timer : {&duration_, &backoff_, &interval_}) {
    if (*timer) (*timer)->Disarm();
  }
  if (attempt_ != nullptr) info_.upstream_wire_bytes_sent = info_.bytes_received - unsent_.size();
  info_.downstream_wire_bytes_received = info_.bytes_received;
  info_.downstream_wire_bytes_sent = info_.bytes_sent;
  if (notes_ != nullptr && socket().reset_by_peer()) {
    notes_->downstream_close = net::CloseType::kRemoteReset;
  }
  service_.Log(info_, LogType::kTcpConnectionEnd);
  if (connected_) {
    cluster_->stats().upstream_rq_active.Dec();
    if (cluster_->tracked() != nullptr) cluster_->tracked()->CountRequestEnd(*attempt_->host);
  }
  if (counted_) cluster_->ReleaseRequest();
  unsent_.Clear();
  socket().out().Clear();
  UpdateBuffered();
  attempt_.reset();  // Ends the host's connection too.
}

}  // namespace proxenos::filters::tcp_proxy
