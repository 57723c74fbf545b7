// HostsByAddress: which host of a snapshot has an address, for requests that ask for one.
//
// Owner: the WorkerCluster. Thread: the worker's.
#pragma once

#include "absl/container/flat_hash_map.h"
#include "source/net/address.h"
#include "source/upstream/host_set.h"

namespace proxenos::upstream {

class HostsByAddress {
 public:
  // O(number of hosts), once for each snapshot that is asked about.
  explicit HostsByAddress(const HostSet& hosts);

  // kNoHost: none has it.
  HostIndex Find(const net::Address& address) const;

 private:
  absl::flat_hash_map<net::Address, HostIndex> indexes_;
};

}  // namespace proxenos::upstream
