// Weights of the moment, and the turns that follow from them.
#include "source/upstream/live_schedules.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "source/upstream/fractional_schedule.h"

namespace proxenos::upstream {
namespace {

// Of what no host has reported, 1. Changes the order.
double MedianOf(std::vector<double>& values) {
  if (values.empty()) return 1;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace

void LiveSchedules::Reset(const HostSet& hosts, std::vector<Turns> turns) {
  hosts_ = &hosts;
  turns_ = std::move(turns);
  reported_.clear();
  shares_.clear();
  live_.clear();
  due_ = 0;
}

bool LiveSchedules::Refresh() {
  const base::MonoTime now = inputs_.loop.now();
  if (now < due_) return false;
  due_ = base::kNever;
  bool changed = false;
  if (inputs_.orca != nullptr) {
    due_ = now + inputs_.orca->rules().weighting->update_period;
    std::vector<double> reported = Reported(now);
    changed = reported != reported_;
    reported_ = std::move(reported);
  }
  if (inputs_.slow_start != nullptr) {
    std::vector<double> shares = Shares(now);
    if (!shares.empty()) due_ = std::min(due_, now + inputs_.slow_start->step());
    changed = changed || shares != shares_;
    shares_ = std::move(shares);
  }
  if (!changed) return false;
  live_.clear();
  if (reported_.empty() && shares_.empty()) return true;
  live_.reserve(turns_.size());
  for (const Turns& turns : turns_) live_.push_back(Rebuild(turns));
  return true;
}

std::vector<double> LiveSchedules::Reported(base::MonoTime now) const {
  std::vector<double> weights(hosts_->size(), 0);
  std::vector<std::vector<double>> known(hosts_->priority_count());
  for (HostIndex i = 0; i < hosts_->size(); ++i) {
    const HostEntry& entry = hosts_->entry(i);
    const std::optional<double> weight = inputs_.orca->WeightOf(entry.host->id(), now);
    if (!weight.has_value()) continue;
    weights[i] = *weight;
    known[entry.priority].push_back(*weight);
  }
  std::vector<double> medians;
  medians.reserve(known.size());
  for (std::vector<double>& values : known) medians.push_back(MedianOf(values));
  for (HostIndex i = 0; i < hosts_->size(); ++i) {
    if (weights[i] == 0) weights[i] = medians[hosts_->entry(i).priority];
  }
  return weights;
}

std::vector<double> LiveSchedules::Shares(base::MonoTime now) const {
  std::vector<double> shares;
  for (HostIndex i = 0; i < hosts_->size(); ++i) {
    const HostEntry& entry = hosts_->entry(i);
    const base::MonoTime since = entry.host->in_rotation_since().load(std::memory_order_relaxed);
    if (since == 0 || !entry.healthy()) continue;
    const double share = inputs_.slow_start->ShareAfter(now - since);
    if (share >= 1) continue;
    if (shares.empty()) shares.resize(hosts_->size(), 1);
    shares[i] = share;
  }
  return shares;
}

Schedule LiveSchedules::Rebuild(const Turns& turns) const {
  const Schedule& plain = *turns.plain;
  std::vector<std::pair<uint32_t, double>> weights;
  weights.reserve(plain.size());
  // Of each locality: what it has together, before and after. Where localities have weights, they
  // keep what they had.
  const bool by_locality = hosts_->options().locality_weighted && !turns.panic;
  const size_t localities = by_locality ? hosts_->localities().size() : 0;
  std::vector<double> before(localities), after(localities);
  for (uint32_t member = 0; member < plain.size(); ++member) {
    const HostIndex host = plain.HostOfMember(member);
    const double was = plain.WeightOfMember(member);
    double weight = reported_.empty() ? was : reported_[host];
    if (!shares_.empty()) weight *= shares_[host];
    weights.emplace_back(host, weight);
    if (!by_locality) continue;
    before[hosts_->entry(host).locality] += was;
    after[hosts_->entry(host).locality] += weight;
  }
  for (auto& [host, weight] : weights) {
    if (!by_locality) break;
    const uint16_t locality = hosts_->entry(host).locality;
    weight *= before[locality] / after[locality];
  }
  return weights.empty() ? Schedule() : ScheduleInProportion(weights);
}

}  // namespace proxenos::upstream
