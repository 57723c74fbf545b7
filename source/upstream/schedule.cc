// Building a Schedule: the ring, and a stride that spreads turns evenly.
#include "source/upstream/schedule.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "source/base/check.h"

namespace proxenos::upstream {
namespace {

// A number near total / golden ratio that shares no factor with it. Multiples of the golden section
// are the most evenly spread of all such sequences, for every length of it.
uint32_t GoldenStride(uint32_t total) {
  if (total <= 2) return 1;
  const double golden = (std::sqrt(5.0) - 1) / 2;
  uint32_t stride = static_cast<uint32_t>(std::lround(total * golden));
  // Ends soon: among any few numbers in a row one is coprime to the total; total - 1 always is.
  while (std::gcd(stride, total) != 1) ++stride;
  return stride;
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
