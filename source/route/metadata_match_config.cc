// Only envoy.lb is about hosts; metadata_match of the API has no other meaning.
#include "source/route/metadata_match_config.h"

#include <utility>

#include "source/json/flat_struct_config.h"

namespace proxenos::route {

std::shared_ptr<const MetadataMatch> CompileMetadataMatch(
    const envoy::config::core::v3::Metadata& proto, std::shared_ptr<const MetadataMatch> under) {
  const auto found = proto.filter_metadata().find(kLbMetadata);
  if (found == proto.filter_metadata().end()) return under;
  MetadataMatch match;
  match.fields = json::FlattenStruct(found->second);
  const auto list = found->second.fields().find(kFallbackList);
  if (list != found->second.fields().end()) {
    for (const auto& value : list->second.list_value().values()) {
      if (value.has_struct_value()) {
        match.alternatives.push_back(json::FlattenStruct(value.struct_value()));
      }
    }
  } else if (under != nullptr) {
    match.alternatives = under->alternatives;
  }
  if (under != nullptr) match.fields = MergeFields(under->fields, match.fields);
  SetFallbacks(match);
  return std::make_shared<const MetadataMatch>(std::move(match));
}

}  // namespace proxenos::route
