// SecretStore: the secrets on the main thread: those of the bootstrap, those that are discovered
// (SDS), and files that are watched. A part of the one authoritative map (config_store.h).
//
// Invariant: what a name stands for is the newest that proved itself; a certificate whose key is
// not its own, or a file that cannot be read, changes nothing. Whoever names a secret holds a
// SecretUse of it, and hears of changes by it; filters hold a tls::SecretCell.
//
// Files that a discovered secret names are watched, and those of others where they say so
// (watched_directory): Kubernetes swaps a link beside the one that is followed.
#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/store_context.h"
#include "source/stats/registry.h"
#include "source/stats/secret_stats.h"
#include "source/stats/tls_factory_stats.h"
#include "source/tls/context_assembly.h"
#include "source/tls/context_template.h"
#include "source/tls/secret_cell.h"

namespace proxenos::server {

// Whose secret it is: a listener's or a cluster's, by name, and what its stats are called by.
struct SecretOwner {
  enum class Kind : uint8_t { kListener, kCluster };
  Kind kind;
  std::string name;
  std::string stat_name;
};

// How often a source was lost or could not be read since the beginning.
using FailuresOf = absl::AnyInvocable<uint64_t(const SourceKey& source) const>;

// Of secrets that filters name: whether all of them are there, and until when a first version of
// what names them waits for those that are not (now, where none is awaited).
bool AreThere(const std::vector<tls::SecretCellPtr>& cells);
base::MonoTime DeadlineOf(const std::vector<tls::SecretCellPtr>& cells,
                          const StoreContext& context);

class SecretUse;

// Owner: the ConfigStore. Thread: main. Outlives every SecretUse.
class SecretStore {
 public:
  SecretStore(StoreContext context, Compilers& compilers, stats::Registry& registry);
  ~SecretStore();

  // Each returns why it refused; then the last good one stays.
  std::optional<std::string> AddStatic(const xds::Resource& resource);
  std::optional<std::string> Take(const SourceKey& source, const xds::Resource& resource);
  // Nobody names it any more.
  void Drop(const SourceKey& source, const std::string& name);

  // What is wrong with naming these: no such static secret, one of another kind, no such source.
  std::optional<std::string> Check(const tls::ContextSecrets& secrets) const;
  std::optional<std::string> Check(const std::vector<tls::SecretCellPtr>& cells) const;
  // Finds what filters named since the last call, and forgets what none of them names any more.
  void SettleCells();
  // Those who hold a secret that changed since the last call.
  std::set<std::string> TakeChanged(SecretOwner::Kind kind);

  // Where sources count their failures; until it is set, none has failed. Called before stats are
  // read, RefreshStats counts them for each secret that was awaited from the source then.
  void CountFailures(FailuresOf failures_of) { failures_of_ = std::move(failures_of); }
  void RefreshStats();
  // Those of the transport sockets that `owner` makes anew when its secrets change.
  stats::Group<stats::TlsUpdateStats> OpenUpdateStats(const SecretOwner& owner) const;

  // In order of the names; without those written inline. One that is awaited has no version.
  void ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const;

 private:
  friend class SecretUse;
  struct Key {
    tls::SecretRef::From from;
    std::string name;    // Of kFiles: the bytes.
    std::string source;  // Of kDiscovery.
    auto operator<=>(const Key&) const = default;
  };
  struct Entry;

  // A secret that a filter names.
  struct CellUse {
    tls::SecretCellPtr cell;
    Entry* entry = nullptr;  // Null where none can be.
    NameClaim claim;         // Of discovered ones.
  };

  static Key KeyOf(const tls::SecretRef& ref);
  std::optional<std::string> Check(const tls::SecretRef& ref) const;
  void Join(tls::SecretCellPtr cell);
  static void PublishTo(const tls::SecretCell& cell, const Entry& entry);
  std::unique_ptr<Entry>& Slot(const Key& key);
  std::optional<std::string> Accept(Entry& entry, const xds::Resource& resource, Origin origin);
  void Watch(Entry& entry);
  void Reread(Entry& entry);
  void Changed(Entry& entry);
  void Join(SecretUse& use, const tls::SecretRef& ref);
  void Await(Entry& entry, base::Nanos patience);
  void Leave(SecretUse& use, Entry& entry);
  uint64_t Failures(const SourceKey& source) const {
    return failures_of_ == nullptr ? 0 : failures_of_(source);
  }

  StoreContext context_;
  Compilers& compilers_;
  stats::Registry& registry_;
  FailuresOf failures_of_;
  absl::btree_map<Key, std::unique_ptr<Entry>> entries_;
  absl::btree_map<const tls::SecretCell*, CellUse> cells_;
  uint64_t cells_seen_ = 0;           // Stamp of the newest of them.
  std::set<std::string> changed_[2];  // By SecretOwner::Kind.
};

// SecretUse: the secrets that one transport socket names. Owner: one version of a listener or a
// cluster. Thread: main.
class SecretUse {
 public:
  SecretUse(SecretStore& store, const tls::ContextSecrets& secrets, SecretOwner owner);
  SecretUse(const SecretUse&) = delete;
  SecretUse& operator=(const SecretUse&) = delete;
  ~SecretUse();

  // Whether all of them are there.
  bool ready() const;
  // REQUIRES: ready(). Valid until the next change.
  tls::FoundSecrets found() const;
  // Whether there was a change since the last call; true at first.
  bool TakeChanged() { return std::exchange(changed_, false); }
  // How long a first version waits for them; 0 without end.
  base::Nanos timeout() const { return timeout_.value_or(0); }

 private:
  friend class SecretStore;
  struct Named {
    SecretStore::Entry* entry;
    tls::SecretKind kind;
    NameClaim claim;  // Of discovered ones.
  };

  SecretStore& store_;
  const SecretOwner owner_;
  std::vector<Named> named_;            // In order: certificates first.
  std::optional<base::Nanos> timeout_;  // Of discovered ones.
  bool changed_ = true;
};

}  // namespace proxenos::server
