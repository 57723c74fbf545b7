// Building of both tables.
#include "source/upstream/hash_table.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/xxhash64.h"

namespace proxenos::upstream {
namespace {

constexpr uint32_t kNobody = UINT32_MAX;

}  // namespace

uint64_t MurmurHash2(absl::string_view text) {
  constexpr uint64_t kSeed = 0xc70f6907;
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t hash = kSeed ^ (text.size() * kMultiplier);
  for (; text.size() >= 8; text.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, text.data(), sizeof(word));
    word *= kMultiplier;
    word ^= word >> kShift;
    hash = (hash ^ (word * kMultiplier)) * kMultiplier;
  }
  if (!text.empty()) {
    uint64_t rest = 0;
    std::memcpy(&rest, text.data(), text.size());
    hash = (hash ^ rest) * kMultiplier;
  }
  hash = (hash ^ (hash >> kShift)) * kMultiplier;
  return hash ^ (hash >> kShift);
}

bool IsPrime(uint64_t number) {
  if (number < 4) return number > 1;
  if (number % 2 == 0) return false;
  for (uint64_t i = 3; i * i <= number; i += 2) {
    if (number % i == 0) return false;
  }
  return true;
}

HashTable::HashTable(const HashOptions& options, std::vector<Member> members)
    : options_(options), members_(std::move(members)) {
  DCHECK(!members_.empty());
  if (options_.ring) {
    BuildRing();
  } else {
    BuildMaglev();
  }
}

bool HashTable::BuiltOf(const HashOptions& options, absl::Span<const Member> members) const {
  return options_ == options && members_.size() == members.size() &&
         std::equal(members_.begin(), members_.end(), members.begin());
}

uint64_t HashTable::Hash(absl::string_view text) const {
  return options_.function == HashOptions::Function::kMurmur2 ? MurmurHash2(text)
                                                              : base::XxHash64(text);
}

// Each host has points in proportion to its weight: the lightest as many as the smallest ring
// allows, if the largest does.
void HashTable::BuildRing() {
  double sum = 0;
  for (const Member& each : members_) sum += each.weight;
  double least = 1;
  for (const Member& each : members_) least = std::min(least, each.weight / sum);
  const double scale =
      std::min(std::ceil(least * static_cast<double>(options_.min_ring_size)) / least,
               static_cast<double>(options_.max_ring_size));
  ring_.reserve(static_cast<size_t>(std::ceil(scale)));
  double points = 0;
  double target = 0;
  for (const Member& each : members_) {
    target += scale * (each.weight / sum);
    for (uint64_t i = 0; points < target; ++i, ++points) {
      ring_.push_back({Hash(absl::StrCat(each.key, "_", i)), each.host});
    }
  }
  std::sort(ring_.begin(), ring_.end(),
            [](const Point& a, const Point& b) { return a.hash < b.hash; });
}

// In turns, each host takes the next free place of a permutation of its own; lighter hosts are
// passed over in some of the turns.
void HashTable::BuildMaglev() {
  struct Seat {
    const Member* member;
    uint64_t offset;
    uint64_t skip;
    double weight;  // Of all. Rounded as Envoy rounds it: in a tie it decides whose turn it is.
    double target = 0;
    uint64_t next = 0;
  };
  const uint64_t size = options_.table_size;
  double sum = 0;
  for (const Member& each : members_) sum += each.weight;
  double heaviest = 0;
  std::vector<Seat> seats;
  seats.reserve(members_.size());
  for (const Member& each : members_) {
    const double weight = each.weight / sum;
    heaviest = std::max(heaviest, weight);
    seats.push_back({&each, base::XxHash64(each.key) % size,
                     base::XxHash64(each.key, 1) % (size - 1) + 1, weight});
  }
  // The order decides who gets a place that two want.
  std::sort(seats.begin(), seats.end(),
            [](const Seat& a, const Seat& b) { return a.member->key < b.member->key; });
  table_.assign(size, kNobody);
  uint64_t taken = 0;
  for (uint64_t turn = 1; taken < size; ++turn) {
    for (Seat& seat : seats) {
      if (taken == size) break;
      if (static_cast<double>(turn) * seat.weight < seat.target) continue;
      seat.target += heaviest;
      uint64_t place;
      do {
        place = (seat.offset + seat.skip * seat.next++) % size;
      } while (table_[place] != kNobody);
      table_[place] = seat.member->host;
      ++taken;
    }
  }
}

uint32_t HashTable::Pick(uint64_t hash, uint32_t attempt) const {
  if (!options_.ring) {
    if (attempt > 0) hash ^= ~uint64_t{0} - attempt + 1;
    return table_[hash % table_.size()];
  }
  const auto found =
      std::lower_bound(ring_.begin(), ring_.end(), hash,
                       [](const Point& point, uint64_t wanted) { return point.hash < wanted; });
  size_t at = found == ring_.end() ? 0 : static_cast<size_t>(found - ring_.begin());
  if (attempt > 0) at = (at + attempt) % ring_.size();
  return ring_[at].host;
}

}  // namespace proxenos::upstream
