// One table of normal forms.
#include "source/xds/wanted_collections.h"

#include <algorithm>

#include "source/xds/xdstp_name.h"

namespace proxenos::xds {

bool WantedCollections::IsCollection(const std::string& name) {
  if (!IsXdstpName(name)) return false;
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  return parsed.ok() && parsed->glob();
}

bool WantedCollections::Add(const std::string& name) {
  std::vector<std::string>& spellings = names_[NormalName(name)];
  spellings.push_back(name);
  if (spellings.size() > 1) {
    ++others_;
    return false;
  }
  if (IsCollection(name)) ++globs_;
  return true;
}

bool WantedCollections::Remove(const std::string& name) {
  const auto found = names_.find(NormalName(name));
  if (found == names_.end()) return false;
  std::vector<std::string>& spellings = found->second;
  const auto spelling = std::find(spellings.begin(), spellings.end(), name);
  if (spelling == spellings.end()) return false;
  spellings.erase(spelling);
  if (!spellings.empty()) {
    --others_;
    return false;
  }
  names_.erase(found);
  if (IsCollection(name)) --globs_;
  return true;
}

bool WantedCollections::Has(absl::string_view name) const {
  if (names_.empty()) return false;
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  if (!parsed.ok()) return names_.contains(name);
  if (parsed->glob()) return false;  // A collection is no resource.
  return names_.contains(parsed->ToString()) ||
         (globs_ > 0 && names_.contains(parsed->Collection().ToString()));
}

std::vector<std::string> WantedCollections::Spellings(const std::string& name) const {
  if (names_.empty()) return {};
  const auto found = names_.find(NormalName(name));
  return found == names_.end() ? std::vector<std::string>() : found->second;
}

}  // namespace proxenos::xds
