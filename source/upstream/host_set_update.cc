// Matching the endpoints of an Assignment with the hosts that are there already.
#include "source/upstream/host_set_update.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "source/base/check.h"
#include "source/upstream/subsets.h"

namespace proxenos::upstream {

uint64_t NextHostId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

namespace {

HostSetOptions OptionsOf(const ClusterConfig& config, const Assignment& assignment) {
  HostSetOptions options{config.panic_threshold_percent, config.locality_weighted};
  options.weighted_health = assignment.weighted_health;
  options.subsets = config.subsets;
  // As a fallback the whole set is a subset like the others.
  if (config.subsets != nullptr && !config.subsets->locality_weight_aware) {
    options.locality_weighted = false;
  }
  options.by_zone = config.RoutesByZone();
  if (config.lb_policy == LbPolicy::kRingHash || config.lb_policy == LbPolicy::kMaglev) {
    options.hashing = *config.hashing;
  }
  return options;
}

bool IsChecked(const ClusterConfig& config, const Host& host) {
  return config.health_check != nullptr && (host.check() == nullptr || !host.check()->disabled);
}

// Whether a host stays the same: its addresses are compared apart. With another hostname a host is
// another one: what it was called may have been sent to it, or checked against. With other metadata
// it may be spoken to in another way.
bool SameButAddress(const HostIdentity& host, const Endpoint& endpoint) {
  const bool same_check =
      host.check == endpoint.check ||
      (host.check != nullptr && endpoint.check != nullptr && *host.check == *endpoint.check);
  return host.hostname == endpoint.hostname && host.logical_name == endpoint.logical_name &&
         host.transport_match == endpoint.transport_match && same_check;
}

bool SameMetadata(const HostIdentity& host, const Endpoint& endpoint) {
  return host.metadata == endpoint.all_metadata;
}

bool SameAddresses(const HostIdentity& host, const Endpoint& endpoint) {
  return host.address == endpoint.address && host.further == endpoint.further;
}

// The hosts of the previous snapshot, to be found by what makes their identity.
class KnownHosts {
 public:
  KnownHosts(const ClusterConfig& config, const HostSet* previous)
      : config_(config), previous_(previous) {}

  std::shared_ptr<const Host> HostOf(const Endpoint& endpoint) {
    const std::shared_ptr<const Host>* known = Find(endpoint);
    const bool same = known != nullptr && SameButAddress((*known)->identity(), endpoint);
    const bool at_home = same && SameAddresses((*known)->identity(), endpoint);
    if (at_home && SameMetadata((*known)->identity(), endpoint)) return *known;
    // Only a logical host keeps its id when its address changes. Other metadata, of which nothing
    // but who asks for it knows, leave to a host its connections and what is known of its health.
    const bool same_pool = same && (at_home || !endpoint.logical_name.empty());
    auto host = std::make_shared<const Host>(
        same_pool ? (*known)->id() : NextHostId(),
        HostIdentity{endpoint.address, endpoint.hostname, endpoint.logical_name,
                     endpoint.transport_match, endpoint.check, endpoint.further,
                     endpoint.all_metadata});
    host->SetHealthBits(at_home ? (*known)->health_bits() : FirstBits(*host));
    if (at_home) host->in_rotation_since() = (*known)->in_rotation_since().load();
    if (same_pool) host->SetLoad((*known)->load());
    // The same address at another priority is the same host.
    if (endpoint.logical_name.empty()) by_address_.insert_or_assign(endpoint.address, host);
    return host;
  }

 private:
  // An assignment that lists what the one before did is gone through without these.
  void Index() {
    if (indexed_ || previous_ == nullptr) return;
    indexed_ = true;
    for (const HostEntry& entry : previous_->entries()) {
      const std::string& logical = entry.host->logical_name();
      if (logical.empty()) {
        by_address_.emplace(entry.host->address(), entry.host);
      } else {
        by_name_.emplace(logical, entry.host);
      }
    }
  }

  const std::shared_ptr<const Host>* Find(const Endpoint& endpoint) {
    Index();
    if (!endpoint.logical_name.empty()) {
      const auto it = by_name_.find(endpoint.logical_name);
      return it == by_name_.end() ? nullptr : &it->second;
    }
    const auto it = by_address_.find(endpoint.address);
    return it == by_address_.end() ? nullptr : &it->second;
  }

  // A host that is to be checked has failed until the first answer.
  uint32_t FirstBits(const Host& host) const {
    if (!IsChecked(config_, host)) return 0;
    return kFailedActiveCheck |
           (config_.ignore_new_hosts_until_first_check ? uint32_t{kPendingActiveCheck} : 0);
  }

