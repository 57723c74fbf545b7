// HostWeights: the weights that hosts ask for by reports of their load, and which of them count:
// not the first ones, until reports have come for a while, nor those that are too old.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "source/base/clock.h"
#include "source/upstream/host_set.h"

namespace proxenos::upstream {

struct OrcaWeighting;

// Owner: a worker's OrcaSink; with reports out of band the cluster's OrcaRules. Thread: any.
class HostWeights {
 public:
  // The host, by Host::id(), asks for that weight.
  void Set(uint64_t host, double weight, base::MonoTime now) const;

  // Nothing while what the host asked for does not count.
  std::optional<double> Get(uint64_t host, const OrcaWeighting& rules, base::MonoTime now) const;

  // Lets go of hosts that are not among these.
  void Keep(const HostSet& hosts) const;

 private:
  struct Weight {
    double weight = 1;
    base::MonoTime since = 0;    // From which on reports came without a break; 0: there was one.
    base::MonoTime updated = 0;  // When the last one came.
  };

  mutable std::mutex mutex_;
  mutable absl::flat_hash_map<uint64_t, Weight> weights_;  // By Host::id().
};

}  // namespace proxenos::upstream
