// What counts, and for how long.
#include "source/upstream/host_weights.h"

#include "absl/container/flat_hash_set.h"
#include "source/upstream/orca_rules.h"

namespace proxenos::upstream {

void HostWeights::Set(uint64_t host, double weight, base::MonoTime now) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Weight& known = weights_[host];
  known.weight = weight;
  known.updated = now;
  if (known.since == 0) known.since = now;
}

std::optional<double> HostWeights::Get(uint64_t host, const OrcaWeighting& rules,
                                       base::MonoTime now) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = weights_.find(host);
  if (found == weights_.end()) return std::nullopt;
  Weight& known = found->second;
  if (now - known.updated > rules.expiration_period) {
    known.since = 0;  // If reports come again, they have to come for a while.
    return std::nullopt;
  }
  if (known.since == 0 || now - known.since < rules.blackout_period) return std::nullopt;
  return known.weight;
}

void HostWeights::Keep(const HostSet& hosts) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (weights_.empty()) return;
  absl::flat_hash_set<uint64_t> present;
  present.reserve(hosts.size());
  for (const HostEntry& entry : hosts.entries()) present.insert(entry.host->id());
  absl::erase_if(weights_, [&present](const auto& each) { return !present.contains(each.first); });
}

}  // namespace proxenos::upstream
