// OpenTelemetry's resource detectors: what the process says of itself to collectors.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envoy/config/core/v3/extension.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/config/errors.h"

namespace proxenos::rpc {

using ResourceAttributes = std::vector<std::pair<std::string, std::string>>;

// In the place of what the key has.
void SetAttribute(const std::string& key, const std::string& value, ResourceAttributes& to);

// Runs the detectors (static and environment) in their order: the last has the word.
void DetectResource(const google::protobuf::RepeatedPtrField<
                        envoy::config::core::v3::TypedExtensionConfig>& detectors,
                    const config::Path& path, config::Errors& errors, ResourceAttributes& to);

}  // namespace proxenos::rpc