  const ClusterConfig& config_;
  const HostSet* const previous_;  // Null: there is none.
  bool indexed_ = false;
  absl::flat_hash_map<net::Address, std::shared_ptr<const Host>> by_address_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Host>> by_name_;
};

// Gathers entries and localities in the order of the assignment.
class EntryBuilder {
 public:
  EntryBuilder(const ClusterConfig& config, const HostSet* previous)
      : config_(config),
        add_weights_(config.discovery == DiscoveryKind::kStatic),
        known_(config, previous),
        previous_(previous),
        in_order_(previous != nullptr) {}

  void Add(const LocalityEndpoints& locality) {
    const uint16_t index = LocalityIndex(locality);
    for (const Endpoint& endpoint : locality.endpoints) {
      if (endpoint.address.family() == net::Address::Family::kNone) continue;  // Not resolved yet.
      AddEndpoint(endpoint, index, static_cast<uint8_t>(locality.priority));
    }
  }

  // Discovery does not name these any more, but as long as their checks succeed they are kept: a
  // control plane may be wrong about hosts that answer.
  void KeepHealthy(const HostSet& previous) {
    LeaveOrder();
    absl::flat_hash_set<uint64_t> present;
    for (const HostEntry& entry : entries) present.insert(entry.host->id());
    for (const HostEntry& entry : previous.entries()) {
      const bool failed = (entry.host->health_bits() & kFailedActiveCheck) != 0;
      if (failed || !IsChecked(config_, *entry.host) || present.contains(entry.host->id()) ||
          seen_.contains(Key{entry.host->address(), entry.priority})) {
        continue;
      }
      LocalityEndpoints locality;
      locality.locality = previous.localities()[entry.locality];
      locality.priority = entry.priority;
      if (!HasRoomFor(locality)) continue;
      HostEntry kept = entry;
      kept.locality = LocalityIndex(locality);
      entries.push_back(std::move(kept));
    }
  }

  std::vector<HostEntry> entries;
  std::vector<Locality> localities;
  std::vector<uint32_t> locality_weights;

 private:
  struct Key {
    net::Address address;
    uint8_t priority;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.address, key.priority);
    }
  };

  // False: there are as many as can be told apart. What an assignment names has been counted
  // before.
  bool HasRoomFor(const LocalityEndpoints& locality) const {
    return localities.size() <= UINT16_MAX ||
           seen_localities_.contains(std::make_pair(locality.locality, locality.priority));
  }

  // One per locality and priority: the same locality may stand at several priorities.
  uint16_t LocalityIndex(const LocalityEndpoints& locality) {
    const auto [seen, fresh] = seen_localities_.try_emplace(
        std::make_pair(locality.locality, locality.priority), localities.size());
    if (!fresh) {
      if (locality.weight != 0) locality_weights[seen->second] = locality.weight;
      return static_cast<uint16_t>(seen->second);
    }
    CHECK(localities.size() <= UINT16_MAX);  // Compiling an Assignment refuses more.
    localities.push_back(locality.locality);
    locality_weights.push_back(locality.weight);
    return static_cast<uint16_t>(seen->second);
  }

  // The host that stands next in the previous snapshot, if that is the endpoint; null from the
  // first that is another one on.
  const HostEntry* NextInOrder(const Endpoint& endpoint, uint8_t priority) {
    if (!in_order_) return nullptr;
    if (entries.size() < previous_->size()) {
      const HostEntry& next = previous_->entry(static_cast<HostIndex>(entries.size()));
      const HostIdentity& host = next.host->identity();
      if (next.priority == priority && SameAddresses(host, endpoint) &&
          SameButAddress(host, endpoint) && SameMetadata(host, endpoint)) {
        return &next;
      }
    }
    LeaveOrder();
    return nullptr;
  }

  void LeaveOrder() {
    if (!in_order_) return;
    in_order_ = false;
    for (size_t i = 0; i < entries.size(); ++i) {
      seen_.try_emplace(Key{entries[i].host->address(), entries[i].priority}, i);
    }
  }

  void AddEndpoint(const Endpoint& endpoint, uint16_t locality, uint8_t priority) {
    // No host of a snapshot stands there twice: what follows its order has none twice either.
    if (const HostEntry* next = NextInOrder(endpoint, priority); next != nullptr) {
      entries.push_back(HostEntry{next->host, endpoint.weight, locality, priority, endpoint.health,
                                  endpoint.metadata});
      return;
    }
    const auto [seen, fresh] = seen_.try_emplace(Key{endpoint.address, priority}, entries.size());
    if (!fresh) {
      if (!add_weights_) return;
      HostEntry& first = entries[seen->second];
      first.weight = static_cast<uint32_t>(
          std::min<uint64_t>(UINT32_MAX, uint64_t{first.weight} + endpoint.weight));
      return;
    }
    entries.push_back(HostEntry{known_.HostOf(endpoint), endpoint.weight, locality, priority,
                                endpoint.health, endpoint.metadata});
  }

