// WantedNames: which resources of other types the configuration refers to (routes by listeners,
// endpoints by clusters), counted by who refers, for each source that they come from.
//
// A name is wanted while a NameClaim of it lives. Changes are collected until they are taken, so
// that one claim that replaces another of the same name is no change at all.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "source/xds/resource.h"

namespace proxenos::server {

// Where resources of a type come from: empty for the aggregated stream, else the serialized
// ConfigSource.
using SourceKey = std::string;

class WantedNames;

// Owner: the thing that refers to the name. Thread: main. Dies before the WantedNames.
class NameClaim {
 public:
  NameClaim() = default;
  NameClaim(NameClaim&& other) noexcept;
  NameClaim& operator=(NameClaim&& other) noexcept;
  ~NameClaim();

 private:
  friend class WantedNames;
  NameClaim(WantedNames* names, std::string type_url, SourceKey source, std::string name)
      : names_(names),
        type_url_(std::move(type_url)),
        source_(std::move(source)),
        name_(std::move(name)) {}
  void Release();

  WantedNames* names_ = nullptr;
  std::string type_url_;
  SourceKey source_;
  std::string name_;
};

class WantedNames {
 public:
  struct Name {
    std::string type_url;
    SourceKey source;
    std::string name;
  };
  // What changed of one type from one source.
  struct Change {
    std::string type_url;
    SourceKey source;
    xds::NameChange names;
  };

  // `name` may be xds::kAllNames. REQUIRES: of a name that the configuration gives, that
  // StoreContext::SourceProblem found nothing wrong with it.
  [[nodiscard]] NameClaim Claim(const std::string& type_url, const SourceKey& source,
                                const std::string& name);

  // Whether somebody wants this name of this type from another source than `source`.
  bool WantedElsewhere(const std::string& type_url, const SourceKey& source,
                       const std::string& name) const;

  // What changed since the last call; its cost is that of the change.
  std::vector<Change> TakeChanged();
  // Names that lost their last claim since the last call, and have none now.
  std::vector<Name> TakeUnclaimed();

 private:
  friend class NameClaim;
  using Key = std::pair<std::string, SourceKey>;  // Type, source.
  struct Counts {
    absl::flat_hash_map<std::string, uint32_t> claims;
    // Names whose first claim came or last claim went, and whether they were wanted before.
    absl::btree_map<std::string, bool> touched;
  };

  void Release(const std::string& type_url, const SourceKey& source, const std::string& name);
  void Touch(const Key& key, Counts& counts, const std::string& name, bool wanted_before);

  std::map<Key, Counts> counts_;
  std::set<Key> changed_;
  std::vector<Name> unclaimed_;
};

}  // namespace proxenos::server
