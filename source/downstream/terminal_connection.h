// TerminalConnection: what connections of terminal network filters have in common that do not speak
// HTTP: the socket, its network filters' second look, and the ways to end. What it is told only
// marks: Advance, at the turn's end, acts.
#pragma once

#include <memory>
#include <optional>

#include "source/downstream/chain_service.h"
#include "source/downstream/connection.h"
#include "source/event/event_loop.h"

namespace proxenos::downstream {

// Owner: its Listener's list. Thread: the worker's. Dies when: the listener retires it.
class TerminalConnection : public Connection {
 public:
  TerminalConnection(ChainService& service, Arrival arrival);

  void OnIo(uint32_t events) final;
  void OnTurnEnd() final;
  // Whatever it carries has no point at which it could be asked to end.
  void Drain(bool) override {}
  void Abort() override { Close(); }
  bool idle() const override { return false; }
  base::MonoTime last_active() const override { return arrival_.info.begin; }
  ChainService* admitted_by() final { return &service_; }
  void Describe(filter::StreamInfo& info) override;

 protected:
  // Does what can be done now.
  virtual void Advance() = 0;
  // A network filter refused the connection, for which it gives the reason: it closes soon.
  virtual void OnRefused(const filter::NetworkFilter::Verdict&) {}
  // It closes: what depends on it ends.
  virtual void OnClosing() {}

  // Whether the socket may have something to read, and the network filters let it be read: they may
  // have to wait for that.
  bool MayRead();
  void WantAdvance() { loop_.AtTurnEnd(this); }
  // At once; unsent bytes are dropped. With `reset` the client sees a RST.
  void Close(bool reset = false);

  net::Connection& socket() { return arrival_.socket; }
  const net::Connection& socket() const { return arrival_.socket; }
  Arrival& arrival() { return arrival_; }
  event::EventLoop& loop() { return loop_; }
  bool closed() const { return closed_; }

 private:
  // Asks the network filters again, or for the first time.
  bool PassesCheck();

  ChainService& service_;
  event::EventLoop& loop_;
  Arrival arrival_;
  bool unchecked_;   // The network filters are to be asked at the first bytes.
  Passage passage_;  // Through that second look of theirs.
  bool refused_ = false;
  bool closed_ = false;
  std::optional<event::Timer> refusal_;  // A network filter's delay.
};

}  // namespace proxenos::downstream
