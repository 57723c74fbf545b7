// Adding up, and handing over.
#include "source/upstream/load_metrics.h"

#include <utility>

namespace proxenos::upstream {

void AddTo(MetricSums& sums, const MetricSums& more) {
  for (const auto& [name, sum] : more) {
    MetricSum& to = sums[name];
    to.requests += sum.requests;
    to.total += sum.total;
  }
}

void LoadMetrics::Part::Add(uint64_t host, absl::string_view name, double value) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = hosts_.find(host);
  // No room for a host either: they come and go as long as nobody takes a report.
  if (known == hosts_.end() && names_ >= kMaxNames) return;
  MetricSums& sums = known == hosts_.end() ? hosts_[host] : known->second;
  auto found = sums.find(name);
  if (found == sums.end()) {
    if (sums.size() >= kMaxNamesPerHost || names_ >= kMaxNames) return;
    found = sums.emplace(std::string(name), MetricSum()).first;
    ++names_;
  }
  ++found->second.requests;
  found->second.total += value;
}

std::shared_ptr<const LoadMetrics::Part> LoadMetrics::AddPart() const {
  auto part = std::make_shared<const Part>();
  const std::lock_guard<std::mutex> lock(mutex_);
  parts_.push_back(part);
  return part;
}

absl::flat_hash_map<uint64_t, MetricSums> LoadMetrics::Take() const {
  absl::flat_hash_map<uint64_t, MetricSums> taken;
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(parts_, [&taken](const std::shared_ptr<const Part>& part) {
    // Before its sums are taken: whoever lets go of it meanwhile is seen the next time.
    const bool left = part.use_count() == 1;
    absl::flat_hash_map<uint64_t, MetricSums> hosts;
    {
      const std::lock_guard<std::mutex> part_lock(part->mutex_);
      hosts.swap(part->hosts_);
      part->names_ = 0;
    }
    for (const auto& [host, sums] : hosts) AddTo(taken[host], sums);
    return left;
  });
  return taken;
}

}  // namespace proxenos::upstream
