// From a metadata_match to MetadataMatch.
#pragma once

#include <memory>

#include "envoy/config/core/v3/base.pb.h"
#include "source/route/metadata_match.h"

namespace proxenos::route {

// What is asked for over `under` (may be null, and is what comes back where nothing is).
std::shared_ptr<const MetadataMatch> CompileMetadataMatch(
    const envoy::config::core::v3::Metadata& proto, std::shared_ptr<const MetadataMatch> under);

}  // namespace proxenos::route
