// One entry of a response to a Resource, without parsing more of it than its name: an unchanged
// resource then costs a hash and nothing else.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/any.pb.h"
#include "source/xds/resource.h"

namespace proxenos::xds {

// Errors say what is wrong with the entry; the caller says where it stands. An entry may be wrapped
// in envoy.service.discovery.v3.Resource. `version` is that of the response.
absl::StatusOr<Resource> UnpackResource(const google::protobuf::Any& entry,
                                        absl::string_view type_url, absl::string_view version);

// The name of a serialized resource: all discoverable types keep it in field 1, a string. The walk
// covers the whole message, so that bytes which are no message at all are an error here.
absl::StatusOr<std::string> ResourceName(absl::string_view bytes);

}  // namespace proxenos::xds
