// Telling hosts apart, and finding again what has not changed.
#include "source/upstream/subsets.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/base/check.h"

namespace proxenos::upstream {
namespace {

const std::string* ValueOf(const FlatStruct& fields, const std::string& key) {
  const auto found = std::lower_bound(
      fields.begin(), fields.end(), key,
      [](const auto& field, const std::string& name) { return field.first < name; });
  return found == fields.end() || found->first != key ? nullptr : &found->second;
}

// What follows a tag: a length and so many bytes, which are taken from `bytes`.
std::optional<absl::string_view> TakeField(absl::string_view& bytes, char tag) {
  if (bytes.empty() || bytes[0] != tag) return std::nullopt;
  size_t at = 1;
  uint64_t length = 0;
  for (int shift = 0; at < bytes.size() && shift < 35; shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(bytes[at++]);
    length |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (length > bytes.size() - at) return std::nullopt;
  const absl::string_view field = bytes.substr(at, length);
  bytes.remove_prefix(at + length);
  return field;
}

// The elements of a google.protobuf.Value that is a list (list_value = 6, values = 1), each
// serialized; nothing: it is no list.
std::optional<std::vector<std::string>> ElementsOf(absl::string_view value) {
  constexpr char kListTag = 0x32;
  constexpr char kElementTag = 0x0a;
  std::optional<absl::string_view> list = TakeField(value, kListTag);
  if (!list.has_value()) return std::nullopt;
  std::vector<std::string> elements;
  while (const auto element = TakeField(*list, kElementTag)) elements.emplace_back(*element);
  return elements;
}

// The values that a host has under a key: one, or with list_as_any those of a list.
std::vector<std::string> ValuesOf(const std::string& value, bool list_as_any) {
  if (list_as_any) {
    if (auto elements = ElementsOf(value)) return *std::move(elements);
  }
  return {value};
}

// Every choice of one value for each key that `metadata` allows; none where it lacks a key.
std::vector<FlatStruct> CombinationsOf(const FlatStruct& metadata, const SubsetSelector& selector,
                                       bool list_as_any) {
  std::vector<FlatStruct> all(1);
  for (const std::string& key : selector.keys) {
    const std::string* value = ValueOf(metadata, key);
    if (value == nullptr) return {};
    std::vector<FlatStruct> longer;
    for (const std::string& each : ValuesOf(*value, list_as_any)) {
      for (const FlatStruct& begun : all) {
        if (longer.size() == Subsets::kMaxPerHost) break;
        longer.push_back(begun);
        longer.back().emplace_back(key, each);
      }
    }
    all = std::move(longer);
  }
  return all;
}

bool HasFields(const HostEntry& entry, const FlatStruct& wanted, bool list_as_any) {
  if (wanted.empty()) return true;
  if (entry.metadata == nullptr) return false;
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& field) {
    const std::string* value = ValueOf(*entry.metadata, field.first);
    if (value == nullptr) return false;
    const std::vector<std::string> values = ValuesOf(*value, list_as_any);
    return std::find(values.begin(), values.end(), field.second) != values.end();
  });
}

// All of a host's health that groups are made of.
char HealthOf(const HostEntry& entry) {
  return static_cast<char>((entry.healthy() ? 1 : 0) | (entry.degraded() ? 2 : 0) |
                           (entry.excluded() ? 4 : 0));
}

// With scale_locality_weight a locality counts as far as its hosts are in the subset.
std::vector<uint32_t> WeightsOf(const HostSet& whole, const std::vector<HostIndex>& indexes) {
  std::vector<uint32_t> weights = whole.locality_weights();
  if (!whole.options().subsets->scale_locality_weight) return weights;
  std::vector<uint64_t> all(weights.size());
  std::vector<uint64_t> own(weights.size());
  for (const HostEntry& entry : whole.entries()) ++all[entry.locality];
  for (const HostIndex index : indexes) ++own[whole.entry(index).locality];
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0 || own[i] == 0) continue;
    const double scaled =
        static_cast<double>(weights[i]) * static_cast<double>(own[i]) / static_cast<double>(all[i]);
    weights[i] = std::max<uint32_t>(1, static_cast<uint32_t>(std::lround(scaled)));
  }
  return weights;
}

bool IsStill(const HostSet& hosts, const HostSetParts& parts, const HostSet& whole) {
  return &hosts.localities() == &whole.localities() && hosts.options() == parts.options &&
         hosts.overprovisioning_percent() == parts.overprovisioning_percent &&
         hosts.locality_weights() == parts.locality_weights &&
         std::equal(hosts.entries().begin(), hosts.entries().end(), parts.entries.begin(),
                    parts.entries.end(), SameEntry);
}

}  // namespace

const SubsetSelector* SubsetRules::Find(const FlatStruct& wanted) const {
  for (const SubsetSelector& each : selectors) {
    if (std::equal(each.keys.begin(), each.keys.end(), wanted.begin(), wanted.end(),
                   [](const std::string& key, const auto& field) { return key == field.first; })) {
      return &each;
    }
  }
  return nullptr;
}

