// From an Assignment to the next HostSet of a cluster, keeping the hosts that stay.
//
// Thread: main.
#pragma once

#include <cstdint>
#include <memory>

#include "source/upstream/assignment.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"

namespace proxenos::upstream {

struct HostSetUpdate {
  std::shared_ptr<const HostSet> hosts;  // `previous` itself where nothing changed.
  uint32_t added = 0;                    // Hosts that were not in `previous`.
  uint32_t removed = 0;
  // Stat membership_change counts updates for which this holds.
  bool membership_changed() const { return added != 0 || removed != 0; }
  // Stat update_no_rebuild counts updates for which this does not hold.
  bool rebuilt = false;
};

// Hosts of `previous` (may be null) with the same address and hostname go on as the same objects.
// Endpoints that still wait for name resolution have no host. An address that occurs twice within a
// priority is one host.
HostSetUpdate BuildHostSet(const ClusterConfig& config, const Assignment& assignment,
                           const std::shared_ptr<const HostSet>& previous);

// Sets what `update` says of hosts that came and went.
void CountMembership(const HostSet& now, const HostSet* before, HostSetUpdate& update);

// A new snapshot of the same hosts after their health bits changed.
std::shared_ptr<const HostSet> RebuildForHealth(const HostSet& previous);

}  // namespace proxenos::upstream
