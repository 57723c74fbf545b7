// What is too much, and where it goes.
#include "source/upstream/bounded_hash.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "source/base/check.h"

namespace proxenos::upstream {
namespace {

// A number below `bound`, drawn without favour. REQUIRES: bound > 0.
uint32_t Below(std::mt19937& generator, uint32_t bound) {
  const uint64_t width = (uint64_t{1} << 32) / bound;
  uint64_t drawn;
  do {
    drawn = generator() / width;
  } while (drawn >= bound);
  return static_cast<uint32_t>(drawn);
}

}  // namespace

BoundedHashChoice::BoundedHashChoice(uint32_t factor_percent, ActiveRequests active)
    : factor_percent_(factor_percent), active_(std::move(active)) {}

void BoundedHashChoice::OnUpdate(base::Random&) {
  sums_.clear();
  for (const HostGroup& group : hosts().groups()) {
    double sum = 0;
    for (const HashTable::Member& member : group.table->members()) sum += member.weight;
    sums_.push_back(sum);
  }
}

double BoundedHashChoice::LoadOf(HostIndex host, double weight, double sum) const {
  const uint32_t own = active_(host);
  if (own <= 1) return own;  // Every host has room for one.
  const uint64_t all = ((uint64_t{active_(kNoHost)} + 1) * factor_percent_ + 99) / 100;
  const double room = std::max(1.0, std::ceil(static_cast<double>(all) * weight / sum));
  return own / room;
}

HostIndex BoundedHashChoice::PickIn(const Draw& draw, base::Random&) {
  const HashTable& table = *hosts().groups()[draw.group].table;
  const HostIndex host = table.Pick(draw.hash, draw.attempt);
  const Members members = table.members();
  // They stand in the order of the snapshot.
  const auto member = std::lower_bound(
      members.begin(), members.end(), host,
      [](const HashTable::Member& each, HostIndex wanted) { return each.host < wanted; });
  DCHECK(member != members.end() && member->host == host);
  const double sum = sums_[draw.group];
  return LoadOf(host, member->weight, sum) <= 1 ? host : Spill(members, sum, draw, host);
}

// The first with room in an order that depends on the hash alone; where none has, the one that is
// least over its share. The generator is named, not std::default_random_engine: every worker, and
// every proxy, is to go the same way.
HostIndex BoundedHashChoice::Spill(Members members, double sum, const Draw& draw, HostIndex full) {
  std::mt19937 generator(static_cast<uint32_t>(draw.hash));
  places_.resize(members.size());
  std::iota(places_.begin(), places_.end(), 0u);
  HostIndex best = full;
  double best_load = HUGE_VAL;
  for (size_t i = 0; i < places_.size(); ++i) {
    const uint32_t rest = static_cast<uint32_t>(places_.size() - i);
    std::swap(places_[i], places_[i + Below(generator, rest)]);
    const HashTable::Member& other = members[places_[i]];
    const double load = LoadOf(other.host, other.weight, sum);
    if (load <= 1) return other.host;
    if (load < best_load || (load == best_load && other.host == full)) {
      best = other.host;
      best_load = load;
    }
  }
  return best;
}

}  // namespace proxenos::upstream
