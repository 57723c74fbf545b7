// DatagramReceiver: one worker's sockets of a listener of datagrams, and what takes them from
// there.
//
// A turn reads a bounded number from each socket; the rest waits in the kernel's queue, which is
// bounded too. A listener that takes another's place gets its sockets; the old one can still answer
// by them and is told nothing more.
//
// Owner: the Listener. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/downstream/datagram_service.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"
#include "source/net/datagram.h"
#include "source/net/socket.h"
#include "source/stats/registry.h"
#include "source/stats/udp_stats.h"

namespace proxenos::downstream {

class DatagramReceiver {
 public:
  struct Parts {
    const filter::Environment& environment;
    stats::Registry& registry;
    base::IntrusiveList<DatagramService>& services;  // Those that hear of changed clusters.
  };

  // `config` outlives it; `address` is the listener's, as stats name it.
  DatagramReceiver(Parts parts, const DatagramConfig& config, const std::string& address,
                   std::vector<net::UniqueFd> sockets);
  DatagramReceiver(const DatagramReceiver&) = delete;
  DatagramReceiver& operator=(const DatagramReceiver&) = delete;
  ~DatagramReceiver();

  // Closes the sockets and ends all sessions: nobody could be answered any more.
  void Close();
  // Gives up the sockets to the listener that takes its place.
  std::vector<net::UniqueFd> Release();
  // While on, datagrams wait in the kernel's queue.
  void Hold(bool on);

  // Answers `peer`, from the address that it wrote to. False: the kernel did not take it.
  bool Send(uint32_t socket, absl::string_view bytes, const net::Address& local,
            const net::Address& peer);

  DatagramService& service() { return *service_; }
  event::EventLoop& loop() { return environment_.loop; }

 private:
  class Socket final : public event::IoHandler {
   public:
    Socket(DatagramReceiver& receiver, uint32_t number, net::UniqueFd fd);
    ~Socket() override;
    void OnIo(uint32_t events) override;
    // The descriptor; what stays can only be answered by.
    net::UniqueFd Release();
    void Close();
    void Listen(bool on);
    bool Send(absl::string_view bytes, const net::Address& local, const net::Address& peer);

   private:
    // Hands on what was read.
    void Deliver(const net::DatagramReader::Result& read);

    DatagramReceiver& receiver_;
    const uint32_t number_;
    const net::Address bound_;
    const bool any_address_;   // Clients tell by their datagrams which of ours they mean.
    uint32_t kernel_dropped_;  // What is counted already.
    bool reading_ = true;
    net::UniqueFd fd_;
  };

  const filter::Environment& environment_;
  stats::Group<stats::UdpListenerStats> stats_;
  net::DatagramReader reader_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::unique_ptr<DatagramService> service_;
};

}  // namespace proxenos::downstream