  const ClusterConfig& config_;
  // A STATIC cluster that lists an address twice sends it twice as much. Where endpoints are
  // discovered, what comes first counts and the others are left out. Both as in Envoy.
  const bool add_weights_;
  KnownHosts known_;
  const HostSet* const previous_;  // Null: there is none.
  bool in_order_;  // So far the entries are the first ones of `previous_`; seen_ is empty.
  absl::flat_hash_map<std::pair<Locality, uint32_t>, size_t> seen_localities_;
  absl::flat_hash_map<Key, size_t> seen_;
};

}  // namespace

bool SameEntry(const HostEntry& a, const HostEntry& b) {
  return a.host == b.host && a.weight == b.weight && a.locality == b.locality &&
         a.priority == b.priority && a.discovered == b.discovered &&
         (a.metadata == b.metadata ||
          (a.metadata != nullptr && b.metadata != nullptr && *a.metadata == *b.metadata));
}

void CountMembership(const HostSet& now, const HostSet* before, HostSetUpdate& update) {
  update.added = update.removed = 0;
  const bool same =
      before != nullptr &&
      std::equal(now.entries().begin(), now.entries().end(), before->entries().begin(),
                 before->entries().end(), [](const HostEntry& a, const HostEntry& b) {
                   return a.host->id() == b.host->id();
                 });
  if (same) return;
  absl::flat_hash_set<uint64_t> ids;
  for (const HostEntry& entry : now.entries()) ids.insert(entry.host->id());
  absl::flat_hash_set<uint64_t> old_ids;
  if (before != nullptr) {
    for (const HostEntry& entry : before->entries()) old_ids.insert(entry.host->id());
  }
  for (uint64_t id : ids) update.added += !old_ids.contains(id);
  for (uint64_t id : old_ids) update.removed += !ids.contains(id);
}

namespace {

// Null where nothing is dropped. The one that `previous` has (null: there is none) where that says
// the same.
std::shared_ptr<const DropOverload> DropOf(const DropOverload& drop, const HostSet* previous) {
  if (drop.millionths == 0) return nullptr;
  if (previous != nullptr && previous->drop_overload() != nullptr &&
      *previous->drop_overload() == drop) {
    return previous->drop_overload();
  }
  return std::make_shared<const DropOverload>(drop);
}

}  // namespace

HostSetUpdate BuildHostSet(const ClusterConfig& config, const Assignment& assignment,
                           const std::shared_ptr<const HostSet>& previous) {
  EntryBuilder builder(config, previous.get());
  for (const LocalityEndpoints& locality : assignment.localities) builder.Add(locality);
  const bool keeps = config.health_check != nullptr && !config.ignore_health_on_host_removal &&
                     config.discovery != DiscoveryKind::kStatic &&
                     config.discovery != DiscoveryKind::kLogicalDns;
  if (keeps && previous != nullptr) builder.KeepHealthy(*previous);
  builder.entries.shrink_to_fit();
  builder.localities.shrink_to_fit();
  builder.locality_weights.shrink_to_fit();

  HostSetUpdate update;
  const HostSetOptions options = OptionsOf(config, assignment);
  auto drop = DropOf(assignment.drop_overload, previous.get());
  if (previous != nullptr && previous->options() == options &&
      previous->overprovisioning_percent() == assignment.overprovisioning_percent &&
      previous->drop_overload() == drop && previous->localities() == builder.localities &&
      previous->locality_weights() == builder.locality_weights &&
      std::equal(previous->entries().begin(), previous->entries().end(), builder.entries.begin(),
                 builder.entries.end(), SameEntry)) {
    update.hosts = previous;
    return update;
  }
  update.rebuilt = true;
  update.hosts = std::make_shared<const HostSet>(
      HostSetParts{std::move(builder.entries), std::move(builder.localities),
                   std::move(builder.locality_weights), assignment.overprovisioning_percent,
                   options, std::move(drop)},
      previous.get());
  CountMembership(*update.hosts, previous.get(), update);
  return update;
}

std::shared_ptr<const HostSet> RebuildForHealth(const HostSet& previous) {
  return std::make_shared<const HostSet>(
      HostSetParts{std::vector<HostEntry>(previous.entries().begin(), previous.entries().end()),
                   previous.localities(), previous.locality_weights(),
                   previous.overprovisioning_percent(), previous.options(),
                   previous.drop_overload()},
      &previous);
}

}  // namespace proxenos::upstream
