// UdpSession: one client's exchange with one host: a socket of its own, connected to the host, from
// which answers come back.
//
// Owner: the UdpService. Thread: the worker's. Dies when: nothing happened in it for the idle
// timeout; its host, cluster or listener goes; or its host is unhealthy and another one is not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/access_log/access_log.h"
#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"
#include "source/net/datagram.h"
#include "source/net/socket.h"
#include "source/upstream/host.h"

namespace proxenos::filters::udp_proxy {

class UdpService;
struct UdpHost;

// What tells sessions apart. `host` is its id where a client's datagrams are spread one by one,
// else 0.
struct SessionKey {
  net::Address peer;
  net::Address local;
  uint64_t host = 0;

  friend bool operator==(const SessionKey& a, const SessionKey& b) {
    return a.host == b.host && a.peer == b.peer && a.local == b.local;
  }
  template <typename H>
  friend H AbslHashValue(H h, const SessionKey& key) {
    return H::combine(std::move(h), key.peer, key.local, key.host);
  }
};

class UdpSession final : public event::IoHandler, public base::ListNode<> {
 public:
  // `socket` is that of the listener by which the client is answered.
  UdpSession(UdpService& service, SessionKey key, uint32_t socket, UdpHost& host,
             net::UniqueFd to_host);
  ~UdpSession() override;

  // From the client.
  void SendToHost(absl::string_view bytes);
  void OnIo(uint32_t events) override;
  // Once, by its owner, who lets go of it.
  void Close();

  const SessionKey& key() const { return key_; }
  // REQUIRES: it is not closed.
  UdpHost& host() { return *host_; }
  // As it was when the session began.
  const upstream::Host& picked() const { return *picked_; }
  base::MonoTime last_active() const { return last_active_; }

 private:
  void NoteActivity();
  void SendToClient(absl::string_view bytes);
  void OnLogTimer();
  void Log(access_log::LogType type);

  struct Counts {
    uint64_t rx_bytes = 0;
    uint64_t rx_datagrams = 0;
    uint64_t tx_bytes = 0;
    uint64_t tx_datagrams = 0;
    uint64_t tx_errors = 0;
  };

  UdpService& service_;
  const SessionKey key_;
  const uint32_t socket_;
  UdpHost* host_;  // Null once closed.
  const std::shared_ptr<const upstream::Host> picked_;
  net::UniqueFd fd_;
  const uint64_t id_;
  const base::MonoTime begin_;
  base::MonoTime last_active_;
  Counts counts_;
  uint32_t kernel_dropped_ = 0;  // What is counted already.
  event::Timer idle_;
  std::unique_ptr<event::Timer> log_timer_;  // Null: no log at intervals.
};

}  // namespace proxenos::filters::udp_proxy
