// One entry of a response to a Resource, without parsing more of it than its name: an unchanged
// resource then costs a hash and nothing else.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "google/protobuf/any.pb.h"
#include "source/base/clock.h"
#include "source/xds/resource.h"
#include "source/xds/type_url.h"

namespace proxenos::xds {

struct ResourceEntry {
  // Without bytes it is a heartbeat (with a ttl), or says that the name does not exist.
  Resource resource;
  base::Nanos ttl = 0;  // How long it holds unless it is sent again; 0 for ever.
};

// Errors say what is wrong with the entry; the caller says where it stands. An entry may be wrapped
// in envoy.service.discovery.v3.Resource. `version` is that of the response.
absl::StatusOr<ResourceEntry> UnpackResource(google::protobuf::Any entry, const ResourceType& type,
                                             absl::string_view version);
absl::StatusOr<ResourceEntry> UnpackResource(envoy::service::discovery::v3::Resource wrapper,
                                             const ResourceType& type, absl::string_view version);
// What is said of an entry whose bytes are none.
absl::Status NotAMessage();

// The name of a serialized resource: all discoverable types keep it in field 1, a string. The walk
// covers the whole message, so that bytes which are no message at all are an error here.
absl::StatusOr<std::string> ResourceName(absl::string_view bytes);

// Whether the configuration may refer to a resource by this name. Error: what is not implemented.
absl::Status CheckWantedName(absl::string_view name);

}  // namespace proxenos::xds
