// BoundedHashChoice: by the request's hash, as HashChoice does it, but no host is given more than
// hash_balance_factor percent of the average ("consistent hashing with bounded loads", Mirrokni et
// al., arXiv:1608.01350). What is too much for a host goes to others in an order that the hash
// decides (arXiv:1908.08762), so the same hash spills over to the same hosts.
#pragma once

#include <cstdint>
#include <vector>

#include "source/upstream/load_balancer.h"

namespace proxenos::upstream {

// Loads are those of the worker: where each worker keeps to the bound, so do all of them together.
class BoundedHashChoice final : public LoadBalancer {
 public:
  // REQUIRES: `active` answers for kNoHost too.
  BoundedHashChoice(uint32_t factor_percent, ActiveRequests active);

 private:
  using Members = absl::Span<const HashTable::Member>;

  void OnUpdate(base::Random& random) override;
  // O(log n); O(n) for a host that has its share already.
  HostIndex PickIn(const Draw& draw, base::Random& random) override;
  HostIndex Spill(Members members, double sum, const Draw& draw, HostIndex full);
  // Above 1: the host has no room. The share is `weight` of `sum`.
  double LoadOf(HostIndex host, double weight, double sum) const;

  const uint64_t factor_percent_;
  const ActiveRequests active_;
  std::vector<double> sums_;      // Of the weights of each group's hosts.
  std::vector<uint32_t> places_;  // Of one Spill; kept for its memory.
};

}  // namespace proxenos::upstream
