// The state of the world from the files of a folder: each a DiscoveryResponse (most often just a
// `resources:` list) as YAML, JSON, binary or text proto. Names are unique over the whole folder.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tools/xds_server/discovery_server.h"

namespace proxenos::xds_server {

// Every file that is not hidden and ends in .yaml, .yml, .json, .pb or .pb_text, in order of their
// names. Listeners, routes, clusters and endpoints are always there, if only empty, so that whoever
// asks is answered. A type's version is a fingerprint of its resources: the same files always give
// the same versions. One bad file is an error of the whole: a half-written folder serves nobody.
absl::StatusOr<WorldState> LoadWorld(const std::string& folder);

}  // namespace proxenos::xds_server
