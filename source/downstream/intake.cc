// One step after another, each as far as the bytes that are there allow.
#include "source/downstream/intake.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "source/base/limits.h"
#include "source/base/log.h"
#include "source/base/overload.h"
#include "source/buffer/slab.h"
#include "source/downstream/broken_socket.h"
#include "source/downstream/filter_predicate.h"
#include "source/downstream/listener.h"
#include "source/filter/log_notes.h"
#include "source/tls/tls_transport.h"

namespace proxenos::downstream {

using filter::ListenerFilter;
using net::ReadStatus;
using Handshake = net::Transport::Handshake;

Intake::Intake(Listener& listener, Arrival arrival)
    : listener_(listener),
      arrival_(std::move(arrival)),
      timer_(listener.loop().timers(), [this] { OnTimer(); }) {
  facts_.direct_remote = arrival_.info.direct_remote;
  facts_.remote = arrival_.info.remote();
  facts_.local = arrival_.info.local;
  facts_.local_restored = arrival_.info.local_restored;
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
  if (state_ == State::kFilters && RunFilters() && Stay() && ChooseChain()) StartAdmission();
  if (state_ == State::kAdmission && Admit() && StartHandshake() && StartFirstBytes()) HandOn();
  if (state_ == State::kHandshake && Shake() && StartFirstBytes()) HandOn();
  if (state_ == State::kFirstBytes && CheckFirstBytes()) HandOn();
}

bool Intake::RunFilters() {
  for (; filter_ < listener_.config().filters.size(); ++filter_) {
    if (FilterDisabled()) continue;
    if (!RunFilter(listener_.filter(filter_))) return false;
    seen_ = 0;
  }
  return true;
}

bool Intake::FilterDisabled() {
  const auto& disabled = listener_.config().filters_disabled;
  if (disabled.empty() || disabled[filter_] == nullptr) return false;
  if (facts_.local.family() == net::Address::Family::kNone) {
    facts_.local = net::Address::LocalOf(arrival_.socket.fd());
  }
  return disabled[filter_]->Holds(facts_.local);
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

bool Intake::Stay() {
  Listener* other = listener_.Redirected(facts_.local);
  if (other == nullptr) return true;
  TakeFacts();
  Arrival arrival{std::move(arrival_.socket), std::move(arrival_.info)};
  Close();
  other->Adopt(std::move(arrival));
  return false;
}

bool Intake::ChooseChain() {
  timer_.Disarm();
  if (facts_.local.family() == net::Address::Family::kNone &&
      (listener_.config().match.needs_local() || listener_.config().chain_tree != nullptr)) {
    facts_.local = net::Address::LocalOf(arrival_.socket.fd());
  }
  service_ = listener_.Choose(facts_);
  if (service_ == nullptr) {
    listener_.stats().no_filter_chain_match.Inc();
    unmatched_ = true;
    Close();
    return false;
  }
  return true;
}

// What listener filters found out goes with the connection.
void Intake::TakeFacts() {
  arrival_.info.local = facts_.local;
  arrival_.info.local_restored = facts_.local_restored;
  if (facts_.remote != facts_.direct_remote) {
    arrival_.info.proxied_remote = std::make_unique<const net::Address>(facts_.remote);
  }
  if (facts_.proxy_notes != nullptr) arrival_.info.proxy_notes = std::move(facts_.proxy_notes);
  TakeParts();
}

void Intake::TakeParts() {
  for (auto& part : facts_.parts) arrival_.info.parts.push_back(std::move(part));
  facts_.parts.clear();
}

void Intake::StartAdmission() {
  TakeFacts();
  arrival_.server_name = std::move(facts_.server_name);
  state_ = State::kAdmission;
}

bool Intake::Admit() {
  const auto verdict = service_->Admit(arrival_, passage_, *this);
  if (!verdict.pass) {
    Refuse(verdict);
  } else if (passage_.wait == nullptr) {
    passage_ = {};
    admitted_ = true;
  } else if (ClientBroke()) {
    Close();
  }
  return admitted_;
}

bool Intake::ClientBroke() {
  const bool closed = arrival_.socket.peer_closed();
  return Broken(arrival_.socket) || (closed && FirstBytes(arrival_.socket) == ReadStatus::kError);
}

// The terminal filter learns of it, then the client does: at once, or when it has waited.
void Intake::Refuse(const filter::NetworkFilter::Verdict& verdict) {
  service_->OnRefused(arrival_, verdict);
  if (verdict.delay == 0) {
    Close();
    return;
  }
  state_ = State::kRefused;
  timer_.ArmIn(verdict.delay);
}

void Intake::Describe(filter::StreamInfo& info) {
  arrival_.info.local = facts_.local;
  TakeParts();
  if (arrival_.info.tls == nullptr) {
    arrival_.info.requested_server_name =
        facts_.server_name.empty() ? arrival_.server_name : facts_.server_name;
  }
  DescribeConnection(arrival_.info, info);
  info.start = arrival_.info.begin;
  if (info.notes != nullptr) info.notes->downstream_close = arrival_.socket.close_type();
  if (service_ != nullptr) info.filter_chain_name = service_->chain().name;
  if (unmatched_) {
    info.flags = filter::kNoRouteFound;
    info.details = "filter_chain_not_found";
  }
}

// True when there is none to make.
bool Intake::StartHandshake() {
  if (service_->chain().tls == nullptr) return true;
  if (!service_->tls_context()) {
    PX_LOG(kConnection, kDebug, "listener ", listener_.config().name,
           ": a client came before the secrets of filter chain ", service_->chain().name);
    listener_.tls_factory_stats().downstream_context_secrets_not_ready.Inc();
    Close();
    return false;
  }
  arrival_.socket.SetTransport(
      tls::MakeServerTransport(service_->tls_context(), listener_.tls_stats()));
  handshake_begun_ = listener_.loop().now();
  state_ = State::kHandshake;
  RearmTimers();
  return false;
}

void Intake::RearmTimers() {
  if (state_ != State::kHandshake) return;
  const base::Nanos timeout = base::Scaled(listener_.overload(), base::Overload::kTransportConnect,
                                           service_->chain().handshake_timeout);
  if (timeout != 0) timer_.ArmAt(handshake_begun_ + timeout);
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
      NoteFailure(arrival_.socket, arrival_.info);
      Close();
      return false;
  }
  auto& secured = static_cast<tls::TlsTransport&>(transport);
  secured.shared_session()->SetHandshake(handshake_begun_, listener_.loop().now());
  const tls::SessionInfo& session = secured.session();
  listener_.tls_agreements().Count(session);
  arrival_.info.tls = &session;
  arrival_.info.requested_server_name = session.sni();
  return true;
}

// True when nobody waits for them.
bool Intake::StartFirstBytes() {
  if (!service_->checks_first_bytes() || service_->begins_at_once()) return true;
  state_ = State::kFirstBytes;
  timer_.Disarm();
  if (service_->first_bytes_timeout() != 0) timer_.ArmIn(service_->first_bytes_timeout());
  return false;
}

bool Intake::CheckFirstBytes() {
  if (passage_.wait != nullptr && Broken(arrival_.socket)) {
    Close();
    return false;
  }
  if (!arrival_.socket.may_read()) return false;
  const ReadStatus status = FirstBytes(arrival_.socket);
  if (status == ReadStatus::kNothing) return false;
  if (status != ReadStatus::kBytes) {
    Close();
    return false;
  }
  const auto verdict = service_->CheckFirstBytes(arrival_, passage_, *this);
  if (!verdict.pass) Refuse(verdict);
  if (passage_.wait == nullptr) return verdict.pass;
  timer_.Disarm();  // The client has done its part.
  return false;
}

void Intake::HandOn() {
  timer_.Disarm();
  state_ = State::kGone;
  listener_.stats().downstream_pre_cx_active.Dec();
  listener_.HandOn(*this, service_->Begin(std::move(arrival_)));
}

void Intake::OnTimer() {
  if (state_ == State::kHandshake) {
    listener_.stats().downstream_cx_transport_socket_connect_timeout.Inc();
    arrival_.info.transport_failure = std::make_unique<const std::string>("connect timeout");
    Close();
  } else if (state_ == State::kFilters) {
    listener_.stats().downstream_pre_cx_timeout.Inc();
    if (!listener_.config().continue_on_filters_timeout) {
      Close();
      return;
    }
    filter_ = listener_.config().filters.size();  // With what was found so far.
    listener_.loop().AtTurnEnd(this);
  } else if (state_ == State::kFirstBytes || state_ == State::kRefused) {
    Close();
  }
}

void Intake::Close() {
  if (state_ == State::kGone) return;
  state_ = State::kGone;
  timer_.Disarm();
  if (service_ != nullptr && !admitted_) service_->Abandon(passage_);
  passage_.wait.reset();
  listener_.stats().downstream_pre_cx_active.Dec();
  arrival_.socket.Close();
  listener_.Remove(*this);
}

}  // namespace proxenos::downstream
