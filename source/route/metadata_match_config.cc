// Only envoy.lb is about hosts; metadata_match of the API has no other meaning.
#include "source/route/metadata_match_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace proxenos::route {

// Maps inside in a fixed order.
std::string SerializedValue(const google::protobuf::Value& value) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    value.SerializeToCodedStream(&out);
  }
  return bytes;
}

MetadataFields FlattenStruct(const google::protobuf::Struct& proto) {
  MetadataFields fields;
  for (const auto& [name, value] : proto.fields())
    fields.emplace_back(name, SerializedValue(value));
  std::sort(fields.begin(), fields.end());
  return fields;
}

std::shared_ptr<const MetadataMatch> CompileMetadataMatch(
    const envoy::config::core::v3::Metadata& proto, std::shared_ptr<const MetadataMatch> under) {
  const auto found = proto.filter_metadata().find(kLbMetadata);
  if (found == proto.filter_metadata().end()) return under;
  MetadataMatch match;
  match.fields = FlattenStruct(found->second);
  const auto list = found->second.fields().find(kFallbackList);
  if (list != found->second.fields().end()) {
    for (const auto& value : list->second.list_value().values()) {
      if (value.has_struct_value()) {
        match.alternatives.push_back(FlattenStruct(value.struct_value()));
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
