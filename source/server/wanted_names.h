// WantedNames: which resources of other types the configuration refers to (routes by listeners,
// endpoints by clusters), counted by who refers, for each source that they come from.
//
// A name is wanted while a NameClaim of it lives. Changes are collected until they are taken, so
// that one claim that replaces another of the same name is no change at all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "source/xds/resource.h"

namespace proxenos::server {

// Where resources of a type come from: empty for the aggregated stream, else the serialized
// ConfigSource.
using SourceKey = std::string;

class WantedNames;
// A type and a source, and what is wanted there.
struct NamesOfSource;

// Owner: the thing that refers to the name. Thread: main. Dies before the WantedNames.
class NameClaim {
 public:
  NameClaim() = default;
  NameClaim(NameClaim&& other) noexcept;
  NameClaim& operator=(NameClaim&& other) noexcept;
  ~NameClaim();

 private:
  friend class WantedNames;
  NameClaim(WantedNames* names, const NamesOfSource* of, const std::string* name)
      : names_(names), of_(of), name_(name) {}
  void Release();

  WantedNames* names_ = nullptr;
  const NamesOfSource* of_ = nullptr;  // There are many claims, of few types and sources.
  const std::string* name_ = nullptr;  // In `of_`, as long as there is a claim of it.
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
  WantedNames();
  ~WantedNames();

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

  void Release(const NamesOfSource& of, const std::string& name);
  void Touch(NamesOfSource& of, const std::string& name, bool wanted_before);

  std::map<Key, std::unique_ptr<NamesOfSource>> counts_;  // None of them goes.
  std::set<Key> changed_;
  std::vector<Name> unclaimed_;
};

}  // namespace proxenos::server
