// Counting.
#include "source/server/wanted_names.h"

#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/node_hash_map.h"
#include "source/base/check.h"

namespace proxenos::server {

struct NamesOfSource {
  std::string type_url;
  SourceKey source;
  absl::node_hash_map<std::string, uint32_t> claims;  // Claims point to their names.
  // Names whose first claim came or last claim went, and whether they were wanted before.
  absl::btree_map<std::string, bool> touched;
};

NameClaim::NameClaim(NameClaim&& other) noexcept
    : names_(std::exchange(other.names_, nullptr)), of_(other.of_), name_(other.name_) {}

NameClaim& NameClaim::operator=(NameClaim&& other) noexcept {
  if (this == &other) return *this;
  Release();
  names_ = std::exchange(other.names_, nullptr);
  of_ = other.of_;
  name_ = other.name_;
  return *this;
}

NameClaim::~NameClaim() { Release(); }

void NameClaim::Release() {
  if (names_ != nullptr) std::exchange(names_, nullptr)->Release(*of_, *name_);
}

WantedNames::WantedNames() = default;
WantedNames::~WantedNames() = default;

NameClaim WantedNames::Claim(const std::string& type_url, const SourceKey& source,
                             const std::string& name) {
  std::unique_ptr<NamesOfSource>& of = counts_[{type_url, source}];
  if (of == nullptr) of = std::make_unique<NamesOfSource>(NamesOfSource{type_url, source, {}, {}});
  const auto claimed = of->claims.try_emplace(name, 0).first;
  if (++claimed->second == 1) Touch(*of, name, /*wanted_before=*/false);
  return NameClaim(this, of.get(), &claimed->first);
}

void WantedNames::Release(const NamesOfSource& of, const std::string& name) {
  NamesOfSource& counts = *counts_.find({of.type_url, of.source})->second;
  const auto found = counts.claims.find(name);
  CHECK(found != counts.claims.end());
  if (--found->second > 0) return;
  Touch(counts, name, /*wanted_before=*/true);
  unclaimed_.push_back({of.type_url, of.source, name});
  counts.claims.erase(found);  // And `name` with it.
}

bool WantedNames::WantedElsewhere(const std::string& type_url, const SourceKey& source,
                                  const std::string& name) const {
  for (const auto& [key, counts] : counts_) {
    if (key.first == type_url && key.second != source && counts->claims.contains(name)) return true;
  }
  return false;
}

void WantedNames::Touch(NamesOfSource& of, const std::string& name, bool wanted_before) {
  if (of.touched.empty()) changed_.insert({of.type_url, of.source});
  of.touched.try_emplace(name, wanted_before);
}

std::vector<WantedNames::Change> WantedNames::TakeChanged() {
  std::vector<Change> changes;
  for (const Key& key : std::exchange(changed_, {})) {
    NamesOfSource& counts = *counts_.find(key)->second;
    Change change{key.first, key.second, {}};
    for (const auto& [name, before] : std::exchange(counts.touched, {})) {
      const bool now = counts.claims.contains(name);
      if (now && !before) change.names.added.push_back(name);
      if (before && !now) change.names.removed.push_back(name);
    }
    if (!change.names.empty()) changes.push_back(std::move(change));
  }
  return changes;
}

std::vector<WantedNames::Name> WantedNames::TakeUnclaimed() {
  std::vector<Name> gone;
  for (Name& name : std::exchange(unclaimed_, {})) {
    const auto counts = counts_.find({name.type_url, name.source});
    if (counts->second->claims.contains(name.name)) continue;
    gone.push_back(std::move(name));
  }
  return gone;
}

}  // namespace proxenos::server
