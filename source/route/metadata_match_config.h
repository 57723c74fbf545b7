// From a metadata_match to MetadataMatch.
#pragma once

#include <memory>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/struct.pb.h"
#include "source/route/metadata_match.h"

namespace proxenos::route {

// The same bytes for the same value.
std::string SerializedValue(const google::protobuf::Value& value);
// The fields by rising name, each value so.
MetadataFields FlattenStruct(const google::protobuf::Struct& proto);

// What is asked for over `under` (may be null, and is what comes back where nothing is).
std::shared_ptr<const MetadataMatch> CompileMetadataMatch(
    const envoy::config::core::v3::Metadata& proto, std::shared_ptr<const MetadataMatch> under);

}  // namespace proxenos::route
