// CaresResolver: DnsResolver by c-ares, its sockets and timeouts driven by the event loop.
//
// Invariant: no code of ours runs inside c-ares beyond depositing an answer; askers are told, and
// further queries started, when the loop runs what is scheduled.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/net/dns_resolver.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace proxenos::net {

// Owner: the main thread's server. Thread: the loop's. Dies when: the server does, after all of its
// queries.
class CaresResolver final : public DnsResolver, private event::Runnable {
 public:
  // Look-ups that are with the servers at once; more wait in line. Their datagrams must fit the
  // receive buffers of both ends (Linux: 208 KiB, at least 1 KiB for each): what does not fit is
  // lost and costs a timeout. Measured: with 256 one in seventy was.
  static constexpr uint32_t kMaxInFlight = 64;

  CaresResolver(event::EventLoop& loop, DnsOptions options);
  ~CaresResolver() override;

  std::unique_ptr<DnsQuery> Resolve(absl::string_view name, DnsFamily family, Done done) override;

  // For tests: look-ups that c-ares has under way, those of cancelled queries included.
  uint32_t in_flight() const { return in_flight_; }

 private:
  class Query;
  class Socket;
  struct WaitingTag;
  struct LookUp;

  void Run() override;  // Starts what waits; renews the channel.
  void OpenChannel();
  void CloseChannel();
  void Enqueue(Query& query);
  void Start(Query& query);
  // Opens the channel anew. REQUIRES: nothing is under way.
  void Renew();
  // Whether no further look-up may go out on the channel.
  bool UsedUp() const;
  void OnSocketState(int fd, bool readable, bool writable);
  void Process(int read_fd, int write_fd);
  void ArmTimer();
  static void OnAnswer(void* arg, int status, int timeouts, ares_addrinfo* result);

  event::EventLoop& loop_;
  const DnsOptions options_;
  event::Timer timer_;

  ares_channeldata* channel_ = nullptr;  // Null when it could not be opened.
  std::string channel_error_;
  // The system's servers may have changed, or its sockets are used up: a new one is opened once
  // nothing is under way.
  bool renew_channel_ = false;
  base::MonoTime opened_ = 0;
  uint32_t look_ups_ = 0;  // Since then.
  uint32_t in_flight_ = 0;
  absl::flat_hash_map<int, std::unique_ptr<Socket>> sockets_;
  base::IntrusiveList<Query, WaitingTag> waiting_;
};

}  // namespace proxenos::net
