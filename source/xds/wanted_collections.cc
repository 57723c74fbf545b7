// One table of normal forms.
#include "source/xds/wanted_collections.h"

#include "source/xds/xdstp_name.h"

namespace proxenos::xds {

bool WantedCollections::IsCollection(const std::string& name) {
  if (!IsXdstpName(name)) return false;
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  return parsed.ok() && parsed->glob();
}

void WantedCollections::Add(const std::string& name) {
  if (names_.emplace(NormalName(name), name).second && IsCollection(name)) ++globs_;
}

void WantedCollections::Remove(const std::string& name) {
  const auto found = names_.find(NormalName(name));
  // Of two ways of writing it the first one counts.
  if (found == names_.end() || found->second != name) return;
  names_.erase(found);
  if (IsCollection(name)) --globs_;
}

bool WantedCollections::Has(absl::string_view name) const {
  if (names_.empty()) return false;
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  if (!parsed.ok()) return names_.contains(name);
  if (parsed->glob()) return false;  // A collection is no resource.
  return names_.contains(parsed->ToString()) ||
         (globs_ > 0 && names_.contains(parsed->Collection().ToString()));
}

std::string WantedCollections::Asked(const std::string& name) const {
  if (names_.empty()) return name;
  const auto found = names_.find(NormalName(name));
  return found == names_.end() ? name : found->second;
}

}  // namespace proxenos::xds
