// Subsets: the hosts of one HostSet told apart by their metadata: for each set of values that some
// hosts have, a HostSet of these alone, with priorities, panic and weights of its own.
//
// Made with its HostSet on the main thread, shared by all workers, immutable. A subset in which
// nothing changed is that of the snapshot before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/upstream/host_set.h"
#include "source/upstream/subset_rules.h"

namespace proxenos::upstream {

// Whether two snapshots say the same of a host, but for its health.
bool SameEntry(const HostEntry& a, const HostEntry& b);

struct Subset {
  std::shared_ptr<const HostSet> hosts;  // Null with single_host_per_subset.
  std::vector<HostIndex> indexes;        // Of these hosts in the whole set, in their order.
  std::string health;                    // Of each host, as of the groups in `hosts`.
};

// Thread: any.
class Subsets {
 public:
  // Of one host that stands in the same selector more than once (list_as_any with several keys),
  // and of all hosts together: what is beyond is left out.
  static constexpr size_t kMaxPerHost = 256;
  static constexpr size_t kMaxSubsets = 100'000;

  // REQUIRES: whole.options().subsets is set. `previous` (may be null) is the snapshot before.
  Subsets(const HostSet& whole, const HostSet* previous);

  // Of hosts that have these fields, which are those of a selector; null: there are none.
  const Subset* Find(const FlatStruct& wanted) const;
  // Of default_subset; null where there is none, or no host in it.
  const Subset* default_subset() const { return default_.get(); }

  // Stat lb_subsets_active.
  uint32_t size() const { return static_cast<uint32_t>(by_fields_.size()); }
  // Stat lb_subsets_single_host_per_subset_duplicate: hosts that no request asks for by value.
  uint32_t duplicates() const { return duplicates_; }
  // How many of these are not in `other`, which may be null.
  uint32_t CountMissingIn(const Subsets* other) const;

 private:
  struct Members {
    std::vector<HostIndex> indexes;
    bool single = false;
  };
  using Gathered = absl::flat_hash_map<FlatStruct, Members>;

  void Gather(const HostSet& whole, const SubsetSelector& selector, Gathered& to);
  std::unique_ptr<const Subset> Make(const HostSet& whole, std::vector<HostIndex> indexes,
                                     const Subset* previous) const;
  std::unique_ptr<const Subset> MakeSingle(const HostSet& whole,
                                           const std::vector<HostIndex>& indexes);

  absl::flat_hash_map<FlatStruct, std::unique_ptr<const Subset>> by_fields_;
  std::unique_ptr<const Subset> default_;
  uint32_t duplicates_ = 0;
};

}  // namespace proxenos::upstream
