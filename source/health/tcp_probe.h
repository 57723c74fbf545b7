// TcpProbe: connects and, where asked to, sends some bytes and waits for others:
// HealthCheck.TcpHealthCheck. Without bytes to wait for the connection itself is the answer.
#pragma once

#include <memory>
#include <string>

#include "source/event/event_loop.h"
#include "source/health/probe.h"
#include "source/net/connection.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::health {

//          Start                 connected, handshake over      receive was seen
//  kIdle ---------> kConnecting -----------------------> kAsking -----------------> kIdle (kept)
//                        |                                  |
//                        +---- refused, closed, GiveUp -----+----> kIdle (closed)
class TcpProbe final : public Probe,
                       private event::IoHandler,
                       private event::Runnable,
                       private event::TurnEnd {
 public:
  TcpProbe(const upstream::HealthCheck& check, CheckCluster& cluster,
           std::shared_ptr<const upstream::Host> target, OnDone on_done);
  ~TcpProbe() override;

  void Start() override;
  void GiveUp() override { Close(); }

 private:
  enum class State : uint8_t { kIdle, kConnecting, kAsking };

  void OnIo(uint32_t events) override;
  void Run() override;
  void OnTurnEnd() override;

  bool Connect();
  bool MakeTransport();
  // The preface and the handshake. False: it failed, and was told.
  bool Advance();
  void Ask();
  void Read();
  void Pass();
  void Fail();
  void Close();

  const upstream::TcpCheck& check_;
  const bool reuse_;
  CheckCluster& cluster_;
  const std::shared_ptr<const upstream::Host> target_;
  std::unique_ptr<net::Connection> connection_;  // Null while there is none.
  std::unique_ptr<net::Transport> transport_;    // Until the preface is out.
  buffer::Buffer preface_;
  std::string received_;
  State state_ = State::kIdle;
};

}  // namespace proxenos::health
