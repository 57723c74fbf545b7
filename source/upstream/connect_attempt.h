// ConnectAttempt: a connection to a host on its way, within connect_timeout all told. Nearly always
// it is one try (connect_try.h) at the one address of the host; a host with several has them raced
// (address_race.h), and the attempt is what the pool sees of that.
//
//   Begin --> (tries) --> HostPool::OnConnected
//                 |
//                 +-----> HostPool::OnConnectFailed
//
// Owner: its HostPool. Thread: the worker's. Dies when: it succeeded or failed, or the pool dies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "source/base/intrusive_list.h"
#include "source/upstream/connect_try.h"

namespace proxenos::upstream {

class AddressRace;
class HostPool;

// Why a try could not even begin.
struct OpenFailure {
  PoolFailure failure = PoolFailure::kNone;
  absl::string_view detail;  // Static text.
};

class ConnectAttempt final : public base::ListNode<> {
 public:
  // `streams`: how many exchanges the connection is expected to serve at once.
  ConnectAttempt(HostPool& pool, uint32_t streams);
  ~ConnectAttempt();

  // Opens the first socket. False: none could be; nobody is told besides. REQUIRES: called once.
  bool Begin(OpenFailure& why);

  uint32_t streams() const { return streams_; }
  base::MonoTime begun() const { return begun_; }
  HostPool& pool() const { return pool_; }
  event::EventLoop& loop() const;
  // What ALPN chose; empty without TLS or when nothing was. REQUIRES: it succeeded.
  absl::string_view protocol() const { return winner_->protocol(); }
  // Takes the connection out. REQUIRES: it succeeded.
  Established Take() { return winner_->Take(); }
  // Ends it without telling anybody.
  void Cancel();

  // From its tries.
  void OnTryDone(ConnectTry& winner);
  void OnTryFailed(PoolFailure failure, absl::string_view detail);

 private:
  void Fail(PoolFailure failure, absl::string_view detail);

  HostPool& pool_;
  const uint32_t streams_;
  const base::MonoTime begun_;
  std::optional<ConnectTry> only_;
  std::unique_ptr<AddressRace> race_;  // In the place of `only_`, for hosts with several addresses.
  ConnectTry* winner_ = nullptr;
  event::Timer timeout_;
};

}  // namespace proxenos::upstream