const SubsetSelector* SubsetRules::FindWidest(const FlatStruct& wanted) const {
  const SubsetSelector* widest = nullptr;
  for (const SubsetSelector& each : selectors) {
    if (widest != nullptr && widest->keys.size() >= each.keys.size()) continue;
    const bool all = std::all_of(each.keys.begin(), each.keys.end(), [&](const std::string& key) {
      return ValueOf(wanted, key) != nullptr;
    });
    if (all) widest = &each;
  }
  return widest;
}

FlatStruct Keep(const FlatStruct& from, const std::vector<std::string>& keys) {
  FlatStruct kept;
  for (const auto& field : from) {
    if (std::binary_search(keys.begin(), keys.end(), field.first)) kept.push_back(field);
  }
  return kept;
}

Subsets::Subsets(const HostSet& whole, const HostSet* previous) {
  const SubsetRules& rules = *whole.options().subsets;
  const Subsets* before = previous == nullptr ? nullptr : previous->subsets();
  Gathered gathered;
  for (const SubsetSelector& selector : rules.selectors) Gather(whole, selector, gathered);
  by_fields_.reserve(gathered.size());
  for (auto& [fields, members] : gathered) {
    const Subset* known = before == nullptr ? nullptr : before->Find(fields);
    by_fields_.emplace(fields, members.single ? MakeSingle(whole, members.indexes)
                                              : Make(whole, std::move(members.indexes), known));
  }
  // A selector may fall back on it, whatever the others do.
  const bool wanted = rules.fallback == SubsetFallback::kDefault ||
                      std::any_of(rules.selectors.begin(), rules.selectors.end(), [](auto& each) {
                        return each.fallback == SubsetFallback::kDefault;
                      });
  if (!wanted) return;
  std::vector<HostIndex> indexes;
  for (HostIndex i = 0; i < whole.size(); ++i) {
    if (HasFields(whole.entry(i), rules.default_subset, rules.list_as_any)) indexes.push_back(i);
  }
  if (indexes.empty()) return;
  default_ =
      Make(whole, std::move(indexes), before == nullptr ? nullptr : before->default_subset());
}

void Subsets::Gather(const HostSet& whole, const SubsetSelector& selector, Gathered& to) {
  // Hosts of one locality often share their metadata, and so their values.
  const FlatStruct* last = nullptr;
  std::vector<FlatStruct> combinations;
  for (HostIndex i = 0; i < whole.size(); ++i) {
    const FlatStruct* metadata = whole.entry(i).metadata.get();
    if (metadata == nullptr) continue;
    if (metadata != last) {
      combinations = CombinationsOf(*metadata, selector, whole.options().subsets->list_as_any);
      last = metadata;
    }
    for (const FlatStruct& fields : combinations) {
      if (to.size() >= kMaxSubsets && !to.contains(fields)) continue;
      Members& members = to[fields];
      members.single = selector.single_host;
      // A list may say a value twice.
      if (members.indexes.empty() || members.indexes.back() != i) members.indexes.push_back(i);
    }
  }
}

std::unique_ptr<const Subset> Subsets::MakeSingle(const HostSet& whole,
                                                  const std::vector<HostIndex>& indexes) {
  duplicates_ += static_cast<uint32_t>(indexes.size()) - 1;
  const HostIndex best =
      *std::min_element(indexes.begin(), indexes.end(), [&whole](HostIndex a, HostIndex b) {
        return whole.entry(a).priority < whole.entry(b).priority;
      });
  return std::make_unique<const Subset>(Subset{nullptr, {best}, std::string()});
}

std::unique_ptr<const Subset> Subsets::Make(const HostSet& whole, std::vector<HostIndex> indexes,
                                            const Subset* previous) const {
  Subset made;
  HostSetParts parts;
  parts.entries.reserve(indexes.size());
  made.health.reserve(indexes.size());
  for (const HostIndex index : indexes) {
    parts.entries.push_back(whole.entry(index));
    made.health.push_back(HealthOf(whole.entry(index)));
  }
  parts.locality_weights = WeightsOf(whole, indexes);
  parts.overprovisioning_percent = whole.overprovisioning_percent();
  parts.options = whole.options();
  parts.options.subsets = nullptr;
  made.indexes = std::move(indexes);
  const bool known = previous != nullptr && previous->hosts != nullptr;
  if (known && previous->health == made.health && IsStill(*previous->hosts, parts, whole)) {
    made.hosts = previous->hosts;
  } else {
    parts.localities = whole.localities();
    // The whole set where there is none before: its localities are shared.
    made.hosts =
        std::make_shared<const HostSet>(std::move(parts), known ? previous->hosts.get() : &whole);
  }
  return std::make_unique<const Subset>(std::move(made));
}

const Subset* Subsets::Find(const FlatStruct& wanted) const {
  const auto found = by_fields_.find(wanted);
  return found == by_fields_.end() ? nullptr : found->second.get();
}

uint32_t Subsets::CountMissingIn(const Subsets* other) const {
  uint32_t missing = 0;
  for (const auto& [fields, subset] : by_fields_) {
    missing += other == nullptr || other->Find(fields) == nullptr;
  }
  return missing;
}

}  // namespace proxenos::upstream
