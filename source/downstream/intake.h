// Intake: a connection whose protocol is not known yet: its listener filters look at the first
// bytes, its filter chain is chosen, TLS shakes hands, ALPN names the codec. Then the socket goes
// on to an Http1Connection or Http2Connection, and the Intake retires. Connections that have
// nothing to find out skip it.
//
//   kFilters --> kHandshake --> (handed on)
//
// It holds no bytes: filters look at what is in the kernel's buffer.
//
// Owner: its Listener's list. Thread: the worker's. Dies when: the listener retires it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/downstream/connection.h"
#include "source/downstream/http_service.h"
#include "source/filter/listener_filter.h"

namespace proxenos::downstream {

class Intake final : public Connection {
 public:
  Intake(Listener& listener, Arrival arrival);
  ~Intake() override;

  // Takes it as far as it goes now; may hand the socket on, or close.
  void Advance();

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override { Advance(); }
  // Draining has to wait for what it turns out to be; it does not take long.
  void Drain(bool) override {}
  void Abort() override { Close(); }
  bool idle() const override { return false; }
  base::MonoTime last_active() const override { return arrival_.created; }

 private:
  enum class State : uint8_t { kFilters, kHandshake, kGone };

  // Each is true when it is done.
  bool RunFilters();
  bool RunFilter(filter::ListenerFilter& filter);
  bool ShowBytes(filter::ListenerFilter& filter, filter::ListenerFilter::Result* result);
  bool ChooseChain();
  bool StartHandshake();
  bool Shake();
  void HandOn();
  void OnTimer();
  void Close();

  Listener& listener_;
  Arrival arrival_;
  filter::ConnectionFacts facts_;
  event::Timer timer_;  // listener_filters_timeout, then the handshake's.
  HttpService* service_ = nullptr;
  size_t filter_ = 0;  // The next to run.
  uint32_t seen_ = 0;  // Bytes that it has been shown.
  State state_ = State::kFilters;
};

}  // namespace proxenos::downstream
