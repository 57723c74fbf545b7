// Intake: a connection on its way to the terminal filter of its chain: listener filters look at its
// first bytes, the filter chain is chosen, network filters let it pass, TLS shakes hands. Then the
// socket goes on to the connection that the chain's service makes, and the Intake retires.
// Connections that have nothing to find out skip it.
//
//   kFilters --> kAdmission --> kHandshake --> kFirstBytes --> (handed on)
//      |             |              |              |
//      +-------------+--------------+--------------+--> kRefused (a network filter's delay) -->
//      kGone
//
// It holds no bytes: filters look at what is in the kernel's buffer.
//
// Owner: its Listener's list. Thread: the worker's. Dies when: the listener retires it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/downstream/chain_service.h"
#include "source/downstream/connection.h"
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
  base::MonoTime last_active() const override { return arrival_.info.begin; }
  ChainService* admitted_by() override { return admitted_ ? service_ : nullptr; }
  const ChainService* chosen() override { return service_; }
  void RearmTimers() override;
  void Describe(filter::StreamInfo& info) override;

 private:
  enum class State : uint8_t { kFilters, kAdmission, kHandshake, kFirstBytes, kRefused, kGone };

  // Each is true when it is done.
  bool RunFilters();
  // Whether the next one is left out.
  bool FilterDisabled();
  bool RunFilter(filter::ListenerFilter& filter);
  bool ShowBytes(filter::ListenerFilter& filter, filter::ListenerFilter::Result* result);
  // Hands a redirected connection to the listener that it was for; true where there is none.
  bool Stay();
  bool ChooseChain();
  void StartAdmission();
  bool Admit();
  // Whether the client broke the connection while a network filter makes it wait.
  bool ClientBroke();
  void TakeFacts();
  void TakeParts();
  bool StartHandshake();
  bool Shake();
  bool StartFirstBytes();
  bool CheckFirstBytes();
  void Refuse(const filter::NetworkFilter::Verdict& verdict);
  void HandOn();
  void OnTimer();
  void Close();

  Listener& listener_;
  Arrival arrival_;
  filter::ConnectionFacts facts_;
  event::Timer timer_;  // Of what it waits for.
  base::MonoTime handshake_begun_ = 0;
  ChainService* service_ = nullptr;
  Passage passage_;         // Through the network filters of `service_`.
  bool admitted_ = false;   // By them.
  bool unmatched_ = false;  // No filter chain wants it.
  size_t filter_ = 0;       // The next to run.
  uint32_t seen_ = 0;       // Bytes that it has been shown.
  State state_ = State::kFilters;
};

}  // namespace proxenos::downstream
