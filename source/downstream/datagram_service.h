// DatagramTerminal: what a listener does with datagrams, as it is configured: the UDP proxy.
// DatagramService: the same on one worker, with the sessions that it keeps.
//
// A listener of datagrams has no connections and no filter chains: one terminal takes all that its
// sockets receive (datagram_receiver.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "source/base/clock.h"
#include "source/base/intrusive_list.h"
#include "source/filter/environment.h"
#include "source/net/datagram.h"
#include "source/stats/registry.h"

namespace proxenos::downstream {

class DatagramReceiver;

// Owner: the DatagramReceiver. Thread: the worker's.
class DatagramService : public base::ListNode<> {
 public:
  struct Parts {
    DatagramReceiver& receiver;  // Outlives it.
    const filter::Environment& environment;
    stats::Registry& registry;
  };

  virtual ~DatagramService() = default;

  // A client sent one to `local`. `socket` is where an answer has to leave
  // (DatagramReceiver::Send).
  struct Arrived {
    absl::string_view bytes;
    const net::Address& peer;
    const net::Address& local;
    uint32_t socket;
  };
  virtual void OnDatagram(const Arrived& datagram) = 0;
  virtual void OnReceiveError() = 0;
  // Clusters were changed or removed, or have got other hosts.
  virtual void OnClustersChanged() = 0;

  // Ends sessions in which nothing has happened for `quiet`.
  virtual void CloseIdle(base::Nanos quiet) = 0;
  virtual void CloseAll() = 0;
  virtual size_t session_count() const = 0;
};

// Owner: the DatagramConfig, shared by all workers (immutable).
class DatagramTerminal {
 public:
  virtual ~DatagramTerminal() = default;
  virtual std::unique_ptr<DatagramService> MakeService(DatagramService::Parts parts) const = 0;
  // The clusters that it may send datagrams to.
  virtual absl::Span<const std::string> cluster_names() const { return {}; }
};

// Of a listener whose address is one of UDP.
struct DatagramConfig {
  static constexpr uint32_t kMaxBytes = 1500;  // Envoy's default.

  uint32_t max_bytes = kMaxBytes;  // Of one datagram; longer ones are dropped.
  std::unique_ptr<const DatagramTerminal> terminal;
};

}  // namespace proxenos::downstream
