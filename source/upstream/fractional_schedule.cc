// Fractions made whole.
#include "source/upstream/fractional_schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace proxenos::upstream {
namespace {

// With this sum weights are exact to a millionth and fit a ring of 32 bits with room for rounding
// up.
constexpr double kWeightRing = 1u << 30;

}  // namespace

Schedule ScheduleInProportion(const std::vector<std::pair<uint32_t, double>>& weights) {
  double sum = 0;
  double least = 0;
  for (const auto& [host, weight] : weights) {
    sum += weight;
    least = least == 0 ? weight : std::min(least, weight);
  }
  // Small whole ratios stay small whole numbers: turns then repeat soon.
  const auto whole = [least](const auto& each) {
    const double ratio = each.second / least;
    return std::abs(ratio - std::round(ratio)) < 1e-9;
  };
  const bool exact =
      sum / least < kWeightRing && std::all_of(weights.begin(), weights.end(), whole);
  const double scale = exact ? 1 / least : kWeightRing / sum;
  std::vector<Schedule::Member> members;
  members.reserve(weights.size());
  for (const auto& [host, weight] : weights) {
    const double scaled = std::max(1.0, std::round(weight * scale));
    members.push_back({host, static_cast<uint32_t>(scaled)});
  }
  return Schedule(std::move(members));
}

}  // namespace proxenos::upstream
