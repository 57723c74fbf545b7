// One step after another, each as far as the bytes that are there allow.
#include "source/downstream/intake.h"

#include <algorithm>
#include <utility>

#include "source/base/limits.h"
#include "source/base/log.h"
#include "source/buffer/slab.h"
#include "source/downstream/listener.h"
#include "source/tls/tls_transport.h"

namespace proxenos::downstream {

using filter::ListenerFilter;
using net::ReadStatus;
using Handshake = net::Transport::Handshake;

Intake::Intake(Listener& listener, Arrival arrival)
    : listener_(listener),
      arrival_(std::move(arrival)),
      timer_(listener.loop().timers(), [this] { OnTimer(); }) {
  facts_.remote = facts_.direct_remote = arrival_.info.direct_remote;
  listener_.stats().downstream_pre_cx_active.Inc();
  arrival_.socket.Watch(listener_.loop(), this);
  const ListenerConfig& config = listener_.config();
  if (!config.filters.empty() && config.filters_timeout != 0) timer_.ArmIn(config.filters_timeout);
}

Intake::~Intake() = default;

void Intake::OnIo(uint32_t events) {
  if (state_ == State::kGone) return;
  arrival_.socket.Note(events);
  Advance();
}

void Intake::Advance() {
  if (state_ == State::kFilters && RunFilters() && ChooseChain() && StartHandshake()) HandOn();
  if (state_ == State::kHandshake && Shake()) HandOn();
}

bool Intake::RunFilters() {
  for (; filter_ < listener_.config().filters.size(); ++filter_) {
    if (!RunFilter(listener_.filter(filter_))) return false;
    seen_ = 0;
  }
  return true;
}

bool Intake::RunFilter(ListenerFilter& filter) {
  if (filter.limit() == 0) {
    filter.InspectSocket(arrival_.socket.fd(), facts_);
    return true;
  }
  ListenerFilter::Result result;
  if (!ShowBytes(filter, &result)) return false;
  if (result.verdict == ListenerFilter::Verdict::kReject) {
    listener_.stats().downstream_listener_filter_error.Inc();
    Close();
    return false;
  }
  if (result.verdict == ListenerFilter::Verdict::kMore) return false;
  if (result.taken > 0) arrival_.socket.Skip(result.taken);
  return true;
}

// False when there is nothing (new) to show.
bool Intake::ShowBytes(ListenerFilter& filter, ListenerFilter::Result* result) {
  const uint32_t limit = std::min(filter.limit(), base::limits::kSlabBytes);
  const auto lent = buffer::SlabPool::ThisThread().Lend(limit);
  uint32_t got = 0;
  const ReadStatus status = arrival_.socket.Peek(lent.data, limit, &got);
  if (status == ReadStatus::kNothing) return false;
  const bool ended = status != ReadStatus::kBytes;
  if (ended || (got == seen_ && arrival_.socket.peer_closed())) {
    listener_.stats().downstream_listener_filter_remote_close.Inc();
    Close();
    return false;
  }
  if (got == seen_) return false;
  seen_ = got;
  *result = filter.Inspect(absl::string_view(lent.data, got), facts_);
  if (result->verdict == ListenerFilter::Verdict::kMore && got == limit) {
    result->verdict = ListenerFilter::Verdict::kReject;
  }
  return true;
}

bool Intake::ChooseChain() {
  timer_.Disarm();
  if (facts_.local.family() == net::Address::Family::kNone &&
      listener_.config().match.needs_local()) {
    facts_.local = net::Address::LocalOf(arrival_.socket.fd());
  }
  service_ = listener_.Choose(facts_);
  if (service_ == nullptr) {
    listener_.stats().no_filter_chain_match.Inc();
    Close();
    return false;
  }
  return true;
}

// True when there is none to make.
bool Intake::StartHandshake() {
  if (service_->chain().tls == nullptr) return true;
  if (!service_->tls_context()) {
    PX_LOG(kConnection, kDebug, "listener ", listener_.config().name,
           ": a client came before the secrets of filter chain ", service_->chain().name);
    listener_.stats().downstream_context_secrets_not_ready.Inc();
    Close();
    return false;
  }
  arrival_.socket.SetTransport(
      tls::MakeServerTransport(service_->tls_context(), listener_.tls_stats()));
  const base::Nanos timeout = service_->chain().handshake_timeout;
  if (timeout != 0) timer_.ArmIn(timeout);
  state_ = State::kHandshake;
  return false;
}

bool Intake::Shake() {
  net::Transport& transport = *arrival_.socket.transport();
  switch (transport.Advance(arrival_.socket)) {
    case Handshake::kDone:
      break;
    case Handshake::kWantsIo:
    case Handshake::kWaits:
      return false;
    case Handshake::kFailed:
      PX_LOG(kConnection, kDebug, "listener ", listener_.config().name, ": TLS with ",
             arrival_.info.direct_remote.ToString(), ": ", transport.failure());
      arrival_.socket.Flush();  // The alert.
      Close();
      return false;
  }
  const tls::SessionInfo& session = static_cast<tls::TlsTransport&>(transport).session();
  listener_.tls_agreements().Count(session);
  arrival_.info.tls = &session;
  arrival_.info.requested_server_name = session.sni();
  return true;
}

void Intake::HandOn() {
  HttpConfig::Codec codec = service_->config().codec;
  const net::Transport* transport = arrival_.socket.transport();
  if (codec == HttpConfig::Codec::kAuto && transport != nullptr) {
    const absl::string_view protocol = transport->protocol();
    if (protocol == "h2") {
      codec = HttpConfig::Codec::kHttp2;
    } else if (!protocol.empty()) {
      codec = HttpConfig::Codec::kHttp1;
    }
  }
  timer_.Disarm();
  state_ = State::kGone;
  listener_.stats().downstream_pre_cx_active.Dec();
  arrival_.info.local = facts_.local;
  if (facts_.remote != facts_.direct_remote) {
    arrival_.info.proxied_remote = std::make_unique<const net::Address>(facts_.remote);
  }
  listener_.HandOn(*this, *service_, std::move(arrival_), codec);
}

void Intake::OnTimer() {
  if (state_ == State::kHandshake) {
    listener_.stats().downstream_cx_transport_socket_connect_timeout.Inc();
    Close();
  } else if (state_ == State::kFilters) {
    listener_.stats().downstream_pre_cx_timeout.Inc();
    if (!listener_.config().continue_on_filters_timeout) {
      Close();
      return;
    }
    filter_ = listener_.config().filters.size();  // With what was found so far.
    listener_.loop().AtTurnEnd(this);
  }
}

void Intake::Close() {
  if (state_ == State::kGone) return;
  state_ = State::kGone;
  timer_.Disarm();
  listener_.stats().downstream_pre_cx_active.Dec();
  arrival_.socket.Close();
  listener_.Remove(*this);
}

}  // namespace proxenos::downstream
