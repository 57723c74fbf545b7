// Building a Schedule: the ring, and a stride that spreads turns evenly.
#include "source/upstream/schedule.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "source/base/check.h"

namespace proxenos::upstream {
namespace {

// How unevenly multiples of stride / total lie: the sum of the fraction's partial quotients bounds
// their discrepancy. Zero when the two share a factor, which would leave places out.
uint32_t Unevenness(uint32_t stride, uint32_t total) {
  uint32_t sum = 0;
  while (stride != 0) {
    sum += total / stride;
    total = std::exchange(stride, total % stride);
  }
  return total == 1 ? sum : 0;
}

// Multiples of the golden section are the most evenly spread of all, for every length of the
// sequence. A whole number near it does as well if it is chosen well.
uint32_t GoldenStride(uint32_t total) {
  constexpr uint32_t kCandidates = 64;
  const double golden = (std::sqrt(5.0) - 1) / 2;
  const uint32_t first = static_cast<uint32_t>(std::lround(total * golden));
  uint32_t best = total - 1;  // Coprime to the total, if nothing better is found.
  uint32_t least = UINT32_MAX;
  for (uint32_t stride = first; stride < total && stride < first + kCandidates; ++stride) {
    const uint32_t unevenness = Unevenness(stride, total);
    if (unevenness == 0 || unevenness >= least) continue;
    best = stride;
    least = unevenness;
  }
  return best;
}

bool InARow(const std::vector<Schedule::Member>& members) {
  for (size_t i = 1; i < members.size(); ++i) {
    if (members[i].host != members[0].host + i) return false;
  }
  return true;
}

}  // namespace

Schedule::Schedule(std::vector<Member> members) : size_(static_cast<uint32_t>(members.size())) {
  if (members.empty()) return;
  uint32_t divisor = 0;
  for (const Member& member : members) {
    DCHECK(member.weight > 0);
    divisor = std::gcd(divisor, member.weight);
  }
  first_ = members[0].host;
  if (!InARow(members)) {
    hosts_.reserve(members.size());
    for (const Member& member : members) hosts_.push_back(member.host);
  }
  uint64_t total = 0;
  for (const Member& member : members) total += member.weight / divisor;
  CHECK(total <= UINT32_MAX);
  total_ = static_cast<uint32_t>(total);
  if (total_ == size_) return;  // All weights are the same.

  ends_.reserve(members.size());
  uint32_t end = 0;
  for (const Member& member : members) ends_.push_back(end += member.weight / divisor);
  stride_ = GoldenStride(total_);
}

uint32_t Schedule::MemberAt(uint32_t place) const {
  return static_cast<uint32_t>(std::upper_bound(ends_.begin(), ends_.end(), place) - ends_.begin());
}

}  // namespace proxenos::upstream
