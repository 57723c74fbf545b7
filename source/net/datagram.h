// Datagrams of UDP: their sockets, reading several in one call, and answering from the address that
// was written to.
//
// Thread: functions any; a DatagramReader that of its owner.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/net/address.h"
#include "source/net/socket.h"

namespace proxenos::net {

// 0.0.0.0 or [::].
bool IsAnyAddress(const Address& address);

// A socket that takes what is sent to `address`. It fills as soon as it is bound.
absl::StatusOr<UniqueFd> BindDatagramSocket(const Address& address, const ListenOptions& options);
// A socket for an exchange with `peer` alone, from a port of its own. `source` may be null: the
// kernel chooses the address then.
absl::StatusOr<UniqueFd> ConnectDatagramSocket(const Address& peer, const Address* source);

// Sends one datagram; 0, or the error. `from` is null where the socket has but one address.
int SendDatagram(int fd, absl::string_view bytes, const Address& peer, const Address* from);

// How many the kernel has dropped of those that came to a socket.
uint32_t DroppedByKernel(int fd);

// One that was read. `bytes` are good until the next Read.
struct Datagram {
  absl::string_view bytes;
  Address peer;   // None of a socket that has but one peer.
  Address local;  // Where it was sent to, without the port; none where the socket tells nothing.
};

// Reads datagrams, a handful with each call. Its memory is made with the first and bounded by
// kMaxBytes whatever comes.
class DatagramReader {
 public:
  // Longer ones than `max_bytes` are dropped.
  explicit DatagramReader(uint32_t max_bytes);
  DatagramReader(const DatagramReader&) = delete;
  DatagramReader& operator=(const DatagramReader&) = delete;

  struct Result {
    absl::Span<const Datagram> datagrams;  // Good until the next Read.
    uint32_t too_long = 0;
    // Of the socket, since it was made; unset: nothing new.
    std::optional<uint32_t> dropped_by_kernel;
    int error = 0;      // What ended it, if not that nothing more waits.
    bool more = false;  // Perhaps more wait.
  };
  Result Read(int fd);

 private:
  static constexpr size_t kMaxBatch = 16;
  static constexpr size_t kMaxBytes = 64 * 1024;  // Or one datagram.

  struct Memory {
    sockaddr_storage peers[kMaxBatch];
    alignas(cmsghdr) char control[kMaxBatch][128];
    iovec pieces[kMaxBatch];
    mmsghdr messages[kMaxBatch];
  };

  void Prepare();
  void ReadControl(msghdr& header, Datagram& datagram, Result& result);

  const uint32_t max_bytes_;
  const size_t batch_;
  std::unique_ptr<Memory> memory_;  // Null before the first.
  std::unique_ptr<char[]> bytes_;
  std::vector<Datagram> read_;
};

}  // namespace proxenos::net
