// Merging.
#include "source/route/metadata_match.h"

#include <algorithm>

#include "source/route/metadata_value.h"

namespace proxenos::route {

MetadataFields MergeFields(const MetadataFields& under, const MetadataFields& over) {
  MetadataFields merged;
  merged.reserve(under.size() + over.size());
  auto low = under.begin();
  for (const auto& field : over) {
    for (; low != under.end() && low->first < field.first; ++low) merged.push_back(*low);
    if (low != under.end() && low->first == field.first) ++low;
    merged.push_back(field);
  }
  merged.insert(merged.end(), low, under.end());
  return merged;
}

void SetFallbacks(MetadataMatch& match) {
  match.fallbacks.clear();
  MetadataFields plain = match.fields;
  if (std::erase_if(plain, [](const auto& field) { return field.first == kFallbackList; }) == 0) {
    return;
  }
  for (const MetadataFields& each : match.alternatives) {
    match.fallbacks.push_back(MergeFields(plain, each));
  }
  if (match.alternatives.empty()) match.fallbacks.push_back(std::move(plain));
}

MetadataMatch MergeMatch(const MetadataMatch* match, const json::Object& request) {
  MetadataFields over;
  for (const auto& [name, value] : request) {  // In the order of names.
    if (name == kFallbackList) continue;
    over.emplace_back(name, std::string());
    AppendProtoValue(value, over.back().second);
  }
  MetadataMatch merged;
  if (match == nullptr) {
    merged.fields = std::move(over);
    return merged;
  }
  merged.fields = MergeFields(match->fields, over);
  merged.alternatives = match->alternatives;
  SetFallbacks(merged);
  return merged;
}

}  // namespace proxenos::route
