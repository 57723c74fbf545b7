// Counting.
#include "source/server/wanted_names.h"

#include "source/base/check.h"

namespace proxenos::server {

NameClaim::NameClaim(NameClaim&& other) noexcept
    : names_(std::exchange(other.names_, nullptr)),
      type_url_(std::move(other.type_url_)),
      source_(std::move(other.source_)),
      name_(std::move(other.name_)) {}

NameClaim& NameClaim::operator=(NameClaim&& other) noexcept {
  if (this == &other) return *this;
  Release();
  names_ = std::exchange(other.names_, nullptr);
  type_url_ = std::move(other.type_url_);
  source_ = std::move(other.source_);
  name_ = std::move(other.name_);
  return *this;
}

NameClaim::~NameClaim() { Release(); }

void NameClaim::Release() {
  if (names_ != nullptr) std::exchange(names_, nullptr)->Release(type_url_, source_, name_);
}

NameClaim WantedNames::Claim(const std::string& type_url, const SourceKey& source,
                             const std::string& name) {
  const Key key(type_url, source);
  Counts& counts = counts_[key];
  if (++counts.claims[name] == 1) Touch(key, counts, name, /*wanted_before=*/false);
  return NameClaim(this, type_url, source, name);
}

void WantedNames::Release(const std::string& type_url, const SourceKey& source,
                          const std::string& name) {
  const Key key(type_url, source);
  Counts& counts = counts_[key];
  const auto found = counts.claims.find(name);
  CHECK(found != counts.claims.end());
  if (--found->second > 0) return;
  counts.claims.erase(found);
  Touch(key, counts, name, /*wanted_before=*/true);
  unclaimed_.push_back({type_url, source, name});
}

bool WantedNames::WantedElsewhere(const std::string& type_url, const SourceKey& source,
                                  const std::string& name) const {
  for (const auto& [key, counts] : counts_) {
    if (key.first == type_url && key.second != source && counts.claims.contains(name)) return true;
  }
  return false;
}

void WantedNames::Touch(const Key& key, Counts& counts, const std::string& name,
                        bool wanted_before) {
  counts.touched.try_emplace(name, wanted_before);
  changed_.insert(key);
}

std::vector<WantedNames::Change> WantedNames::TakeChanged() {
  std::vector<Change> changes;
  for (const Key& key : std::exchange(changed_, {})) {
    Counts& counts = counts_.find(key)->second;
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
    if (counts->second.claims.contains(name.name)) continue;
    gone.push_back(std::move(name));
  }
  return gone;
}

}  // namespace proxenos::server
