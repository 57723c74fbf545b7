// List collections: a file that holds its resources inline, as entries of one message. Envoy reads
// them where a locator file:///PATH stands in the place of a config source.
#pragma once

#include <string>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/config/errors.h"

namespace proxenos::xds {

// Reads an envoy.service.discovery.v3.Resource that holds a collection, and says of it what a
// control plane with these entries would: `response`. An entry that is not inline becomes one that
// is not of the type asked for: it is refused by its place, and nothing is taken for gone.
void LoadListCollection(const std::string& path,
                        envoy::service::discovery::v3::DiscoveryResponse& response,
                        config::Errors& errors);

}  // namespace proxenos::xds
