// Schedule: weighted turns among hosts, as immutable data that all workers share. A worker keeps
// one cursor per schedule, so taking over a new one costs nothing.
//
// The weights are laid end to end on a ring of total() places. Turn t falls on place
// (t * stride) mod total, the stride being coprime to the total and near the golden section of it:
// any total() turns in a row give each host exactly its weight, and each host's turns are spread
// evenly over them. Without weights a turn is an index, and the turns are a plain rotation.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "source/base/random.h"

namespace proxenos::upstream {

// Thread: any.
class Schedule {
 public:
  struct Member {
    uint32_t host;  // Dense index into the HostSet.
    uint32_t weight;
  };

  Schedule() = default;
  // REQUIRES: every weight > 0; the sum of the weights fits 32 bits.
  explicit Schedule(std::vector<Member> members);

  // All members have the same weight.
  bool uniform() const { return ends_.empty(); }
  uint32_t size() const { return size_; }
  // Turns until the schedule repeats.
  uint32_t total() const { return total_; }

  // The host whose turn it is, and moves the cursor on. O(1) when uniform, else O(log size).
  // REQUIRES: size() > 0; `cursor` < total().
  uint32_t Turn(uint32_t& cursor) const {
    const uint32_t at = cursor;
    const uint32_t left = total_ - cursor;
    cursor = stride_ < left ? cursor + stride_ : stride_ - left;
    return HostAt(at);
  }

  // The host at a random place: each with a probability in proportion to its weight.
  uint32_t Draw(base::Random& random) const {
    return HostAt(static_cast<uint32_t>(random.Below(total_)));
  }
  // The same, with disregard of the weights.
  uint32_t DrawUniform(base::Random& random) const {
    return HostOfMember(static_cast<uint32_t>(random.Below(size_)));
  }
  // Of one of them, as far as it matters: in proportion to those of the others.
  uint32_t WeightOfMember(uint32_t member) const {
    if (uniform()) return 1;
    return member == 0 ? ends_[0] : ends_[member] - ends_[member - 1];
  }
  // Members in their order.
  uint32_t HostOfMember(uint32_t member) const {
    return hosts_.empty() ? first_ + member : hosts_[member];
  }

 private:
  uint32_t HostAt(uint32_t place) const {
    return HostOfMember(uniform() ? place : MemberAt(place));
  }
  uint32_t MemberAt(uint32_t place) const;

  std::vector<uint32_t> hosts_;  // Empty when the members are first_, first_ + 1, …
  std::vector<uint32_t> ends_;   // Where each member's part of the ring ends; empty when uniform.
  uint32_t first_ = 0;
  uint32_t size_ = 0;
  uint32_t total_ = 0;
  uint32_t stride_ = 1;
};

}  // namespace proxenos::upstream
